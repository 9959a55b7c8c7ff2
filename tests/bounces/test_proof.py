"""Only what is proved to be about our mail changes a status; the same facts in any order give one result (I4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounces import process, proof
from bounces.intake.events import keep_events
from bounces.intake.keep import Door, Piece, keep_pieces
from bounces.issuing import issue_token
from bounces.models import (
    Address,
    Attempt,
    Bounce,
    Complaint,
    DailyStat,
    Evidence,
    InboundItem,
    StatusChange,
    Suppression,
    Unproved,
)
from bounces.proof import is_recent, shortcoming_of
from bounces.return_path import TokenState, make_token
from bounces.values import Shortcoming, Trust
from tests.bounces.arriving import ADA, a_bounce_mail, a_complaint_mail
from tests.bounces.everything import everything_but_history
from tests.bounces.mails import a_notice
from tests.builders import NOW, an_address, an_attempt, days_ago

pytestmark = pytest.mark.django_db

M = "one@rebound.example"
GRACE = "grace@example.org"
_number = count(1)


@pytest.fixture(autouse=True)
def domain(settings) -> None:
    settings.RETURN_PATH_DOMAIN = "bounces.rebound.example"


def arrive(mail: bytes, trust: Trust, *, to: str = "", at: datetime = NOW, source: str = "") -> InboundItem:
    """A mail at a door of that level, to an envelope recipient."""
    body = (f"Delivered-To: {to}\n".encode() if to else b"") + mail
    piece = Piece(body=body, name="mail", form=InboundItem.Form.MAIL, identity=body)
    with transaction.atomic():
        (kept,) = keep_pieces([piece], Door(source=source or f"door:{trust}", trust=trust, now=at))
    return InboundItem.objects.get(pk=kept.item_id)


def run(now: datetime = NOW) -> None:
    assert process.run_flow(lambda: now)


def settled(item: InboundItem) -> InboundItem:
    run()
    item.refresh_from_db()
    return item


def tell(kind: str = "sent", *, at: datetime = NOW - timedelta(days=1), **fields: Any) -> None:
    event = {"event_id": f"e{next(_number)}", "event": kind, "recipient": ADA, "message_id": M, **fields}
    keep_events([{**event, "occurred_at": at.isoformat()}], "api:1", None, NOW)


def a_return_path(recipient: str = ADA, *, days: float = 1, **fields: str) -> str:
    """Of a message that was sent so many days ago."""
    message = {"event_id": f"r{next(_number)}", "recipient": recipient, **fields}
    return issue_token(message, "api:1", None, days_ago(days)).return_path


def status() -> str:
    return Address.objects.get(email=ADA).status


# --- the judgement ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trust", "token", "is_ours", "is_others", "lacks"),
    [
        ("trusted", "absent", False, False, None),
        ("trusted", "wrong", False, True, None),
        ("match", "absent", True, False, None),
        ("match", "absent", False, False, "no_attempt"),
        ("match", "expired", False, False, "expired_token"),
        ("match", "valid", False, False, None),
        ("token", "valid", False, False, None),
        ("token", "absent", True, False, "no_token"),
        ("token", "expired", True, False, "expired_token"),
        ("token", "wrong", True, False, "forged_token"),
        ("token", "wrong", True, True, "other_recipient"),
        ("token", "unknown_key", True, False, "forged_token"),
        ("unproved", "absent", True, False, "not_believed"),
        ("unproved", "valid", False, False, None),
    ],
)
def test_each_level_takes_its_own_proof(trust, token, is_ours, is_others, lacks):
    found = shortcoming_of(Trust(trust), TokenState(token), is_ours=is_ours, is_others=is_others)
    assert found == lacks


@pytest.mark.parametrize(
    ("sent", "newest", "is_ours"),
    [(1, None, True), (14, None, True), (15, None, False), (30, 13, True), (-0.5, None, True), (-2, None, False)],
)
def test_an_attempt_is_recent_for_fourteen_days(sent, newest, is_ours):
    attempt = Attempt(sent_at=days_ago(sent), newest_at=days_ago(newest) if newest else None)
    assert is_recent(attempt, NOW) is is_ours


# --- tokens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trust", [Trust.TOKEN, Trust.MATCH, Trust.UNPROVED])
def test_a_bounce_with_its_token_counts_whatever_its_source(trust):
    item = settled(arrive(a_bounce_mail(message_id="unknown@x.example"), trust, to=a_return_path()))

    assert (status(), item.state) == ("invalid", "done")
    assert Bounce.objects.get().standing == "counted"
    assert Evidence.objects.get().is_proved


def test_a_token_joins_the_bounce_to_its_attempt():
    path = a_return_path(campaign="spring", sender="jo@rebound.example")

    settled(arrive(a_bounce_mail(message_id="unknown@x.example"), Trust.TOKEN, to=path))

    bounce, attempt = Bounce.objects.get(), Attempt.objects.get()
    assert (bounce.attempt_id, bounce.campaign_key, bounce.sender) == (attempt.pk, "spring", "jo@rebound.example")
    assert attempt.bounced_at == bounce.occurred_at
    assert sum(DailyStat.objects.filter(dimension="campaign").values_list("bounced", flat=True)) == 1


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Envelope-To", "To"])
def test_the_token_is_found_wherever_a_mail_system_writes_the_recipient(header):
    mail = a_bounce_mail().replace(b"To: sales@rebound.example", f"{header}: <{a_return_path().upper()}>".encode())
    assert settled(arrive(mail, Trust.TOKEN)).state == "done"


def test_a_mailboxs_own_address_before_it_hides_no_token():
    mail = (
        b"Delivered-To: catchall@rebound.example\nDelivered-To: " + a_return_path().encode() + b"\n" + a_bounce_mail()
    )
    assert settled(arrive(mail, Trust.TOKEN)).state == "done"


def test_a_report_that_hides_its_recipient_is_about_whom_its_token_was_made_for():
    hidden = a_notice("Your message could not be delivered: 550 5.1.1 User unknown", To=a_return_path())

    item = settled(arrive(hidden, Trust.TOKEN))

    assert (item.state, status()) == ("done", "invalid"), item.why


def test_an_old_key_is_believed_as_long_as_it_is_in_the_settings(settings):
    first, second = "1:" + "a" * 40, "2:" + "b" * 40
    settings.RETURN_PATH_KEYS = [first]
    path, other = a_return_path(), a_return_path(GRACE)
    settings.RETURN_PATH_KEYS = [second, first]
    assert settled(arrive(a_bounce_mail(), Trust.TOKEN, to=path)).state == "done"
    settings.RETURN_PATH_KEYS = [second]
    assert settled(arrive(a_bounce_mail(GRACE), Trust.TOKEN, to=other)).state == "unverified"


def forged(shape: str, number: int) -> tuple[bytes, str]:
    """A delivery report about Ada, and the return path that it claims."""
    mail = a_bounce_mail(message_id=f"{number}@forged.example")
    at = NOW + timedelta(days=30)
    return mail, {
        "no token": "sales@rebound.example",
        "a damaged one": "b+" + f"{number:047d}".replace("0", "a").replace("1", "b") + "@b.example",
        "an expired one": a_return_path(days=31),
        "one for another recipient": a_return_path(GRACE),
        "one by a key of their own": make_token(1, ADA, at, proof.parse_keys(["0:" + "x" * 40])) + "@b.example",
    }[shape]


@pytest.mark.parametrize(
    ("shape", "lacks"),
    [
        ("no token", Shortcoming.NO_TOKEN),
        ("a damaged one", Shortcoming.NO_TOKEN),
        ("an expired one", Shortcoming.EXPIRED_TOKEN),
        ("one for another recipient", Shortcoming.OTHER_RECIPIENT),
        ("one by a key of their own", Shortcoming.FORGED_TOKEN),
    ],
)
def test_forged_reports_change_nobody_and_all_wait_in_review(shape, lacks):
    tell(at=days_ago(2))
    run()
    for number in range(40):
        mail, to = forged(shape, number)
        arrive(mail, Trust.TOKEN, to=to)
    run()

    assert status() == "unverified"
    assert not StatusChange.objects.exists()
    assert Address.objects.get(email=ADA).last_bounce_at is None
    assert InboundItem.objects.filter(state="unverified").count() == 40
    assert set(Unproved.objects.values_list("shortcoming")) == {(lacks,)}
    assert set(Bounce.objects.values_list("standing")) == {("unverified",)}
    assert DailyStat.objects.filter(hard__gt=0).count() == 0


def test_the_inbox_says_what_a_report_lacks():
    item = settled(arrive(a_bounce_mail(), Trust.TOKEN, to="sales@rebound.example"))
    assert item.why.startswith("Not proved to be about our mail: it did not come to a return path of ours. 1 bounce")


def test_a_forged_complaint_suppresses_nobody():
    item = settled(arrive(a_complaint_mail(), Trust.TOKEN))

    assert item.state == "unverified"
    assert Complaint.objects.get().standing == "unverified"
    assert not Suppression.objects.exists()


# --- matching an attempt ----------------------------------------------------------------------------


def test_a_bounce_of_a_message_that_we_sent_lately_counts():
    an_attempt(ADA, message_id=M, sent_at=days_ago(13))
    assert settled(arrive(a_bounce_mail(), Trust.MATCH)).state == "done"
    assert status() == "invalid"


@pytest.mark.parametrize("case", ["too old", "another address", "another message", "none at all"])
def test_a_bounce_of_no_message_that_we_sent_lately_does_not(case):
    {
        "too old": lambda: an_attempt(ADA, message_id=M, sent_at=days_ago(15)),
        "another address": lambda: an_attempt(GRACE, message_id=M),
        "another message": lambda: an_attempt(ADA, message_id="two@rebound.example"),
        "none at all": lambda: None,
    }[case]()

    item = settled(arrive(a_bounce_mail(), Trust.MATCH))

    assert (item.state, status()) == ("unverified", "unverified")
    assert Unproved.objects.get().shortcoming == "no_attempt"


def test_an_attempt_told_afterwards_lets_what_waited_count():
    item = settled(arrive(a_bounce_mail(), Trust.MATCH))
    assert status() == "unverified"

    tell()
    settled(item)

    assert (item.state, status()) == ("done", "invalid")
    assert Bounce.objects.get().standing == "counted"
    assert (Evidence.objects.count(), Unproved.objects.count()) == (1, 0)


def test_an_unsubscribe_and_a_complaint_that_waited_count_too():
    settled(arrive(a_complaint_mail(), Trust.MATCH))
    tell(message_id="complained@rebound.example")
    run()

    assert Complaint.objects.get().standing == "counted"
    assert Suppression.objects.get().reason == "complaint"


def test_news_of_another_message_lets_it_wait_on():
    item = settled(arrive(a_bounce_mail(), Trust.MATCH))
    tell(message_id="two@rebound.example")
    settled(item)

    assert item.state == "unverified"
    assert (Bounce.objects.count(), Evidence.objects.count(), Unproved.objects.count()) == (1, 1, 1)


def test_the_same_failure_through_a_trusted_door_counts():
    settled(arrive(a_bounce_mail(), Trust.TOKEN))
    settled(arrive(a_bounce_mail(), Trust.TRUSTED, source="upload"))

    assert status() == "invalid"
    assert Bounce.objects.get().standing == "counted"


def test_a_claim_moves_no_proved_date():
    early = a_bounce_mail(at=days_ago(20))
    arrive(early, Trust.TOKEN)
    run()
    arrive(a_bounce_mail(at=days_ago(2)), Trust.TRUSTED, source="upload")
    run()
    arrive(early, Trust.UNPROVED)
    run()

    assert Bounce.objects.get().occurred_at == days_ago(2)


def test_what_a_person_discarded_stays_discarded():
    item = settled(arrive(a_bounce_mail(), Trust.MATCH))
    InboundItem.objects.filter(pk=item.pk).update(state="ignored", why="Discarded.")
    Bounce.objects.update(standing="discarded")
    tell()
    run()

    assert status() == "unverified"
    assert Bounce.objects.get().standing == "discarded"


def test_a_report_twice_over_in_one_mail_is_settled_once():
    arrive(a_bounce_mail(), Trust.MATCH)
    tell()
    run()
    run()
    assert InboundItem.objects.filter(state="pending").count() == 0
    assert status() == "invalid"


# --- any order, one result --------------------------------------------------------------------------

P = "p-1"
STEPS: dict[str, Callable[[str], Any]] = {
    "sent": lambda _path: tell(at=days_ago(16), provider_id=P),
    "delivered": lambda _path: tell("delivered", at=days_ago(13), message_id="", provider_id=P),
    "bounce told by the tool": lambda _path: tell("bounced", at=days_ago(12), smtp={"text": "550 5.1.1 unknown"}),
    "matched": lambda _path: arrive(a_bounce_mail(at=days_ago(11)), Trust.MATCH),
    "matched again": lambda _path: arrive(a_bounce_mail(at=days_ago(10)), Trust.MATCH, source="door:other"),
    "never matched": lambda _path: arrive(a_bounce_mail(message_id="no@x.example", at=days_ago(3)), Trust.MATCH),
    "with its token": lambda path: arrive(a_bounce_mail(message_id="r@x.example"), Trust.TOKEN, to=path),
    "forged": lambda _path: arrive(a_bounce_mail(at=days_ago(40)), Trust.TOKEN),
    "a complaint": lambda _path: arrive(a_complaint_mail().replace(b"complained@", b"one@"), Trust.MATCH),
    "uploaded": lambda _path: arrive(a_bounce_mail(at=days_ago(9)), Trust.TRUSTED, source="upload"),
}


def facts() -> dict[str, Any]:
    items = sorted(map(str, InboundItem.objects.values_list("source", "state")))
    return everything_but_history() | {"items": items}


def told_in(order: list[str], pauses: set[int]) -> dict[str, Any]:
    """The facts after these steps; the flow runs after some of them, and at the end."""
    point = transaction.savepoint()
    try:
        an_address(ADA)
        path = a_return_path(days=5, event_id="path")
        for number, step in enumerate(order):
            STEPS[step](path)
            if number in pauses:
                run()
        run()
        return facts()
    finally:
        transaction.savepoint_rollback(point)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(list(STEPS)), unique=True, min_size=2), st.data())
def test_any_order_gives_one_result(steps, data):
    other = data.draw(st.permutations(steps))
    pauses = data.draw(st.sets(st.integers(0, len(steps))))
    assert told_in(steps, set(range(len(steps)))) == told_in(list(other), pauses)
