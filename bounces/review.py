"""The review queue: people decide where the facts alone leave a question open (`questions.py` says which).

In: groups' keys or ids, a decision, a reason. Out: changed facts (standings, rulings, the inbox), by which the policy
judges; none sets a status. Each decision is kept with who, when, why, how many, and by ids what it changed, so that it
can be taken back. Stage: after evaluate. One decision at a time: two people never decide the same twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from bounces import inbox, policy, rulings
from bounces.ids import id_in
from bounces.models import Address, Bounce, ReviewItem
from bounces.questions import BAD, Cause, Decision, asked, conflicts, unknown, unproved
from bounces.rulings import NoReason
from bounces.standings import restand
from bounces.values import Standing

MOST_AT_ONCE = 5_000  # bounces or items of one decision; what is left stays open
LOCK = 7_301_030  # of decisions, among PostgreSQL's advisory locks
ALLOWED = {
    Cause.ASKED: (Decision.RESTORE, Decision.REFUSE),
    Cause.CONFLICT: (Decision.RESTORE, Decision.KEEP),
    Cause.UNKNOWN: (Decision.KEEP, Decision.DISCARD),
    Cause.UNPROVED: (Decision.COUNT, Decision.DISCARD),
}


class NotAllowed(ValueError):
    """Not a decision of that cause, or nothing of it is open."""


def ask_restore(address: Address, by: Any, note: str, now: datetime) -> ReviewItem:
    """One open question an address; a second one joins it. Raises NoReason, NotAllowed."""
    if not note.strip():
        raise NoReason("Say why, so that whoever decides can judge it.")
    if address.status not in BAD:
        raise NotAllowed(f"{address} is neither invalid nor at risk: there is nothing to restore.")
    item, _ = ReviewItem.objects.get_or_create(
        cause=Cause.ASKED,
        address=address,
        decision=Decision.OPEN,
        defaults={"note": note.strip(), "asked_by": by, "asked_at": now},
    )
    return item


def decide(
    cause: str, keys: Sequence[str], decision: str, by: Any, reason: str, now: datetime, only: Sequence[int] = ()
) -> int:
    """Decides several questions of one cause alike; returns how many bounces, items or addresses it was about.

    All or nothing. `keys` are groups' keys, or ids of addresses (conflict) or of what was asked; `only` some bounces or
    reports of the groups. Raises NoReason, NotAllowed.
    """
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    if cause not in ALLOWED or decision not in ALLOWED[Cause(cause)]:
        raise NotAllowed("There is no such decision here.")
    if only and decision == Decision.KEEP:
        raise NotAllowed("Leaving as it is goes for a whole group: untick the single ones.")
    with transaction.atomic():
        _one_at_a_time()
        deed = _Deed(Cause(cause), Decision(decision), by, reason.strip(), now, tuple(only))
        number = sum(DECIDERS[deed.cause](key, deed) for key in keys)
        if not number:
            raise NotAllowed("Nothing of that is open any more: somebody was faster, or newer facts have answered it.")
    return number


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


@dataclass(frozen=True, slots=True)
class _Deed:
    """A decision on its way: what, by whom, why."""

    cause: ReviewItem.Cause
    decision: ReviewItem.Decision
    by: Any
    reason: str
    now: datetime
    only: tuple[int, ...] = ()

    def write(
        self,
        key: str,
        number: int,
        effects: dict[str, list[int]],
        *,
        address: Address | None = None,
        seen_at: datetime | None = None,
    ) -> ReviewItem:
        return ReviewItem.objects.create(
            cause=self.cause, key=key, address=address, decision=self.decision, decided_by=self.by,
            decided_at=self.now, reason=self.reason, number=number, effects=effects,
            seen_at=seen_at if self.decision == Decision.KEEP else None,
        )  # fmt: skip


def _decide_asked(key: str, deed: _Deed) -> int:
    item = asked().select_for_update(of=("self",)).select_related("address").filter(pk=id_in(key)).first()
    if item is None or item.address is None:
        return 0
    if deed.decision == Decision.RESTORE:
        item.effects = {"rulings": [rulings.restore(item.address, deed.by, deed.reason, deed.now).pk]}
    item.decision, item.reason, item.decided_by, item.decided_at = deed.decision, deed.reason, deed.by, deed.now
    item.save(update_fields=["effects", "decision", "reason", "decided_by", "decided_at"])
    return 1


def _decide_conflict(key: str, deed: _Deed) -> int:
    policy.lock_addresses([id_in(key)])
    address = conflicts().filter(pk=id_in(key)).first()
    if address is None:
        return 0
    seen_at = vars(address)["newest_at"]
    is_restored = deed.decision == Decision.RESTORE
    done = [rulings.restore(address, deed.by, deed.reason, deed.now).pk] if is_restored else []
    deed.write("", 1, {"rulings": done}, address=address, seen_at=seen_at)
    return 1


def _decide_unknown(key: str, deed: _Deed) -> int:
    found = unknown(key).filter(pk__in=deed.only) if deed.only else unknown(key)
    rows = list(found.order_by("recorded_at", "pk").values_list("pk", "recorded_at")[:MOST_AT_ONCE])
    if not rows:
        return 0
    ids = [pk for pk, _ in rows]
    is_discarded = deed.decision == Decision.DISCARD
    if is_discarded:
        restand(Bounce.objects.filter(pk__in=ids), Standing.DISCARDED)
    deed.write(key, len(ids), {"bounces": ids if is_discarded else []}, seen_at=rows[-1][1])
    return len(ids)


def _decide_unproved(key: str, deed: _Deed) -> int:
    """Items as wholes: a mail is about our message, or it is not."""
    found = unproved(key).filter(pk__in=deed.only) if deed.only else unproved(key)
    ids = sorted(set(found.order_by("pk").values_list("item_id", flat=True)[:MOST_AT_ONCE]))
    if not ids:
        return 0
    if deed.decision == Decision.COUNT:
        number = inbox.release(ids, deed.by, deed.reason)
    else:
        number = inbox.discard_all(ids, deed.by, deed.reason, deed.now)
    deed.write(key, number, {"items": ids})
    return number


DECIDERS = {
    Cause.ASKED: _decide_asked,
    Cause.CONFLICT: _decide_conflict,
    Cause.UNKNOWN: _decide_unknown,
    Cause.UNPROVED: _decide_unproved,
}


def note_repair(
    item: ReviewItem | None, provider: str, ruling_ids: list[int], by: Any, reason: str, now: datetime
) -> ReviewItem | None:
    """A repair stands in the history as one decision about all its addresses, chunk by chunk (`repair.py`)."""
    if item is None and ruling_ids:
        deed = _Deed(Cause.CONFLICT, Decision.RESTORE, by, reason, now)
        return deed.write(f"repair: {provider}", len(ruling_ids), {"rulings": ruling_ids})
    if item is not None:
        item.effects["rulings"] += ruling_ids
        item.number += len(ruling_ids)
        item.save(update_fields=["effects", "number"])
    return item


def undo(item: ReviewItem, by: Any, now: datetime) -> bool:
    """Takes a decision back; what it changed returns, and the question is open again. False where it cannot be.

    What was decided otherwise since stays: a bounce or an item that is no longer discarded is left alone.
    """
    with transaction.atomic():
        _one_at_a_time()
        locked = ReviewItem.objects.select_for_update().get(pk=item.pk)
        if not locked.can_undo:
            return False
        rulings.take_back(locked.effects.get("rulings", []), by, now)
        bounces = Bounce.objects.filter(pk__in=locked.effects.get("bounces", []), standing=Standing.DISCARDED)
        restand(bounces, Standing.COUNTED)
        inbox.take_discard_back(locked.effects.get("items", []), locked.decided_at, by)
        locked.undone_by, locked.undone_at = by, now
        locked.save(update_fields=["undone_by", "undone_at"])
        if locked.cause == Cause.ASKED and locked.address is not None and locked.address.status in BAD:
            ask_restore(locked.address, locked.asked_by, locked.note, now)
    return True


def history() -> QuerySet[ReviewItem]:
    return ReviewItem.objects.exclude(decision=Decision.OPEN).select_related("address", "decided_by", "undone_by")
