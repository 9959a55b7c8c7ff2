"""Histories of an address, for the tests of recording and policy: `hard(1), delivered(3)` read from now backwards.

Each fact goes through `bounces.recording.record`, as the flow does it; rulings and verifications are written as rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from bounces import policy
from bounces.addresses import keep_addresses
from bounces.models import Address, Ruling
from bounces.recording import Told, record
from bounces.values import Event, Fault, Judgement, Kind, Report, Trust
from tests.builders import NOW

EMAIL = "ada@example.org"
HARD = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", True, "test")
Fact = Callable[[], None]
_number = count(1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def told(event: Event, days: float, judgement: Judgement | None = None, **report: Any) -> Told:
    """One report by a trusted tool, of a message of its own unless `message_id` says otherwise."""
    number = next(_number)
    fields = {
        "recipient": EMAIL,
        "occurred_at": ago(days),
        "message_id": f"{number}@rebound.example",
        "envelope_id": f"p{number}",
        "reader": "event",
        **report,
    }
    return Told(
        item_id=number,
        source="test",
        trust=Trust.TRUSTED,
        event_key=f"{number}",
        payload_digest=f"{number}",
        received_at=NOW,
        email=fields["recipient"],
        report=Report(event=event, **fields),
        judgement=judgement,
    )


def recorded(one: Told) -> Fact:
    def write() -> None:
        with transaction.atomic():
            record([one])

    return write


def hard(days: float, fault: str = "recipient", reason: str = "userunknown", **report: Any) -> Fact:
    codes = {"replycode": "550", "status": "5.1.1", "diagnostic": "550 5.1.1 no such user", **report}
    return recorded(told(Event.BOUNCED, days, Judgement(Kind.HARD, Fault(fault), reason, True, "test"), **codes))


def soft(days: float, fault: str = "recipient", reason: str = "mailboxfull", **report: Any) -> Fact:
    codes = {"replycode": "452", "status": "4.2.2", **report}
    return recorded(told(Event.BOUNCED, days, Judgement(Kind.SOFT, Fault(fault), reason, False, "test"), **codes))


def deferred(days: float) -> Fact:
    judgement = Judgement(Kind.DEFERRED, Fault.RECIPIENT, "mailboxfull", False, "test")
    return recorded(told(Event.DEFERRED, days, judgement))


def delivered(days: float) -> Fact:
    return recorded(told(Event.DELIVERED, days))


def replied(days: float) -> Fact:
    return recorded(told(Event.REPLIED, days))


def clicked(days: float) -> Fact:
    return recorded(told(Event.CLICKED, days))


def complained(days: float) -> Fact:
    return recorded(told(Event.COMPLAINED, days, feedback_type="abuse"))


def unsubscribed(days: float) -> Fact:
    return recorded(told(Event.UNSUBSCRIBED, days))


def forged(fact_of: Callable[..., Told]) -> Fact:
    return recorded(replace(fact_of(), trust=Trust.UNPROVED))


def a_person() -> Any:
    return get_user_model().objects.get_or_create(email="boss@rebound.example", defaults={"role": "manager"})[0]


def restored(days: float) -> Fact:
    def write() -> None:
        pk = keep_addresses([EMAIL])[EMAIL]
        Ruling.objects.create(address_id=pk, kind="restore", effective_at=ago(days), reason="he called", by=a_person())
        Address.objects.filter(pk=pk).update(restored_at=Greatest("restored_at", Value(ago(days))))

    return write


def held(days: float) -> Fact:
    """By a person, once, however often it is told."""

    def write() -> None:
        pk = keep_addresses([EMAIL])[EMAIL]
        if not Ruling.objects.filter(address_id=pk, kind="hold").exists():
            at = ago(days)
            Ruling.objects.create(
                address_id=pk, kind="hold", effective_at=at, reason="she is on leave", by=a_person(), at=at
            )

    return write


def waived(rule: str, days: float) -> Fact:
    def write() -> None:
        pk = keep_addresses([EMAIL])[EMAIL]
        Ruling.objects.create(
            address_id=pk, kind="waive", rule=rule, effective_at=ago(days), reason="undone", by=a_person()
        )

    return write


def upheld(status: str, days: float, lasts: int | None = None) -> Fact:
    """As the undo of a run writes it; `lasts` are the days until the status would have passed by the clock."""

    def write() -> None:
        pk = keep_addresses([EMAIL])[EMAIL]
        until = ago(days - lasts) if lasts else None
        rule, evidence = {
            "invalid": ("hard_bounce", {"bounces": 2, "reason": "userunknown", "last_at": ago(days + 1).isoformat()}),
            "at_risk": (
                "soft_recent",
                {"days": 5, "reason": "mailboxfull", "first_on": "2026-10-01", "ends_at": "2026-10-31T00:00:00+00:00"},
            ),
        }[status]
        Ruling.objects.create(
            address_id=pk, kind="uphold", status=status, rule=rule, evidence=evidence, until=until,
            effective_at=ago(days), reason="undone", by=a_person(),
        )  # fmt: skip

    return write


def verified(days: float, ok: bool) -> Fact:
    def write() -> None:
        pk = keep_addresses([EMAIL])[EMAIL]
        Address.objects.filter(pk=pk).update(verified_at=ago(days), verified_ok=ok)

    return write


def lived(facts: Iterable[Fact], now: datetime = NOW) -> Address:
    """The address after those facts, in that order, and one judgement."""
    for fact in facts:
        fact()
    pk = keep_addresses([EMAIL])[EMAIL]
    with transaction.atomic():
        policy.judge_now([pk], now)
    return Address.objects.get(pk=pk)
