"""The inbox: taking what waits, reading its bytes, writing down what became of it.

In: InboundItem rows that `intake/keep.py` stored. Out: the same rows, each ending countably: done (how many facts),
ignored (why), unverified, quarantined (why). Stage: between intake and parse.

Items are taken under the flow's lease, in order, a batch bounded by count and bytes. Items that stopped their reader
are taken with few others the next time, then alone, and set aside after three times more, so that a poisonous one
cannot hold the others up.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Count

from bounces import lease
from bounces.lease import Lease
from bounces.models import InboundItem, RawChunk
from bounces.statements import columns, run
from bounces.values import Trust

BATCH_ITEMS = 2000
BATCH_BYTES = 32 * 1024 * 1024
EVENTS_WEIGH = 32  # a request's bytes are many events: as much work as so many bytes of mail
FEWER = 50  # as many together that have stopped their reader once
TRIES = 5  # twice beside others and three times alone: workers that die for their own reasons leave good items be


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item. `why` is one plain sentence; `facts` counts what was new."""

    state: InboundItem.State
    why: str
    facts: int = 0


def ignored(why: str) -> Outcome:
    return Outcome(InboundItem.State.IGNORED, why)


def quarantined(why: str) -> Outcome:
    return Outcome(InboundItem.State.QUARANTINED, why)


@dataclass(frozen=True, slots=True)
class Item:
    """An item as the flow handles it: where it came from, how far it is believed, what it is. As on InboundItem."""

    pk: int
    source: str
    digest: bytes
    form: str
    trust: str
    name: str
    tells: str
    parent_id: int | None
    by_id: int | None
    tries: int
    received_at: datetime

    @property
    def is_archive(self) -> bool:
        return self.form in InboundItem.ARCHIVES

    @property
    def is_container(self) -> bool:
        return self.form in InboundItem.CONTAINERS


COLUMNS = ", ".join(f"item.{name}" for name in ("id", *Item.__slots__[1:]))


def take(held: Lease) -> list[Item]:
    """The next batch, its tries counted and committed before anything is read. Empty when nothing waits."""
    with transaction.atomic():
        lease.guard(held)
        rows = run(TAKE, {"items": BATCH_ITEMS, "bytes": BATCH_BYTES, "fewer": FEWER, "events": EVENTS_WEIGH})
    return [Item(*row) for row in sorted(rows)]


# The first item is always taken. Where one comes that has stopped its reader before, fewer are taken, and after the
# second time it comes alone: a worker that is killed amid many good ones does not have them wait for each other.
TAKE = f"""
WITH waiting AS (
    SELECT id, size * CASE form WHEN 'events' THEN %(events)s ELSE 1 END AS weight, tries, form
    FROM bounces_inbounditem WHERE state = 'pending'
    ORDER BY id LIMIT %(items)s FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT id, tries, form, row_number() OVER by_age AS n, sum(weight) OVER by_age AS bytes,
           max(tries) OVER by_age AS most_tries, bool_or(form IN ('mbox', 'zip', 'list')) OVER by_age AS has_archive
    FROM waiting WINDOW by_age AS (ORDER BY id)
)
UPDATE bounces_inbounditem item SET tries = item.tries + 1
FROM ranked WHERE ranked.id = item.id AND (
    n = 1 OR (bytes <= %(bytes)s AND NOT has_archive AND (most_tries = 0 OR (most_tries = 1 AND n <= %(fewer)s))))
RETURNING {COLUMNS}
"""  # noqa: S608  (the names are ours)


def give_back(item_ids: Iterable[int]) -> None:
    """Takes one try off those that still wait. Where the database does not answer, they keep it."""
    with contextlib.suppress(DatabaseError, InterfaceError), transaction.atomic():
        run(GIVE_BACK, {"ids": sorted(item_ids)})


GIVE_BACK = """
UPDATE bounces_inbounditem SET tries = tries - 1 WHERE id IN (
    SELECT id FROM bounces_inbounditem WHERE id = ANY(%(ids)b::bigint[]) AND state = 'pending' AND tries > 0
    ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def lock(item_ids: Iterable[int]) -> list[Item]:
    """Those that still wait, locked until the transaction ends."""
    return [Item(*row) for row in run(LOCK, {"ids": sorted(item_ids)})]


LOCK = f"""
SELECT {COLUMNS} FROM bounces_inbounditem item
WHERE item.id = ANY(%(ids)b::bigint[]) AND item.state = 'pending' ORDER BY item.id FOR NO KEY UPDATE
"""  # noqa: S608  (as above)


def bodies(item_ids: Iterable[int]) -> dict[int, bytes]:
    """The raw bytes of mails and events, by item. Containers are read with `open_body`."""
    pieces: dict[int, list[bytes]] = {}
    for item_id, body in run(BODIES, {"ids": list(item_ids)}):
        pieces.setdefault(item_id, []).append(body)
    return {item_id: parts[0] if len(parts) == 1 else b"".join(parts) for item_id, parts in pieces.items()}


BODIES = """
SELECT item_id, body FROM bounces_rawchunk WHERE item_id = ANY(%(ids)b::bigint[]) ORDER BY item_id, position
"""


def open_body(item: Item | InboundItem) -> IO[bytes]:
    """An item's bytes as a file on disk, fetched chunk by chunk: an archive never stands in memory. Close it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the caller closes it)
    positions = RawChunk.objects.filter(item_id=item.pk).order_by("position").values_list("position", flat=True)
    for position in list(positions):
        chunk = RawChunk.objects.only("body").get(item_id=item.pk, position=position)
        file.write(bytes(chunk.body))
    file.seek(0)
    return file


def finish(outcomes: dict[int, Outcome], now: datetime) -> None:
    """Writes down what became of items, in one statement."""
    rows = [(pk, str(outcome.state), outcome.why, outcome.facts) for pk, outcome in sorted(outcomes.items())]
    if rows:
        run(FINISH, columns(rows, ("ids", "states", "whys", "facts")) | {"now": now})


FINISH = """
UPDATE bounces_inbounditem item
SET state = o.state, why = o.why, facts = o.facts, finished_at = %(now)s
FROM unnest(%(ids)b::bigint[], %(states)b::text[], %(whys)b::text[], %(facts)b::int[]) AS o(id, state, why, facts)
WHERE item.id = o.id
"""


def end(outcomes: dict[int, Outcome], held: Lease, now: datetime) -> None:
    """Finishes those that still wait, in a transaction of its own. Raises LeaseLost: then they are another's."""
    with transaction.atomic():
        lease.guard(held)
        waiting = lock(outcomes)
        finish({item.pk: outcomes[item.pk] for item in waiting}, now)


def is_waiting() -> bool:
    return InboundItem.objects.filter(state=InboundItem.State.PENDING).exists()


def counts() -> dict[str, int]:
    """How many items are in each state: their sum is all that ever arrived (invariant I3)."""
    found = dict(InboundItem.objects.values_list("state").annotate(n=Count("pk")))
    return {str(state): found.get(state, 0) for state in InboundItem.State.values}


def retry(item: InboundItem, by: Any) -> bool:
    """Lets an item that gave no fact be read again by the rules of today. False where it gave some, or was not kept."""
    if not RawChunk.objects.filter(item_id=item.pk).exists():
        return False
    changed = (
        InboundItem.objects.filter(pk=item.pk, facts=0)
        .filter(state__in=[InboundItem.State.QUARANTINED, InboundItem.State.IGNORED])
        .update(
            state=InboundItem.State.PENDING, why=f"Read again: {by} asked for it.", tries=0, facts=0, finished_at=None
        )
    )
    return bool(changed)


def release(item_ids: Iterable[int], by: Any, reason: str) -> int:
    """Unverified items for which a person vouches are read again, as from a trusted door; returns how many.

    A container's children are released by themselves. What they tell counts from then on (see `bounces/proof.py`).
    """
    return InboundItem.objects.filter(pk__in=list(item_ids), state=InboundItem.State.UNVERIFIED).update(
        state=InboundItem.State.PENDING,
        trust=Trust.TRUSTED,
        tries=0,
        finished_at=None,
        released_by=by,
        released_because=reason.strip(),
    )


def trust_of(item_ids: Iterable[int]) -> dict[str, list[int]]:
    """The items by how far they are believed."""
    found: dict[str, list[int]] = {}
    for pk, trust in InboundItem.objects.filter(pk__in=list(item_ids)).order_by("pk").values_list("pk", "trust"):
        found.setdefault(str(trust), []).append(pk)
    return found


def take_release_back(trusted_before: Mapping[str, list[int]], now: datetime) -> int:
    """Items that were released (`trust_of` them before) and that nobody has read since are unverified again."""
    released = InboundItem.objects.filter(state=InboundItem.State.PENDING, released_by__isnull=False)
    return sum(
        released.filter(pk__in=ids).update(
            state=InboundItem.State.UNVERIFIED, trust=trust, released_by=None, released_because="", finished_at=now
        )
        for trust, ids in trusted_before.items()
    )


def discard(item: InboundItem, by: Any, reason: str, now: datetime) -> bool:
    """Sets a quarantined or unverified item aside for good. What it recorded stays recorded."""
    return bool(discard_all([item.pk], by, reason, now))


def discard_all(item_ids: Iterable[int], by: Any, reason: str, now: datetime) -> int:
    """The same for many, in one statement; returns how many."""
    waiting = [InboundItem.State.QUARANTINED, InboundItem.State.UNVERIFIED]
    return InboundItem.objects.filter(pk__in=list(item_ids), state__in=waiting).update(
        state=InboundItem.State.IGNORED, why=f"Discarded by {by}: {reason.strip()}", finished_at=now
    )


def take_discard_back(item_ids: Iterable[int], discarded_at: datetime | None, by: Any) -> int:
    """Items that were set aside at that moment, and not touched since, are read again by the facts of today.

    What told of an attempt in the meantime did not open them, so that they may have their proof by now.
    """
    gone = InboundItem.objects.filter(pk__in=list(item_ids), state=InboundItem.State.IGNORED, finished_at=discarded_at)
    return gone.update(state=InboundItem.State.PENDING, why=f"{by} took its discard back.", tries=0, finished_at=None)
