"""One message under two names, told by several channels in every order: always the same facts (invariants I2, I4)."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from bounces import policy
from bounces.models import Address, Attempt, Bounce, Complaint, DailyStat, Evidence
from bounces.recording import record
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.histories import told
from tests.builders import NOW

pytestmark = pytest.mark.django_db

M, P = "m@rebound.example", "p-1"
HARD = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", True, "test")
SOFT = Judgement(Kind.SOFT, Fault.RECIPIENT, "mailboxfull", False, "test")

DEFERRED = Judgement(Kind.DEFERRED, Fault.INFRASTRUCTURE, "networkerror", False, "test")


def tool(event: Event, days: float, judgement: Judgement | None = None, *, m: str = "", p: str = "") -> Any:
    fields = {"campaign": "spring", "sender": "sales@rebound.example", "feedback_type": ""}
    return told(event, days, judgement, message_id=m, envelope_id=p, **fields)


def mail(days: float, judgement: Judgement, words: str = "452 4.2.2 full") -> Any:
    return told(
        Event.BOUNCED, days, judgement, message_id=M, envelope_id="", reader="delivery_status", diagnostic=words
    )


STORIES: dict[str, list[Any]] = {
    "sent under both names, bounced by the provider's, reported by a mail of another day": [
        tool(Event.SENT, 5, m=M, p=P),
        tool(Event.BOUNCED, 3, SOFT, p=P),
        mail(4, SOFT),
    ],
    "a mail before its message is known": [mail(4, HARD, "550 5.1.1 unknown"), tool(Event.SENT, 5, m=M)],
    "two names that turn out to be one": [
        tool(Event.BOUNCED, 4, HARD, p=P),
        tool(Event.DELIVERED, 5, m=M),
        tool(Event.OPENED, 5, m=M, p=P),
    ],
    "a deferral told by a mail and, under the provider's name, by the tool": [
        told(
            Event.DEFERRED, 4, DEFERRED, message_id=M, envelope_id="", reader="delivery_status", diagnostic="450 later"
        ),
        tool(Event.DEFERRED, 4, DEFERRED, p=P),
        tool(Event.SENT, 5, m=M, p=P),
    ],
    "two complaints of one message": [
        tool(Event.COMPLAINED, 3, p=P),
        tool(Event.COMPLAINED, 2, m=M),
        tool(Event.SENT, 5, m=M, p=P),
    ],
}


def facts() -> dict[str, Any]:
    dates = ("sent_at", "delivered_at", "bounced_at", "complained_at", "opens", "message_id", "provider_id")
    return {
        "status": list(Address.objects.values_list("status", "status_rule")),
        "attempts": list(Attempt.objects.values_list(*dates, "campaign_key", "sender")),
        "bounces": list(Bounce.objects.values_list("kind", "reason", "occurred_at", "campaign_key", "sender")),
        "linked": Bounce.objects.filter(attempt_id__in=Attempt.objects.values("pk")).count(),
        "evidence": Evidence.objects.count(),
        "complaints": Complaint.objects.count(),
        "counts": list(
            DailyStat.objects.filter(dimension="all")
            .exclude(attempted=0, bounced=0, hard=0, soft=0, delivered=0, complaints=0)
            .order_by("day")
            .values_list("day", *DailyStat.COUNTS)
        ),
    }


def lived(order: tuple[Any, ...], at_once: bool) -> dict[str, Any]:
    """The facts after that order; then all of it is taken back."""
    with transaction.atomic():
        for batch in [list(order)] if at_once else [[one] for one in order]:
            record(batch)
        policy.judge_now(list(Address.objects.values_list("pk", flat=True)), NOW + timedelta(minutes=1))
        found = facts()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
@pytest.mark.parametrize("name", STORIES)
def test_the_facts_are_the_same_in_every_order(name: str, at_once: bool) -> None:
    told_in_order = tuple(STORIES[name])
    expected = lived(told_in_order, at_once=False)

    for order in permutations(told_in_order):
        assert lived(order, at_once) == expected

    assert len(expected["attempts"]) == 1
    assert expected["linked"] == len(expected["bounces"]) <= 1
