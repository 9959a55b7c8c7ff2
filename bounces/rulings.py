"""A person's decisions about an address: facts like any other.

In: an address, a person, a reason. Out: a Ruling, and the address judged again at once. The address' dates that follow
from rulings (`restored_at`) are moved forward here alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from bounces import policy
from bounces.models import Address, Ruling


class NoReason(ValueError):
    """A ruling needs a reason that others can read later."""


def restore(address: Address, by: Any, reason: str, now: datetime) -> Ruling:
    """Bounces up to now count no more. Raises NoReason. Twice is two rulings with the same effect."""
    return _rule(address, Ruling.Kind.RESTORE, by, reason, now)


def hold(address: Address, by: Any, reason: str, now: datetime) -> Ruling:
    """Nobody writes to it until it is released. Raises NoReason."""
    return _rule(address, Ruling.Kind.HOLD, by, reason, now)


def release(address: Address, by: Any, now: datetime) -> int:
    """Ends the holds of an address; returns how many there were."""
    holds = Ruling.objects.filter(address=address, kind=Ruling.Kind.HOLD, lifted_at__isnull=True)
    return holds.update(lifted_at=now, lifted_by=by)


def _rule(address: Address, kind: Ruling.Kind, by: Any, reason: str, now: datetime) -> Ruling:
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        policy.lock_addresses([address.pk])
        ruling = Ruling.objects.create(
            address=address, kind=kind, effective_at=now, reason=reason.strip(), by=by, at=now
        )
        if kind == Ruling.Kind.RESTORE:
            Address.objects.filter(pk=address.pk).update(restored_at=Greatest("restored_at", Value(now)))
        policy.judge_now([address.pk], now, actor_id=by.pk)
    address.refresh_from_db()
    return ruling
