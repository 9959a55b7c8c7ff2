"""One failure told by three doors, in every order and at once: one bounce, three pieces of evidence, one verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from bounces import process
from bounces.intake.events import keep_events
from bounces.intake.keep import Door, Piece, keep_pieces
from bounces.models import Address, Bounce, DailyStat, Evidence, InboundItem, StatusChange
from bounces.values import Trust
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.builders import NOW

pytestmark = pytest.mark.django_db

BOUNCED = {
    "event": "bounced",
    "recipient": ADA,
    "occurred_at": NOW.isoformat(),
    "message_id": "one@rebound.example",
    "smtp": {"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 User unknown"},
}


def by_webhook() -> None:
    keep_events([BOUNCED | {"event_id": "esp-1"}], "mailtrap:hook", None, NOW)


def by_smtp_reply() -> None:
    keep_events([BOUNCED | {"event_id": "reply-1"}], "api:sender", None, NOW)


def by_mailbox() -> None:
    mail = a_bounce_mail()
    with transaction.atomic():
        keep_pieces([Piece(mail, "INBOX 1", InboundItem.Form.MAIL, mail)], Door("imap:box", Trust.MATCH, NOW))


def run() -> None:
    assert process.run_flow(lambda: NOW)


def facts() -> dict[str, Any]:
    return {
        "bounces": list(Bounce.objects.values_list("kind", "fault", "reason", "standing", "smtp_code", "occurred_at")),
        "evidence": sorted(Evidence.objects.values_list("source", flat=True)),
        "addresses": list(Address.objects.values_list("email", "status", "status_rule", "last_bounce_at")),
        "changes": list(StatusChange.objects.values_list("to_status", flat=True)),
        "counts": list(DailyStat.objects.filter(dimension="all").values_list("bounced", "hard")),
        "states": set(InboundItem.objects.values_list("state", flat=True)),
    }


DOORS = (by_webhook, by_smtp_reply, by_mailbox)


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after the other"])
@pytest.mark.parametrize("order", list(permutations(DOORS)), ids=lambda order: ", ".join(d.__name__[3:] for d in order))
def test_one_failure_is_one_fact(order: tuple[Callable[[], None], ...], at_once: bool) -> None:
    for door in order:
        door()
        if not at_once:
            run()
    run()
    for door in order:  # and all of it a second time
        door()
    run()

    assert facts() == {
        "bounces": [("hard", "recipient", "userunknown", "counted", 550, NOW)],
        "evidence": ["api:sender", "imap:box", "mailtrap:hook"],
        "addresses": [(ADA, "invalid", "hard_bounce", NOW)],
        "changes": ["invalid"],
        "counts": [(1, 1)],
        "states": {"done"},
    }


UNNAMED = {name: value for name, value in BOUNCED.items() if name != "message_id"}
ANOTHER_SECOND = (NOW - timedelta(seconds=1)).isoformat()


def bounces_of(*events: dict[str, Any], source: str = "api:tool") -> tuple[int, int]:
    """How many bounces and failed attempts those events are, each arriving alone."""
    for number, event in enumerate(events):
        keep_events([event | {"event_id": f"id-{number}"}], source, None, NOW)
        run()
    (counted,) = DailyStat.objects.filter(dimension="all").values_list("attempted", flat=True)
    return Bounce.objects.count(), counted


@pytest.mark.parametrize("event", [BOUNCED, UNNAMED], ids=["message named", "message not named"])
def test_the_same_bounce_under_two_event_ids_counts_once(event: dict[str, Any]) -> None:
    earlier = event | {"occurred_at": (NOW - timedelta(minutes=2)).isoformat()}
    later_in_the_same_second = event | {"occurred_at": (NOW - timedelta(seconds=119.5)).isoformat()}

    assert bounces_of(earlier, earlier, later_in_the_same_second) == (1, 1)


def test_the_same_unnamed_bounce_told_by_two_tools_counts_once() -> None:
    bounces_of(UNNAMED)

    assert bounces_of(UNNAMED, source="sendgrid:hook") == (1, 1)


@pytest.mark.parametrize(
    "difference",
    [{"occurred_at": ANOTHER_SECOND}, {"smtp": {"text": "552 5.2.2 Mailbox full"}}, {"campaign": "autumn"}],
    ids=["second", "text", "campaign"],
)
def test_unnamed_bounces_that_differ_count_as_two(difference: dict[str, Any]) -> None:
    assert bounces_of(UNNAMED, UNNAMED | difference) == (2, 2)


def test_one_bounce_mail_that_names_no_message_and_arrives_in_two_mailboxes_counts_once() -> None:
    mail = a_bounce_mail()
    unnamed = b"\n".join(line for line in mail.splitlines() if not line.lower().startswith(b"message-id"))
    for box in ("one", "two"):
        copy = b"X-Box: " + box.encode() + b"\n" + unnamed
        with transaction.atomic():
            keep_pieces([Piece(copy, "INBOX 1", InboundItem.Form.MAIL, copy)], Door(f"imap:{box}", Trust.TRUSTED, NOW))
        run()

    assert Bounce.objects.count() == 1
    assert Evidence.objects.count() == 2
