"""A person's decisions about an address: facts like any other.

In: an address, a person, a reason. Out: a Ruling, and the address judged again at once. The address' dates that follow
from rulings (`restored_at`) are moved here alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Greatest

from bounces import policy
from bounces.conditions import HOLD
from bounces.models import Address, Ruling

CHUNK = 1000


class NoReason(ValueError):
    """A ruling needs a reason that others can read later."""


def restore(address: Address, by: Any, reason: str, now: datetime) -> Ruling:
    """Bounces up to now count no more. Raises NoReason. Twice is two rulings with the same effect."""
    made = restore_all([address.pk], by, reason, now)
    address.refresh_from_db()
    return Ruling.objects.get(pk=made[address.pk])


def restore_all(address_ids: Collection[int], by: Any, reason: str, now: datetime) -> dict[int, int]:
    """The same for many, in a handful of statements; returns the ruling of each address."""
    reason = _checked(reason)
    ids = sorted(set(address_ids))
    with transaction.atomic():
        policy.lock_addresses(ids)
        made = Ruling.objects.bulk_create(
            Ruling(address_id=pk, kind=Ruling.Kind.RESTORE, effective_at=now, reason=reason, by=by, at=now)
            for pk in ids
        )
        Address.objects.filter(pk__in=ids).update(restored_at=Greatest("restored_at", Value(now)))
        policy.judge_now(ids, now, actor_id=by.pk)
    return {ruling.address_id: ruling.pk for ruling in made}


def hold(address: Address, by: Any, reason: str, now: datetime) -> Ruling:
    """Nobody writes to it until it is released. Raises NoReason."""
    return Ruling.objects.create(
        address=address, kind=Ruling.Kind.HOLD, effective_at=now, reason=_checked(reason), by=by, at=now
    )


def release(address: Address, by: Any, now: datetime) -> int:
    """Ends the holds of an address; returns how many there were."""
    holds = Ruling.objects.filter(HOLD, address=address)
    return holds.update(lifted_at=now, lifted_by=by)


def _checked(reason: str) -> str:
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    return reason.strip()


def take_back(ruling_ids: Sequence[int], by: Any, now: datetime) -> int:
    """Ends restores and waivers as if they had not been: older bounces count again. In the caller's transaction, or a
    chunk a transaction. May run twice. Returns how many it ended.
    """
    return sum(_take_back(ruling_ids[start : start + CHUNK], by, now) for start in range(0, len(ruling_ids), CHUNK))


def _take_back(ruling_ids: Sequence[int], by: Any, now: datetime) -> int:
    with transaction.atomic():
        ours = Ruling.objects.filter(pk__in=list(ruling_ids), lifted_at__isnull=True)
        address_ids = sorted(set(ours.values_list("address_id", flat=True)))
        policy.lock_addresses(address_ids)
        ended = ours.update(lifted_at=now, lifted_by=by)
        restores = Ruling.objects.filter(
            address=OuterRef("pk"), kind=Ruling.Kind.RESTORE, lifted_at__isnull=True
        ).order_by("-effective_at")
        Address.objects.filter(pk__in=address_ids).update(restored_at=Subquery(restores.values("effective_at")[:1]))
        policy.judge_now(address_ids, now, actor_id=by.pk)
        return ended
