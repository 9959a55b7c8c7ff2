"""The review queue: where the facts alone leave a question open, and people decide.

In: the facts. Out: what is open, in groups; a person's decision, audited, with what it changed, so that it can be
taken back. Stage: after evaluate. What is open follows from the facts, whatever their order, and closes when newer
ones answer:

    asked      somebody asked to restore an address that is invalid or at risk still
    conflict   an address bounced for good, and was delivered to or replied afterwards, or replied shortly before
    unknown    counted bounces that no rule understood, grouped by what was said
    unproved   reports without proof, grouped by source, event and what they lack

Decisions change facts (standings, rulings, the inbox), and the policy judges by them; none sets a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from bounces import inbox, rulings
from bounces.classification.judge import DEFAULT
from bounces.models import Address, Bounce, InboundItem, ReviewItem, Unproved
from bounces.rulings import NoReason
from bounces.standings import restand
from bounces.values import Standing, Status

Cause, Decision = ReviewItem.Cause, ReviewItem.Decision

MOST_GROUPS = 50
MOST_AT_ONCE = 5_000  # bounces or items of one decision; what is left stays open
ALLOWED = {
    Cause.ASKED: (Decision.RESTORE, Decision.REFUSE),
    Cause.CONFLICT: (Decision.RESTORE, Decision.KEEP),
    Cause.UNKNOWN: (Decision.KEEP, Decision.DISCARD),
    Cause.UNPROVED: (Decision.COUNT, Decision.DISCARD),
}


class NotAllowed(ValueError):
    """Not a decision of that cause, or nothing of it is open."""


@dataclass(frozen=True, slots=True)
class Group:
    """Alike questions, decided together. `key` names the group."""

    key: str
    number: int
    newest_at: datetime
    parts: tuple[str, ...]


# --- what is open -----------------------------------------------------------------------------------

# What was said, without what differs from one mail to the next.
SAID = """regexp_replace(regexp_replace(lower(left(b.diagnostic, 300)), '<?[^ <>]+@[^ <>]+>?', '<address>', 'g'),
    '[0-9]+', '#', 'g')"""
UNKNOWN = f"""
SELECT b.id, {SAID} AS said, b.recorded_at FROM bounces_bounce b
WHERE b.rule = %(rule)s AND b.standing = 'counted' AND b.kind <> 'deferred'
  AND NOT EXISTS (
      SELECT FROM bounces_reviewitem r WHERE r.cause = 'unknown' AND r.key = {SAID} AND r.decision = 'keep'
      AND r.undone_at IS NULL AND r.decided_at >= b.recorded_at)
"""  # noqa: S608  (this module's constants)
UNKNOWN_GROUPS = f"""
SELECT said, count(*), max(recorded_at) FROM ({UNKNOWN}) AS open
GROUP BY said ORDER BY count(*) DESC, said LIMIT %(limit)s
"""  # noqa: S608  (as above)
UNKNOWN_OF = f"SELECT id FROM ({UNKNOWN}) AS open WHERE said = %(key)s ORDER BY id LIMIT %(limit)s"  # noqa: S608
UNPROVED_GROUPS = """
SELECT i.source, u.event, u.shortcoming, count(*), max(u.occurred_at)
FROM bounces_unproved u JOIN bounces_inbounditem i ON i.id = u.item_id AND i.state = 'unverified'
GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT %s
"""


def unknown_groups() -> list[Group]:
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN_GROUPS, {"rule": DEFAULT, "limit": MOST_GROUPS})
        return [Group(said, number, newest, (said,)) for said, number, newest in cursor.fetchall()]


def unknown_of(key: str) -> list[int]:
    """The open bounces of a group, the oldest first, at most MOST_AT_ONCE."""
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN_OF, {"rule": DEFAULT, "key": key, "limit": MOST_AT_ONCE})
        return [row[0] for row in cursor.fetchall()]


def unproved_groups() -> list[Group]:
    with connection.cursor() as cursor:
        cursor.execute(UNPROVED_GROUPS, [MOST_GROUPS])
        return [
            Group("|".join((event, shortcoming, source)), number, newest, (source, event, shortcoming))
            for source, event, shortcoming, number, newest in cursor.fetchall()
        ]


def unproved_of(key: str) -> QuerySet[Unproved]:
    """The open reports of a group; none where the key names none."""
    event, _, rest = key.partition("|")
    shortcoming, _, source = rest.partition("|")
    items = InboundItem.objects.filter(state=InboundItem.State.UNVERIFIED, source=source)
    return Unproved.objects.filter(event=event, shortcoming=shortcoming, item_id__in=items.values("pk")).order_by("pk")


def conflicts() -> QuerySet[Address]:
    """Addresses whose facts speak against each other, as long as nobody has looked since the newest of them."""
    alive_at = Greatest("last_delivered_at", "last_reply_at", "last_click_at")
    dead = Q(status=Status.INVALID, status_rule="hard_bounce", alive_at__gt=F("last_bounce_at"))
    found = Address.objects.annotate(alive_at=alive_at).filter(dead | Q(status_rule="hard_bounce_after_reply"))
    looked = ReviewItem.objects.filter(
        cause=Cause.CONFLICT, address=OuterRef("pk"), decision=Decision.KEEP, undone_at__isnull=True
    ).filter(decided_at__gte=Greatest(OuterRef("alive_at"), OuterRef("last_bounce_at")))
    return found.filter(~Exists(looked)).order_by("pk")


def asked() -> QuerySet[ReviewItem]:
    """What was asked and is a question still: an address that was restored, or recovered, answers by itself."""
    waiting = ReviewItem.objects.filter(cause=Cause.ASKED, decision=Decision.OPEN)
    return waiting.filter(address__status__in=[Status.INVALID, Status.AT_RISK]).order_by("pk")


def count_open() -> dict[str, int]:
    """By cause: groups of what is grouped, addresses of the others; at most MOST_GROUPS of each."""
    return {
        str(Cause.ASKED): asked()[:MOST_GROUPS].count(),
        str(Cause.CONFLICT): conflicts()[:MOST_GROUPS].count(),
        str(Cause.UNKNOWN): len(unknown_groups()),
        str(Cause.UNPROVED): len(unproved_groups()),
    }


# --- asking and deciding ----------------------------------------------------------------------------


def ask_restore(address: Address, by: Any, note: str, now: datetime) -> ReviewItem:
    """One open question an address; a second one joins it. Raises NoReason."""
    if not note.strip():
        raise NoReason("Say why, so that whoever decides can judge it.")
    item, _ = ReviewItem.objects.get_or_create(
        cause=Cause.ASKED,
        address=address,
        decision=Decision.OPEN,
        defaults={"note": note.strip(), "asked_by": by, "asked_at": now},
    )
    return item


def decide(cause: str, keys: Sequence[str], decision: str, by: Any, reason: str, now: datetime) -> int:
    """Decides several questions of one cause alike; returns how many bounces, items or addresses it was about.

    All or nothing. `keys` are groups' keys, or ids of addresses (conflict) or of what was asked. Raises NoReason,
    NotAllowed.
    """
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    if cause not in ALLOWED or decision not in ALLOWED[Cause(cause)]:
        raise NotAllowed("There is no such decision here.")
    with transaction.atomic():
        number = sum(DECIDERS[Cause(cause)](key, Decision(decision), by, reason.strip(), now) for key in keys)
        if not number:
            raise NotAllowed("Nothing of that is open any more: somebody was faster, or newer facts have answered it.")
    return number


def _decide_asked(key: str, decision: ReviewItem.Decision, by: Any, reason: str, now: datetime) -> int:
    item = asked().select_for_update(of=("self",)).select_related("address").filter(pk=_number(key)).first()
    if item is None or item.address is None:
        return 0
    if decision == Decision.RESTORE:
        item.effects = {"rulings": [rulings.restore(item.address, by, reason, now).pk]}
    item.decision, item.reason, item.decided_by, item.decided_at = decision, reason, by, now
    item.save(update_fields=["effects", "decision", "reason", "decided_by", "decided_at"])
    return 1


def _decide_conflict(key: str, decision: ReviewItem.Decision, by: Any, reason: str, now: datetime) -> int:
    address = conflicts().filter(pk=_number(key)).first()
    if address is None:
        return 0
    done = [rulings.restore(address, by, reason, now).pk] if decision == Decision.RESTORE else []
    _write(Cause.CONFLICT, "", decision, by, reason, now, 1, {"rulings": done}, address)
    return 1


def _decide_unknown(key: str, decision: ReviewItem.Decision, by: Any, reason: str, now: datetime) -> int:
    ids = unknown_of(key)
    if decision == Decision.DISCARD:
        restand(Bounce.objects.filter(pk__in=ids), Standing.DISCARDED)
    if ids:
        effects = {"bounces": ids if decision == Decision.DISCARD else []}
        _write(Cause.UNKNOWN, key, decision, by, reason, now, len(ids), effects)
    return len(ids)


def _decide_unproved(key: str, decision: ReviewItem.Decision, by: Any, reason: str, now: datetime) -> int:
    ids = sorted(set(unproved_of(key).values_list("item_id", flat=True)[:MOST_AT_ONCE]))
    if decision == Decision.COUNT:
        inbox.release(ids, by, reason)
    else:
        for item in InboundItem.objects.filter(pk__in=ids):
            inbox.discard(item, by, reason, now)
    if ids:
        _write(Cause.UNPROVED, key, decision, by, reason, now, len(ids), {"items": ids})
    return len(ids)


DECIDERS = {
    Cause.ASKED: _decide_asked,
    Cause.CONFLICT: _decide_conflict,
    Cause.UNKNOWN: _decide_unknown,
    Cause.UNPROVED: _decide_unproved,
}


def _number(key: str) -> int:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0


def _write(
    cause: ReviewItem.Cause,
    key: str,
    decision: ReviewItem.Decision,
    by: Any,
    reason: str,
    now: datetime,
    number: int,
    effects: dict[str, list[int]],
    address: Address | None = None,
) -> None:
    ReviewItem.objects.create(
        cause=cause, key=key, address=address, decision=decision, decided_by=by, decided_at=now, reason=reason,
        number=number, effects=effects,
    )  # fmt: skip


def note_repair(provider: str, ruling_ids: list[int], by: Any, reason: str, now: datetime) -> None:
    """A repair stands in the history as one decision about all its addresses (`repair.py`)."""
    effects = {"rulings": ruling_ids}
    _write(Cause.CONFLICT, f"repair: {provider}", Decision.RESTORE, by, reason, now, len(ruling_ids), effects)


def undo(item: ReviewItem, by: Any, now: datetime) -> bool:
    """Takes a decision back; what it changed returns, and the question is open again. False where it cannot be."""
    with transaction.atomic():
        locked = ReviewItem.objects.select_for_update().get(pk=item.pk)
        if not locked.can_undo:
            return False
        rulings.take_back(locked.effects.get("rulings", []), by, now)
        bounces = Bounce.objects.filter(pk__in=locked.effects.get("bounces", []), standing=Standing.DISCARDED)
        restand(bounces, Standing.COUNTED)
        if locked.cause == Cause.UNPROVED:
            ignored = InboundItem.objects.filter(pk__in=locked.effects["items"], state=InboundItem.State.IGNORED)
            ignored.update(state=InboundItem.State.UNVERIFIED, why=f"{by} took the decision back.", finished_at=now)
        locked.undone_by, locked.undone_at = by, now
        locked.save(update_fields=["undone_by", "undone_at"])
        if locked.cause == Cause.ASKED and locked.address is not None:
            ask_restore(locked.address, locked.asked_by, locked.note, now)
    return True


def history() -> QuerySet[ReviewItem]:
    return ReviewItem.objects.exclude(decision=Decision.OPEN).select_related("address", "decided_by", "undone_by")
