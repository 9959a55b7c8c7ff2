"""Which attempt a report is about; a tool's event makes the attempt that it tells of.

In: Told values and the ids of their addresses. Out: the attempt of each, with what became of it written down, and
the difference to the daily counts. Every date is the earliest told, so that any order of events gives the same row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from bounces.addresses import domain_of
from bounces.models import Attempt, MergedAttempt
from bounces.recording.rows import insert, update
from bounces.recording.statistics import Cell, counts_of_attempt
from bounces.recording.told import Told
from bounces.statements import run
from bounces.values import UNNAMED, Event, Standing, Trust

Identity = tuple[int, str, str]  # address, "m" (Message-ID), "p" (provider's id) or "t" (by its token), the id

DATES = {
    Event.DELIVERED: "delivered_at",
    Event.DEFERRED: "deferred_at",
    Event.BOUNCED: "bounced_at",
    Event.COMPLAINED: "complained_at",
    Event.REPLIED: "replied_at",
}
LONG_ID = 16  # characters: what providers make at random has more
WRITTEN = (
    "sender", "campaign_key", "message_id", "provider_id", "sent_at", "newest_at", "delivered_at", "deferred_at",
    "bounced_at", "bounce_standing", "complained_at", "replied_at", "opens", "clicks",
)  # fmt: skip


def identities(told: Told, address_id: int) -> list[Identity]:
    found: list[Identity] = []
    if told.report.message_id:
        found.append((address_id, "m", told.report.message_id))
    if told.report.envelope_id:
        found.append((address_id, "p", provider_id(told)))
    if told.attempt_id is not None:
        found.append((address_id, "t", str(told.attempt_id)))
    return found


def provider_id(told: Told) -> str:
    """Long ids are one message's whoever tells them: a tool and the webhook of its provider. Short ones are a tool's
    own: two tools may count from 1.
    """
    name = told.report.envelope_id
    is_own = told.is_from_tool and (len(name) < LONG_ID or name.startswith(UNNAMED))
    return f"{told.source}:{name}" if is_own else name


@dataclass(slots=True)
class Noted:
    """What became of the attempts of a batch. `learnt`: those with a new name; `gone`: by whom they are replaced.

    `told_of`: the addresses of those of which something new is known, so that they may prove what waits for proof.
    `delivered`: the address and the date of each that is known to be delivered since now; `moved`: the addresses of
    those whose date of delivery has moved, or that were merged.
    """

    attempts: list[Attempt | None]
    difference: Counter[Cell]
    told_of: set[int]
    learnt: list[Attempt]
    gone: dict[int, Attempt]
    delivered: list[tuple[int, datetime]]
    moved: set[int]


BLANK = {field.attname: field.get_default() for field in Attempt._meta.concrete_fields}


def begin(address_id: int, sent_at: datetime, provider: str) -> Attempt:
    """By position, as rows come from the database: by name Django asks each field for its default, 10 µs an attempt."""
    return Attempt(*(BLANK | {"address_id": address_id, "sent_at": sent_at, "provider": provider}).values())


class Batch:
    """The attempts of one batch, by all their names."""

    def __init__(self, known: dict[Identity, Attempt]) -> None:
        self.known = known
        self.before = {id(attempt): copy(attempt) for attempt in known.values()}
        self.touched: dict[int, tuple[Attempt, str]] = {}
        self.merged: dict[int, tuple[Attempt, Attempt]] = {}  # by id() of the one that is no more: it, and its heir

    def heir(self, attempt: Attempt) -> Attempt:
        while id(attempt) in self.merged:
            attempt = self.merged[id(attempt)][1]
        return attempt

    def attempt_of(self, told: Told, address_id: int, provider: str) -> Attempt | None:
        names = identities(told, address_id)
        found = list({id(a): a for a in (self.known.get(name) for name in names) if a is not None}.values())
        if not found and not (told.is_from_tool and told.is_trusted):
            return None
        attempt = found[0] if found else begin(address_id, told.occurred_at, provider)
        if told.names_attempt:
            for other in found[1:]:
                self.merge(attempt, other)
            attempt.message_id = attempt.message_id or told.report.message_id
            if told.is_from_tool and told.report.envelope_id:
                attempt.provider_id = attempt.provider_id or provider_id(told)
            self.known |= dict.fromkeys(names, attempt)
        return attempt

    def merge(self, into: Attempt, other: Attempt) -> None:
        """Two attempts turn out to be one: the first keeps what both knew."""
        for column in ("sender", "campaign_key", "message_id", "provider_id"):
            setattr(into, column, getattr(into, column) or getattr(other, column))
        if other.bounced_at and (into.bounced_at is None or other.bounce_standing == Standing.COUNTED):
            into.bounce_standing = other.bounce_standing
        for column in DATES.values():
            at = getattr(other, column)
            setattr(into, column, earliest(getattr(into, column), at) if at else getattr(into, column))
        into.sent_at = min(into.sent_at, other.sent_at)
        into.newest_at = newest(into.newest_at, other.newest_at)
        into.opens += other.opens
        into.clicks += other.clicks
        self.merged[id(other)] = (other, into)
        self.touched.pop(id(other), None)
        for name, attempt in list(self.known.items()):
            if attempt is other:
                self.known[name] = into


def note_attempts(
    told: Sequence[Told], address_ids: dict[str, int], new: Sequence[bool], providers: Mapping[str, str]
) -> Noted:
    """Finds or makes the attempt of each; `new` says which reports were not recorded before.

    `providers` names who receives for each domain. An attempt keeps the name it began with, and its counts with it.
    Tools come first: they make the attempts that the mails of the same batch are about.
    """
    batch = Batch(find_attempts(told, address_ids))
    attempts: list[Attempt | None] = [None] * len(told)
    for index in sorted(range(len(told)), key=lambda index: not told[index].is_from_tool):
        one, domain = told[index], domain_of(told[index].email)
        attempt = attempts[index] = batch.attempt_of(one, address_ids[one.email], providers[domain])
        if attempt is not None and new[index] and one.is_trusted:
            note(attempt, one)
            batch.touched[id(attempt)] = (attempt, domain)
    return _settle(batch, [batch.heir(attempt) if attempt else None for attempt in attempts])


def _settle(batch: Batch, attempts: list[Attempt | None]) -> Noted:
    """Writes the attempts down, and says what that changes."""
    touched = list(batch.touched.values())
    gone = {other.pk: batch.heir(into) for other, into in batch.merged.values() if other.pk is not None}
    Attempt.objects.filter(pk__in=list(gone)).delete()
    _save([attempt for attempt, _ in touched])
    _remember_heirs(gone)
    difference: Counter[Cell] = Counter()
    for attempt, domain in touched:
        difference.update(counts_of_attempt(attempt, domain))
        difference.subtract(counts_of_attempt(batch.before.get(id(attempt)), domain))
    domains = {attempt.address_id: domain for attempt, domain in touched}
    for other, _ in batch.merged.values():
        difference.subtract(counts_of_attempt(batch.before.get(id(other)), domains[other.address_id]))
    heirs = {id(heir) for heir in gone.values()}
    learnt = [attempt for attempt, _ in touched if id(attempt) in heirs or _has_learnt(attempt, batch)]
    delivered, moved = _deliveries(batch)
    told_of = {attempt.address_id for attempt, _ in touched}
    return Noted(attempts, difference, told_of, learnt, gone, delivered, moved)


def _remember_heirs(gone: Mapping[int, Attempt]) -> None:
    """Return paths that name an attempt which is no more lead to its heir."""
    for pk, heir in gone.items():
        MergedAttempt.objects.filter(into_id=pk).update(into_id=heir.pk)
    MergedAttempt.objects.bulk_create([MergedAttempt(attempt_id=pk, into_id=heir.pk) for pk, heir in gone.items()])


def _deliveries(batch: Batch) -> tuple[list[tuple[int, datetime]], set[int]]:
    delivered: list[tuple[int, datetime]] = []
    moved = {other.address_id for other, _ in batch.merged.values()}
    for attempt, _ in batch.touched.values():
        old = batch.before.get(id(attempt))
        before = old.delivered_at if old else None
        if attempt.delivered_at is None or attempt.delivered_at == before:
            continue
        if before is None:
            delivered.append((attempt.address_id, attempt.delivered_at))
        else:
            moved.add(attempt.address_id)
    return delivered, moved


def _has_learnt(attempt: Attempt, batch: Batch) -> bool:
    before = batch.before.get(id(attempt))
    return before is None or before.message_id != attempt.message_id


def find_attempts(told: Sequence[Told], address_ids: dict[str, int]) -> dict[Identity, Attempt]:
    wanted = sorted({identity for one in told for identity in identities(one, address_ids[one.email])})
    if not wanted:
        return {}
    by_kind = {kind: [w for w in wanted if w[1] == kind] for kind in "mp"}
    ids = run(
        FIND,
        {
            "message_of": [w[0] for w in by_kind["m"]],
            "message_ids": [w[2] for w in by_kind["m"]],
            "provided_to": [w[0] for w in by_kind["p"]],
            "provider_ids": [w[2] for w in by_kind["p"]],
        },
    )
    tokens = _find_by_token([w for w in wanted if w[1] == "t"])
    known: dict[Identity, Attempt] = {}
    for attempt in Attempt.objects.filter(pk__in=[*[pk for (pk,) in ids], *tokens.values()]).order_by("-pk"):
        _remember(attempt, known)
        names = [name for name, pk in tokens.items() if (pk, name[0]) == (attempt.pk, attempt.address_id)]
        known |= dict.fromkeys(names, attempt)
    return known


FIND = """
SELECT a.id FROM unnest(%(message_of)b::bigint[], %(message_ids)b::text[]) AS w(address_id, key)
JOIN bounces_attempt a ON a.message_id = w.key AND a.address_id = w.address_id AND a.message_id <> ''
UNION
SELECT a.id FROM unnest(%(provided_to)b::bigint[], %(provider_ids)b::text[]) AS w(address_id, key)
JOIN bounces_attempt a ON a.provider_id = w.key AND a.address_id = w.address_id AND a.provider_id <> ''
"""


def _find_by_token(wanted: Sequence[Identity]) -> dict[Identity, int]:
    """The id under which each attempt that a token names is kept today."""
    heirs = dict(
        MergedAttempt.objects.filter(attempt_id__in=[int(w[2]) for w in wanted]).values_list("attempt_id", "into_id")
        if wanted
        else []
    )
    return {w: heirs.get(int(w[2]), int(w[2])) for w in wanted}


def _remember(attempt: Attempt, known: dict[Identity, Attempt]) -> None:
    if attempt.message_id:
        known[attempt.address_id, "m", attempt.message_id] = attempt
    if attempt.provider_id:
        known[attempt.address_id, "p", attempt.provider_id] = attempt


def note(attempt: Attempt, told: Told) -> None:
    """Writes down on the attempt what the report says became of it."""
    event = told.report.event
    at = told.occurred_at
    attempt.sent_at = min(attempt.sent_at, at)
    if told.is_from_tool and told.trust == Trust.TRUSTED:
        attempt.newest_at = newest(attempt.newest_at, at)
    attempt.sender = attempt.sender or told.report.sender
    attempt.campaign_key = attempt.campaign_key or told.report.campaign
    if event in DATES:
        column = DATES[event]
        setattr(attempt, column, earliest(getattr(attempt, column), at))
    elif event == Event.OPENED:
        attempt.opens += 1
    elif event == Event.CLICKED:
        attempt.clicks += 1


def earliest(one: datetime | None, other: datetime) -> datetime:
    return min(one, other) if one else other


def newest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _save(touched: list[Attempt]) -> None:
    old = [attempt for attempt in touched if attempt.pk is not None]
    insert(Attempt, [attempt for attempt in touched if attempt.pk is None], ("address_id", "provider", *WRITTEN))
    update_attempts(old)


def update_attempts(attempts: Sequence[Attempt]) -> None:
    update(Attempt, attempts, WRITTEN)
