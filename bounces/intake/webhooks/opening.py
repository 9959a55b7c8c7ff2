"""What providers posted becomes items of its own, one an event: good ones to be recorded, the others with their reason.

In: kept requests (inbox items of form `events`). Out: their children in one INSERT a source, their own outcomes, what
was seen of the source. Stage: between inbox and parse. Killed amid, it starts again and finds the children that are
there (unique by their event ids).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from bounces import inbox, lease
from bounces.inbox import Outcome, ignored
from bounces.intake.keep import Door, Piece, keep_pieces
from bounces.intake.webhooks.arrival import Arrival, unpack
from bounces.intake.webhooks.normal import Found, broken
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.lease import Lease
from bounces.models import InboundItem, IntakeSource
from bounces.values import Trust

State = InboundItem.State


def open_events(items: Sequence[InboundItem], held: Lease, now: datetime) -> None:
    """Makes the children and finishes their containers. May run twice."""
    if not items:
        return
    bodies = inbox.bodies(items)
    found = {item.pk: read_kept(item, bodies.get(item.pk, b"")) for item in items}
    lease.renew(held)  # reading many took its time
    with transaction.atomic():
        lease.guard(held)
        waiting = inbox.lock(items)
        outcomes: dict[int, Outcome] = {}
        for source, theirs in by_source(waiting).items():
            outcomes |= keep_children(theirs, {item.pk: found[item.pk] for item in theirs})
            note_seen(source, theirs, outcomes)
        inbox.finish(outcomes, now)


def by_source(items: Sequence[InboundItem]) -> dict[str, list[InboundItem]]:
    groups: dict[str, list[InboundItem]] = defaultdict(list)
    for item in items:
        groups[item.source].append(item)
    return groups


def read_kept(item: InboundItem, kept: bytes) -> list[Found]:
    """The events of a kept request. Never raises: what cannot be read at all is one broken event."""
    provider = PROVIDERS.get(item.source.partition(":")[0])
    try:
        arrival: Arrival = unpack(kept)
    except ValueError as error:
        return [broken(error)]
    return provider.read(arrival, item.received_at) if provider else [broken(LookupError())]


def keep_children(items: Sequence[InboundItem], found: dict[int, list[Found]]) -> dict[int, Outcome]:
    """Stores the events of requests of one source; says of each request what it held."""
    first = items[0]
    pieces = [piece_of(item, number, one) for item in items for number, one in enumerate(found[item.pk])]
    door = Door(source=first.source, trust=Trust(first.trust), now=first.received_at)
    kept = iter(keep_pieces(pieces, door))
    return {item.pk: outcome_of(found[item.pk], sum(next(kept).is_new for _ in found[item.pk])) for item in items}


def piece_of(item: InboundItem, number: int, found: Found) -> Piece:
    if found.event:
        name = found.event["event_id"]
        body = json.dumps(found.event, ensure_ascii=False, separators=(",", ":")).encode()
        identity, state = b"event\0" + name.encode(), State.PENDING
    else:
        name, body = f"event {number + 1}", b""
        identity, state = f"none\0{item.pk}\0{number}".encode(), State.QUARANTINED if found.is_broken else State.IGNORED
    return Piece(
        body=body,
        name=name,
        form=InboundItem.Form.EVENT,
        identity=identity,
        parent_id=item.pk,
        received_at=item.received_at,
        state=state,
        why=found.why,
    )


def outcome_of(found: Sequence[Found], new: int) -> Outcome:
    if not found:
        return ignored("It holds no events.")
    if len(found) == 1 and found[0].is_broken and not found[0].event:
        return Outcome(State.DONE, "1 event, which could not be read.", 1)
    parts = [f"{len(found)} event{'s' if len(found) != 1 else ''}"]
    if len(found) > new:
        parts.append(f"{len(found) - new} of them here before")
    if bad := sum(one.is_broken for one in found):
        parts.append(f"{bad} not understood")
    return Outcome(State.DONE, ", ".join(parts) + ".", len(found))


def note_seen(source: str, items: Sequence[InboundItem], outcomes: dict[int, Outcome]) -> None:
    """How much a source brought, and when it was last heard of: counted here, so that no request waits for it."""
    kind, _, name = source.partition(":")
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE_SEEN,
            {
                "name": name,
                "kind": kind,
                "events": sum(outcomes[item.pk].facts for item in items),
                "at": max(item.received_at for item in items),
            },
        )


NOTE_SEEN = """
INSERT INTO bounces_sourceseen AS seen (source_id, last_seen_at, received, refused, last_error)
SELECT id, %(at)s, %(events)s, 0, '' FROM bounces_intakesource WHERE name = %(name)s AND kind = %(kind)s
ON CONFLICT (source_id) DO UPDATE
SET last_seen_at = GREATEST(seen.last_seen_at, excluded.last_seen_at), received = seen.received + excluded.received
"""


def note_refusal(source: IntakeSource, why: str, now: datetime) -> None:
    """One that was not believed."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE_REFUSAL, {"source": source.pk, "why": why[:500], "at": now})


NOTE_REFUSAL = """
INSERT INTO bounces_sourceseen AS seen (source_id, received, refused, last_error, last_error_at)
VALUES (%(source)s, 0, 1, %(why)s, %(at)s)
ON CONFLICT (source_id) DO UPDATE
SET refused = seen.refused + 1, last_error = excluded.last_error, last_error_at = excluded.last_error_at
"""
