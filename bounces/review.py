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
from django.db.models import Exists, OuterRef, QuerySet

from bounces import inbox, policy, rulings
from bounces.conditions import COUNTS
from bounces.ids import ids_in
from bounces.models import Address, Bounce, Evidence, ReviewItem
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
        number = DECIDERS[deed.cause](keys, deed)
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

    def written(self, number: int, effects: dict[str, Any], **about: Any) -> ReviewItem:
        """`about`: the group's key or the address, and the newest fact that was looked at (`seen_at`)."""
        seen_at = about.pop("seen_at", None)
        return ReviewItem(
            cause=self.cause, decision=self.decision, decided_by=self.by, decided_at=self.now, reason=self.reason,
            number=number, effects=effects, seen_at=seen_at if self.decision == Decision.KEEP else None, **about,
        )  # fmt: skip

    def restore(self, address_ids: Sequence[int]) -> dict[int, int]:
        """Where that is the decision: the rulings by address."""
        if self.decision != Decision.RESTORE:
            return {}
        return rulings.restore_all(address_ids, self.by, self.reason, self.now)


def _decide_asked(keys: Sequence[str], deed: _Deed) -> int:
    items = list(asked().select_for_update(of=("self",)).filter(pk__in=ids_in(keys)).order_by("pk"))
    made = deed.restore([item.address_id or 0 for item in items])
    for item in items:
        item.effects = {"rulings": [made[item.address_id or 0]]} if made else {}
        item.decision, item.reason, item.decided_by, item.decided_at = deed.decision, deed.reason, deed.by, deed.now
    ReviewItem.objects.bulk_update(items, ["effects", "decision", "reason", "decided_by", "decided_at"])
    return len(items)


def _decide_conflict(keys: Sequence[str], deed: _Deed) -> int:
    ids = sorted(ids_in(keys))
    policy.lock_addresses(ids)
    newest = {address.pk: vars(address)["newest_at"] for address in conflicts().filter(pk__in=ids)}
    made = deed.restore(list(newest))
    ReviewItem.objects.bulk_create(
        deed.written(1, {"rulings": [made[pk]] if made else []}, address_id=pk, seen_at=seen_at)
        for pk, seen_at in sorted(newest.items())
    )
    return len(newest)


def _decide_unknown(keys: Sequence[str], deed: _Deed) -> int:
    return sum(_decide_said(key, deed) for key in keys)


def _decide_said(key: str, deed: _Deed) -> int:
    found = unknown(key).filter(pk__in=deed.only) if deed.only else unknown(key)
    rows = list(found.order_by("recorded_at", "pk").values_list("pk", "recorded_at")[:MOST_AT_ONCE])
    if not rows:
        return 0
    ids = [pk for pk, _ in rows]
    is_discarded = deed.decision == Decision.DISCARD
    if is_discarded:
        restand(Bounce.objects.filter(pk__in=ids), Standing.DISCARDED)
    deed.written(len(ids), {"bounces": ids if is_discarded else []}, key=key, seen_at=rows[-1][1]).save()
    return len(ids)


def _decide_unproved(keys: Sequence[str], deed: _Deed) -> int:
    return sum(_decide_lacking(key, deed) for key in keys)


def _decide_lacking(key: str, deed: _Deed) -> int:
    """Items as wholes: a mail is about our message, or it is not."""
    found = unproved(key).filter(pk__in=deed.only) if deed.only else unproved(key)
    ids = sorted(set(found.order_by("pk").values_list("item_id", flat=True)[:MOST_AT_ONCE]))
    if not ids:
        return 0
    effects: dict[str, Any] = {"items": ids}
    if deed.decision == Decision.COUNT:
        effects["trust"] = inbox.trust_of(ids)
        number = inbox.release(ids, deed.by, deed.reason)
    else:
        number = inbox.discard_all(ids, deed.by, deed.reason, deed.now)
    deed.written(number, effects, key=key).save()
    return number


DECIDERS = {
    Cause.ASKED: _decide_asked,
    Cause.CONFLICT: _decide_conflict,
    Cause.UNKNOWN: _decide_unknown,
    Cause.UNPROVED: _decide_unproved,
}


def undo(item: ReviewItem, by: Any, now: datetime) -> bool:
    """Takes a decision back; what it changed returns, and the question is open again. False where it cannot be.

    What was decided otherwise since stays: a bounce or an item that is no longer discarded is left alone. Of what was
    counted, mails that nobody has read again wait for proof as before; the bounces of the others count no more, unless
    something else tells of them too. A delivery or a complaint that they told stays.
    """
    with transaction.atomic():
        _one_at_a_time()
        locked = ReviewItem.objects.select_for_update().get(pk=item.pk)
        if not locked.can_undo:
            return False
        rulings.take_back(locked.effects.get("rulings", []), by, now)
        bounces = Bounce.objects.filter(pk__in=locked.effects.get("bounces", []), standing=Standing.DISCARDED)
        restand(bounces, Standing.COUNTED)
        if locked.decision == Decision.COUNT:
            inbox.take_release_back(locked.effects.get("trust", {}), now)
            restand(told_by_these_alone(locked.effects["items"]), Standing.DISCARDED)
        else:
            inbox.take_discard_back(locked.effects.get("items", []), locked.decided_at, by)
        locked.undone_by, locked.undone_at = by, now
        locked.save(update_fields=["undone_by", "undone_at"])
        if locked.cause == Cause.ASKED and locked.address is not None and locked.address.status in BAD:
            ask_restore(locked.address, locked.asked_by, locked.note, now)
    return True


def told_by_these_alone(item_ids: Sequence[int]) -> QuerySet[Bounce]:
    others = Evidence.objects.filter(bounce=OuterRef("pk")).exclude(inbound_item_id__in=item_ids)
    found = Bounce.objects.filter(COUNTS, pk__in=Evidence.objects.filter(inbound_item_id__in=item_ids).values("bounce"))
    return found.filter(~Exists(others))


def history() -> QuerySet[ReviewItem]:
    return ReviewItem.objects.exclude(decision=Decision.OPEN).select_related("address", "decided_by", "undone_by")
