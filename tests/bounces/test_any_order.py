"""Facts of every kind in every order, each also twice: all tables, all daily counts and the sentence are the same.

Invariants I2, I4 and I4b, by the recorder itself: sets of three to five facts drawn from all kinds that a message can
be told by, each permuted whole. The sets that once failed stand by their names; of the others the default run takes a
part, `./rebound test --all` every set of three and many larger ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.db import transaction

from bounces import policy
from bounces.intake.events import reported
from bounces.models import Address, Attempt, Bounce, Complaint, DailyStat
from bounces.recording import Told, record
from bounces.values import Event, Fault, Judgement, Kind, Trust
from tests.bounces.everything import State, differences, everything
from tests.bounces.histories import EMAIL, ago, told
from tests.builders import NOW

pytestmark = pytest.mark.django_db

M, P = "one@rebound.example", "0100018c-the-providers-own-id"
OTHER_M, OTHER_P = "two@rebound.example", "0100018d-the-providers-own-id"
HARD = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", True, "test")
SOFT = Judgement(Kind.SOFT, Fault.RECIPIENT, "mailboxfull", False, "test")
BLOCKED = Judgement(Kind.SOFT, Fault.SENDER, "blocked", False, "test")
LATER = Judgement(Kind.DEFERRED, Fault.INFRASTRUCTURE, "networkerror", False, "test")
BOUNCED = {"replycode": "550", "status": "5.1.1", "diagnostic": "550 5.1.1 no such user"}


def tool(event: Event, days: float, judgement: Judgement | None = None, *, m: str = "", p: str = "", **f: Any) -> Told:
    """By an outreach tool, or by the webhook of a provider."""
    fields = {"campaign": "spring", "sender": "sales@rebound.example", "feedback_type": "", **f}
    return told(event, days, judgement, message_id=m, envelope_id=p, **fields)


def mail(event: Event, days: float, judgement: Judgement | None = None, *, m: str = "", p: str = "", **f: Any) -> Told:
    """By a mail to a mailbox that is trusted."""
    return told(event, days, judgement, message_id=m, envelope_id=p, **{"reader": "delivery_status", **f})


def unproved(one: Told) -> Told:
    return replace(one, trust=Trust.UNPROVED)


def unnamed(event_id: str, days: float) -> Told:
    """By a tool that gives its message no name, as its events are read."""
    at = ago(days).isoformat()
    event = {"event": "bounced", "event_id": event_id, "recipient": EMAIL, "occurred_at": at, "smtp": {"code": 550}}
    return tool(Event.BOUNCED, days, HARD, p=reported(event).envelope_id, **BOUNCED)


KINDS: dict[str, Told] = {
    "sent": tool(Event.SENT, 9, m=M, p=P),
    "sent, by its Message-ID": tool(Event.SENT, 9.5, m=M),
    "sent, by another tool's campaign": tool(Event.SENT, 8.5, m=M, campaign="autumn", sender="team@rebound.example"),
    "delivered, by the provider's id": tool(Event.DELIVERED, 8, p=P, campaign=""),
    "deferred, by the provider's id": tool(Event.DEFERRED, 7.9, LATER, p=P, diagnostic="450 later"),
    "bounced": tool(Event.BOUNCED, 6, HARD, m=M, p=P, **BOUNCED),
    "bounced, by the provider's id": tool(Event.BOUNCED, 5, SOFT, p=P, campaign="", sender=""),
    "opened, by the provider's id": tool(Event.OPENED, 4, p=P),
    "clicked": tool(Event.CLICKED, 3.9, m=M, p=P),
    "replied, by its Message-ID": tool(Event.REPLIED, 3, m=M),
    "complained, by the provider's id": tool(Event.COMPLAINED, 2.5, p=P),
    "complained, by its Message-ID": tool(Event.COMPLAINED, 2, m=M, feedback_type="fraud"),
    "unsubscribed": tool(Event.UNSUBSCRIBED, 1.5, m=M, p=P),
    "a bounce mail": mail(Event.BOUNCED, 6.5, HARD, m=M, **BOUNCED),
    "a bounce mail that names the provider's id": mail(Event.BOUNCED, 4.5, SOFT, p=P, diagnostic="452 full"),
    "a bounce mail that names both": mail(Event.BOUNCED, 5.5, SOFT, m=M, p=P, remote_mta="mx.example.org"),
    "a mail of a delay": mail(Event.DEFERRED, 7.9, LATER, m=M, diagnostic="451 4.4.1 no answer"),
    "a mail of a delay that names the provider's id": mail(Event.DEFERRED, 7, LATER, p=P),
    "a mail of success": mail(Event.DELIVERED, 8.2, m=M),
    "a mail of success that names the provider's id": mail(Event.DELIVERED, 7.5, p=P),
    "a complaint report": mail(Event.COMPLAINED, 1, m=M, feedback_type="abuse", reader="feedback"),
    "a provider's list of unsubscribes": mail(
        Event.UNSUBSCRIBED, 12, p=P, reader="list", campaign="listed", sender="list@rebound.example"
    ),
    "a provider's list of suppressions": mail(Event.SUPPRESSED, 13, p=P, reader="list"),
    "an unproved bounce mail": unproved(mail(Event.BOUNCED, 20, BLOCKED, m=M, diagnostic="550 listed")),
    "an unproved complaint": unproved(mail(Event.COMPLAINED, 30, m=M, feedback_type="virus", reader="feedback")),
    "an unproved event": unproved(tool(Event.BOUNCED, 25, SOFT, m=M, p=OTHER_P, campaign="forged")),
    "an unproved delivery": unproved(tool(Event.DELIVERED, 0.5, m=M, p=P)),
    "bounced, naming no message": unnamed("first id", 4),
    "the same again under another event id": unnamed("second id", 4),
    "another message, sent": tool(Event.SENT, 5, m=OTHER_M, p=OTHER_P, campaign="second"),
    "another message's bounce mail": mail(Event.BOUNCED, 1, SOFT, m=OTHER_M),
}


def tell(one: Told) -> None:
    with transaction.atomic():
        record([one])


def judged() -> State:
    policy.judge_now(list(Address.objects.values_list("pk", flat=True)), NOW + timedelta(minutes=1))
    return everything()


def after(*batches: Sequence[Told]) -> State:
    """The state after those batches; then all of it is taken back."""
    with transaction.atomic():
        for batch in batches:
            record(batch)
        state = judged()
        transaction.set_rollback(True)
    return state


def check_every_order(facts: Sequence[Told], expected: State, told_before: Sequence[Told] = ()) -> None:
    """Walks through the permutations as a tree: what two orders begin with is told once."""
    if not facts:
        found = after()
        assert found == expected, (names_of(told_before), differences(expected, found))
    for one in facts:
        with transaction.atomic():
            tell(one)
            check_every_order([other for other in facts if other is not one], expected, [*told_before, one])
            transaction.set_rollback(True)


def names_of(facts: Sequence[Told]) -> str:
    return " > ".join(name for one in facts for name, other in KINDS.items() if other is one)


def check(names: Sequence[str]) -> None:
    facts = [KINDS[name] for name in names]
    expected = after(*[[one] for one in facts])

    check_every_order(facts, expected)
    for same in ([facts], [facts[::-1]], [[*facts, *facts]], [[one] for one in (*facts, *facts[::-1])]):
        found = after(*same)
        assert found == expected, (names, differences(expected, found))


ONCE_WRONG = (
    ("a bounce mail that names the provider's id", "bounced", "sent"),
    ("a bounce mail that names both", "bounced, by the provider's id", "sent, by its Message-ID"),
    ("a bounce mail that names both", "a bounce mail that names the provider's id", "a bounce mail"),
    ("complained, by the provider's id", "sent", "sent, by another tool's campaign"),
    ("a complaint report", "sent", "complained, by the provider's id"),
    ("an unproved complaint", "a complaint report", "sent"),
    ("an unproved bounce mail", "bounced", "sent"),
    ("a mail of a delay", "sent", "deferred, by the provider's id"),
    ("a mail of success", "sent", "opened, by the provider's id"),
    ("a provider's list of unsubscribes", "bounced, by the provider's id", "unsubscribed"),
    ("bounced, by the provider's id", "sent, by its Message-ID", "a bounce mail that names both", "sent"),
    ("complained, by its Message-ID", "a mail of success", "an unproved event"),
    ("bounced, naming no message", "the same again under another event id", "sent"),
    ("an unproved event", "another message, sent", "bounced", "an unproved complaint"),
)


@pytest.mark.parametrize("names", ONCE_WRONG, ids=", ".join)
def test_sets_that_once_depended_on_their_order_give_one_state(names: tuple[str, ...]) -> None:
    check(names)


@pytest.mark.parametrize(("size", "number"), [(3, 10), (4, 2)])
def test_facts_of_every_kind_give_one_state_in_every_order(size: int, number: int) -> None:
    for names in random.Random(size).sample(list(combinations(KINDS, size)), number):
        check(names)


@pytest.mark.full
@pytest.mark.parametrize(("size", "number"), [(3, 4495), (4, 150), (5, 10)])
def test_many_sets_of_facts_give_one_state_in_every_order(size: int, number: int) -> None:
    for names in random.Random(-size).sample(list(combinations(KINDS, size)), number):
        check(names)


PROVED = [name for name in KINDS if "unproved" not in name]
UNPROVED = {name: unproved(replace(one, event_key=f"{one.event_key}:forged")) for name, one in KINDS.items()}
OF_FACTS = (
    "Attempt",
    "DailyStat",
    "EarlyOutcome",
    "SameMessage",
    "Silence",
    "StatusChange",
    "Suppression",
    "sentences",
)


def proved_facts() -> dict[str, Any]:
    """What must not change by a report without proof: all but its own rows."""
    state = {table: rows for table, rows in everything().items() if table in (*OF_FACTS, "Address")}
    fields = [field.attname for field in Bounce._meta.concrete_fields]
    complained = [field.attname for field in Complaint._meta.concrete_fields]
    return state | {
        "bounces": list(Bounce.objects.exclude(standing="unverified").order_by("pk").values_list(*fields)),
        "complaints": list(Complaint.objects.exclude(standing="unverified").order_by("pk").values_list(*complained)),
    }


def forged(one: Told, days: float) -> Told:
    """Told without proof, of another day."""
    return replace(one, report=replace(one.report, occurred_at=NOW - timedelta(days=days)), judgement=one.judgement)


@pytest.mark.parametrize("days", [400, 0.1], ids=["long before", "since"])
@pytest.mark.parametrize("proved", PROVED)
def test_no_report_without_proof_changes_a_fact_that_has_it(proved: str, days: float) -> None:
    with transaction.atomic():
        record([KINDS["sent"], KINDS[proved]])
        judged()
        expected = proved_facts()

        record([forged(one, days) for one in UNPROVED.values()])
        judged()

        assert proved_facts() == expected


def test_a_bounce_mail_that_names_the_providers_id_and_the_tools_event_are_one_bounce() -> None:
    after_all = (KINDS["a bounce mail that names the provider's id"], KINDS["bounced"])
    with transaction.atomic():
        for one in after_all:
            record([one])

    (bounce,) = Bounce.objects.all()
    assert bounce.attempt_id == Attempt.objects.get().pk
    assert bounce.campaign_key == "spring"


def test_a_complaint_that_comes_before_its_message_counts_in_its_campaign() -> None:
    for name in ("complained, by the provider's id", "a complaint report", "sent"):
        tell(KINDS[name])

    counted = DailyStat.objects.exclude(complaints=0).values_list("dimension", "key", "complaints")
    assert sorted(counted) == [
        ("all", "", 1),
        ("campaign", "spring", 1),
        ("provider", "other", 1),
        ("recipient_domain", "example.org", 1),
        ("sender", "sales@rebound.example", 1),
        ("sender_domain", "rebound.example", 1),
    ]
    assert Complaint.objects.get().campaign_key == "spring"


def test_an_envelope_id_of_many_messages_makes_no_two_of_them_one() -> None:
    for m in (M, OTHER_M):
        tell(mail(Event.BOUNCED, 3, SOFT, m=m, p="the-newsletter-of-spring"))
        tell(tool(Event.SENT, 5, m=m))

    assert Attempt.objects.count() == 2
    assert Bounce.objects.count() == 2
    assert Address.objects.get(email=EMAIL).bounces.filter(attempt_id__isnull=True).count() == 0
