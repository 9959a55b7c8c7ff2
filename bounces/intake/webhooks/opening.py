"""What providers posted becomes items of its own, one an event: good ones to be recorded, the others with their reason.

In: kept requests (inbox items of form `events`). Out: their children, in one INSERT together with what became of
them; or waiting for their own turn, where they are too many or one of them fails. Their own outcomes, and what was seen
of the source. Stage: between inbox and parse. Killed amid, it starts again and finds the children that are there
(unique by their event ids).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from bounces import inbox
from bounces.inbox import Item, Outcome, ignored, quarantined
from bounces.intake.keep import Door, Finished, Piece, keep_pieces, reserve
from bounces.intake.webhooks.arrival import Arrival, pack, unpack
from bounces.intake.webhooks.inbound import read_mails
from bounces.intake.webhooks.normal import MOST_EVENTS, TOO_MANY, Found, broken
from bounces.intake.webhooks.providers import PROVIDERS, Provider
from bounces.intake.webhooks.splitting import split
from bounces.models import InboundItem, IntakeSource
from bounces.values import Trust

State = InboundItem.State
Request = tuple[Item, list[Found]]
TOGETHER = 2000  # events that are recorded in one transaction


def open_kept(item_id: int) -> list[Found]:
    """What one kept request says; nothing is written."""
    item = inbox.Item(*InboundItem.objects.values_list("pk", *inbox.Item.__slots__[1:]).get(pk=item_id))
    return read_kept(item, inbox.bodies([item_id]).get(item_id, b""))


def in_groups(items: Sequence[Item], bodies: Mapping[int, bytes]) -> Iterator[list[Request]]:
    """The requests, read, as many at once as hold so many events together; one that holds more comes alone."""
    group: list[Request] = []
    events = 0
    for item in items:
        request = (item, read_kept(item, bodies.get(item.pk, b"")))
        if group and events + len(request[1]) > TOGETHER:
            yield group
            group, events = [], 0
        group.append(request)
        events += len(request[1])
    if group:
        yield group


def is_large(requests: Sequence[Request]) -> bool:
    return sum(len(found) for _, found in requests) > TOGETHER


def open_requests(requests: Sequence[Request], now: datetime) -> None:
    """Makes the children, each waiting for its own turn, and finishes their containers. May run twice."""
    found = {item.pk: several for item, several in requests}
    waiting = inbox.lock(found)
    outcomes: dict[int, Outcome] = {}
    for theirs in by_source(waiting).values():
        outcomes |= keep_children(theirs, found)
    close(waiting, found, outcomes, now)


def close(
    requests: Sequence[Item], found: Mapping[int, list[Found]], outcomes: dict[int, Outcome], now: datetime
) -> None:
    """Writes down what became of requests, and what was seen of their sources."""
    for (source, _), theirs in by_source(requests).items():
        note_seen(source, [item for item in theirs if item.parent_id is None], found)
    inbox.finish(outcomes, now)


@dataclass(frozen=True, slots=True)
class Child:
    """An event of a request, under the id that it will have in the inbox. `event` is empty where it is none of ours."""

    pk: int
    source: str
    trust: str
    digest: bytes
    received_at: datetime
    event: dict[str, Any]
    piece: Piece

    def ended(self, outcome: Outcome | None) -> Finished:
        """`outcome`: what became of its event."""
        if outcome is None:
            return Finished(self.pk, self.source, self.trust, self.piece, facts=0)
        piece = replace(self.piece, state=str(outcome.state), why=outcome.why)
        return Finished(self.pk, self.source, self.trust, piece, outcome.facts)


def children_of(requests: Sequence[Item], found: Mapping[int, list[Found]]) -> list[Child]:
    """Those that are not in the inbox yet. Nothing is stored: they are kept once it is known what became of them."""
    pieces = [
        (item, one, piece_of(item, number, one))
        for item in requests
        if not is_alone(found[item.pk])
        for number, one in enumerate(found[item.pk])
    ]
    reserved = reserve([(item.source, piece.digest) for item, _, piece in pieces])
    return [
        Child(pk, item.source, believed(one, item), piece.digest, item.received_at, one.event, piece)
        for place, pk in reserved.items()
        for item, one, piece in pieces[place : place + 1]
    ]


def outcomes_of(
    requests: Sequence[Item], found: Mapping[int, list[Found]], children: Sequence[Child]
) -> dict[int, Outcome]:
    new = Counter(child.piece.parent_id for child in children)
    return {item.pk: outcome_of(found[item.pk], new[item.pk]) for item in requests}


def by_source(items: Sequence[Item]) -> dict[tuple[str, str], list[Item]]:
    """And by how far it was believed when they came: an admin may have changed that meanwhile."""
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.source, item.trust].append(item)
    return groups


def read_kept(item: Item, kept: bytes) -> list[Found]:
    """The events of a kept request. Never raises: what cannot be read at all is one broken event."""
    provider = PROVIDERS.get(item.source.partition(":")[0])
    try:
        arrival: Arrival = unpack(kept)
    except ValueError as error:
        return [broken(error)]
    return read_all(provider, arrival, item.received_at) if provider else [broken(LookupError())]


def read_all(provider: Provider, arrival: Arrival, now: datetime) -> list[Found]:
    """Together where all of them are ours; else one by one, so that each of the others keeps its bytes."""
    found = read_part(provider, arrival, now)
    if all(one.is_taken for one in found) and len(found) <= MOST_EVENTS:
        return found
    parts = split(arrival, MOST_EVENTS)
    if max(len(parts), len(found)) > MOST_EVENTS:
        return [Found({}, TOO_MANY, is_broken=True)]
    if len(parts) < 2:
        return found
    read = [(part, one) for part in parts for one in read_part(provider, part, now)]
    return [one if one.is_taken else replace(one, raw=pack(part)) for part, one in read]


def read_part(provider: Provider, arrival: Arrival, now: datetime) -> list[Found]:
    """Mails that it received for us, or events."""
    return read_mails(provider.slug, arrival, now) or provider.read(arrival, now)


def keep_children(items: Sequence[Item], found: Mapping[int, list[Found]]) -> dict[int, Outcome]:
    """Stores the events of requests of one source; says of each request what it held."""
    first = items[0]
    several = {item.pk: [] if is_alone(found[item.pk]) else found[item.pk] for item in items}
    pieces = [piece_of(item, number, one) for item in items for number, one in enumerate(several[item.pk])]
    levels = [believed(one, item) for item in items for one in several[item.pk]]
    door = Door(source=first.source, trust=Trust(first.trust), now=first.received_at)
    new = iter(keep_by_level(pieces, levels, door))
    return {item.pk: outcome_of(found[item.pk], sum(next(new) for _ in several[item.pk])) for item in items}


def believed(found: Found, item: Item) -> str:
    """How far a child is: never more than what it came in, less where it says so itself."""
    is_least = item.trust == Trust.TOKEN or found.trust is None
    return str(item.trust if is_least else found.trust)


def keep_by_level(pieces: Sequence[Piece], levels: Sequence[str], door: Door) -> list[bool]:
    """Whether each is new."""
    new = [False] * len(pieces)
    for level in sorted(set(levels)):
        chosen = [at for at, one in enumerate(levels) if one == level]
        kept = keep_pieces([pieces[at] for at in chosen], replace(door, trust=Trust(level)))
        for at, one in zip(chosen, kept, strict=True):
            new[at] = one.is_new
    return new


def is_alone(found: Sequence[Found]) -> bool:
    """One thing that is no event of ours: the request is all there is of it, and ends as it does."""
    return len(found) == 1 and not found[0].is_taken


def piece_of(item: Item, number: int, found: Found) -> Piece:
    if found.event:
        name, form = found.event["event_id"], InboundItem.Form.EVENT
        body = json.dumps(found.event, ensure_ascii=False, separators=(",", ":")).encode()
        identity, state = b"event\0" + name.encode(), State.PENDING
    elif found.mail:
        name, form, body, identity, state = "mail", InboundItem.Form.MAIL, found.mail, found.mail, State.PENDING
    else:
        # Kept as a request of its own, so that it can be read again when we know better.
        name, body, form = f"event {number + 1}", found.raw, InboundItem.Form.EVENTS
        identity, state = f"none\0{item.pk}\0{number}".encode(), State.QUARANTINED if found.is_broken else State.IGNORED
    return Piece(
        body=body,
        name=name,
        form=form,
        identity=identity,
        parent_id=item.pk,
        received_at=item.received_at,
        state=state,
        why=found.why,
    )


def outcome_of(found: Sequence[Found], new: int) -> Outcome:
    if not found:
        return ignored("It holds no events.")
    if is_alone(found):
        return quarantined(found[0].why) if found[0].is_broken else ignored(found[0].why)
    parts = [f"{len(found)} event{'s' if len(found) != 1 else ''}"]
    if len(found) > new:
        parts.append(f"{len(found) - new} of them here before")
    if bad := sum(one.is_broken for one in found):
        parts.append(f"{bad} not understood")
    return Outcome(State.DONE, ", ".join(parts) + ".", len(found))


def note_seen(source: str, items: Sequence[Item], found: Mapping[int, list[Found]]) -> None:
    """How much a source brought, and when it was last heard of: counted here, so that no request waits for it."""
    if not items:
        return
    kind, _, name = source.partition(":")
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE_SEEN,
            {
                "name": name,
                "kind": kind,
                "events": sum(len(found[item.pk]) for item in items),
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
