"""Decide a pair: merge it, or mark it as not the same.

In: a pair, the side to keep, the fields to take from the other side, the user. Out: a merge, or a stored decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count

from contacts.access import User
from contacts.duplicates.queue import sides_of
from contacts.merging import Difference, company_differences, differences, merge, merge_companies
from contacts.models import Contact, ContactAddress, DuplicatePair, Merge, MergeRun

State = DuplicatePair.State


class AlreadyDecided(ValueError):
    """The pair is no longer open."""

    def __init__(self) -> None:
        super().__init__("Someone already decided this pair.")


def kept_first(pair: DuplicatePair) -> tuple[Any, Any]:
    """The default side to keep, then the other: the one with more filled fields and addresses, else the older one."""
    first, second = sides_of(pair)
    if _fullness(second) > _fullness(first):
        return second, first
    return first, second


def _fullness(side: Any) -> int:
    if isinstance(side, Contact):
        filled = [side.first_name, side.last_name, side.title, side.company_id, side.phone, side.country, side.owner_id]
        reached = ContactAddress.objects.filter(contact=side).aggregate(number=Count("pk"))["number"]
        return sum(map(bool, filled)) + len(side.custom) + int(reached)
    return sum(map(bool, [side.domain, side.country, side.owner_id, side.notes]))


def differences_of(kept: Any, other: Any) -> list[Difference]:
    return differences(kept, other) if isinstance(kept, Contact) else company_differences(kept, other)


def merge_pair(
    pair: DuplicatePair,
    kept: Any,
    other: Any,
    take_other: Iterable[str],
    *,
    by: User,
    now: datetime,
    reason: str = "",
    run: MergeRun | None = None,
) -> Merge:
    """Raises NotAllowed, AlreadyDecided."""
    _refuse_decided(pair)
    given: dict[str, Any] = {"by": by, "now": now, "reason": reason, "run": run}
    if pair.is_of_companies:
        return merge_companies(kept, other, take_other, **given)
    return merge(kept, other, take_other, **given)


def dismiss(pair: DuplicatePair, *, by: User, now: datetime) -> None:
    """Mark the pair as not the same, so that it is not suggested again. Raises AlreadyDecided."""
    changed = DuplicatePair.objects.filter(pk=pair.pk, state=State.OPEN).update(
        state=State.DISMISSED, decided_at=now, decided_by=by
    )
    if not changed:
        raise AlreadyDecided


def reopen(pair: DuplicatePair) -> None:
    """Return a dismissed pair to the queue. Idempotent."""
    DuplicatePair.objects.filter(pk=pair.pk, state=State.DISMISSED).update(
        state=State.OPEN, decided_at=None, decided_by=None
    )


def _refuse_decided(pair: DuplicatePair) -> None:
    pair.refresh_from_db(fields=["state"])
    if pair.state != State.OPEN:
        raise AlreadyDecided
