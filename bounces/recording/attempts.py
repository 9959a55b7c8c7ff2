"""Which attempt a report is about; a tool's event makes the attempt that it tells of.

In: Told values and the ids of their addresses. Out: the attempt of each, with what became of it written down, and the
difference to the daily counts. Every date is the earliest told, and of two senders or campaigns the first in the order
of the alphabet stands, so that any order of events gives the same row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from bounces.addresses import domain_of
from bounces.models import Attempt, MergedAttempt
from bounces.recording.names import (
    Identity,
    Names,
    borne,
    find_attempts,
    identities,
    key_of_message,
    provider_id,
    read_names,
)
from bounces.recording.outcomes import DATES, earliest, first_of, newest, note
from bounces.recording.rows import insert, update
from bounces.recording.statistics import Cell, counts_of_attempt
from bounces.recording.told import Told
from bounces.values import Standing

WRITTEN = (
    "sender", "campaign_key", "message_id", "provider_id", "sent_at", "newest_at", "delivered_at", "deferred_at",
    "bounced_at", "bounce_standing", "complained_at", "replied_at", "opens", "clicks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address by all its names, with its attempt where a tool has told of it."""

    address_id: int
    attempt: Attempt | None
    names: tuple[Identity, ...]

    @property
    def key(self) -> str:
        return key_of_message(self.names, self.attempt, "")


@dataclass(slots=True)
class Noted:
    """What became of the attempts of a batch. `names`: those of the message of each report; `keys`: what
    it is called in the keys of its failures.

    `learnt`: the messages of which a name, a sender or a campaign is new; `gone`: the attempts that were merged into
    others. `told_of`: the addresses of those of which something new is known, so that they may prove what waits for
    proof. `delivered`: the address and the date of each that is known to be delivered since now; `moved`: the addresses
    of those whose date of delivery has moved, or that were merged.
    """

    attempts: list[Attempt | None]
    names: list[list[Identity]]
    keys: list[str]
    difference: Counter[Cell]
    told_of: set[int]
    learnt: list[Message]
    gone: dict[int, Attempt]
    delivered: list[tuple[int, datetime]]
    moved: set[int]


BLANK = {field.attname: field.get_default() for field in Attempt._meta.concrete_fields}


def begin(address_id: int, sent_at: datetime, provider: str) -> Attempt:
    """By position, as rows come from the database: by name Django asks each field for its default, 10 µs an attempt."""
    return Attempt(*(BLANK | {"address_id": address_id, "sent_at": sent_at, "provider": provider}).values())


class Batch:
    """The attempts of one batch, by all their names."""

    def __init__(self, known: dict[Identity, Attempt], names: Names) -> None:
        self.known = known
        self.names = names
        self.before = {id(attempt): copy(attempt) for attempt in known.values()}
        self.touched: dict[int, tuple[Attempt, str]] = {}
        self.merged: dict[int, tuple[Attempt, Attempt]] = {}  # by id() of the one that is no more: it, and its heir
        self.borne: dict[int, set[Identity]] = defaultdict(set)  # by id(): names that were told of it for sure

    def heir(self, attempt: Attempt) -> Attempt:
        while id(attempt) in self.merged:
            attempt = self.merged[id(attempt)][1]
        return attempt

    def names_of(self, told: Told, address_id: int) -> list[Identity]:
        """All names of its message. Of a report that may be wrong about one of its names the best counts."""
        given = identities(told, address_id)
        return self.names.all_of(given if told.names_attempt else given[:1])

    def attempt_of(self, told: Told, address_id: int, provider: str) -> Attempt | None:
        names = self.names_of(told, address_id)
        found = list({id(a): a for a in (self.known.get(name) for name in names) if a is not None}.values())
        if not found and not told.makes_attempt:
            return None
        attempt = found[0] if found else begin(address_id, told.occurred_at, provider)
        if told.is_trusted:
            for other in found[1:]:
                self.merge(attempt, other, domain_of(told.email))
        if told.names_attempt:
            self._name(attempt, told, names)
        return attempt

    def _name(self, attempt: Attempt, told: Told, names: Sequence[Identity]) -> None:
        self.borne[id(attempt)].update([*borne(attempt), *identities(told, attempt.address_id)])
        attempt.message_id = first_of(attempt.message_id, told.report.message_id)
        if told.is_from_tool and told.report.envelope_id:
            attempt.provider_id = first_of(attempt.provider_id, provider_id(told))
        self.names.bear(attempt)
        self.known |= dict.fromkeys(names, attempt)

    def merge(self, into: Attempt, other: Attempt, domain: str) -> None:
        """Two attempts turn out to be one: the first keeps what both knew."""
        self.borne[id(into)].update([*borne(into), *borne(other), *self.borne.pop(id(other), ())])
        for column in ("sender", "campaign_key", "message_id", "provider_id", "provider"):
            setattr(into, column, first_of(getattr(into, column), getattr(other, column)))
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
        self.touched[id(into)] = (into, domain)
        for name, attempt in list(self.known.items()):
            if attempt is other:
                self.known[name] = into


def note_attempts(
    told: Sequence[Told], address_ids: dict[str, int], new: Sequence[bool], providers: Mapping[str, str]
) -> Noted:
    """Finds or makes the attempt of each; `new` says which reports were not recorded before.

    `providers` names who receives for each domain. An attempt keeps the name it began with, and its counts with it.
    Tools come first: they make the attempts that the other reports of the same batch are about.
    """
    names = read_names(address_ids.values())
    claims = _learn_claims(told, address_ids, names)
    batch = Batch(find_attempts(told, address_ids, names), names)
    attempts: list[Attempt | None] = [None] * len(told)
    for index in sorted(range(len(told)), key=lambda index: not told[index].makes_attempt):
        one, domain = told[index], domain_of(told[index].email)
        attempt = attempts[index] = batch.attempt_of(one, address_ids[one.email], providers[domain])
        if attempt is not None and new[index] and one.is_trusted:
            note(attempt, one)
            batch.touched[id(attempt)] = (attempt, domain)
    attempts = [batch.heir(attempt) if attempt else None for attempt in attempts]
    return _settle(batch, told, address_ids, attempts, claims)


def _learn_claims(told: Sequence[Told], address_ids: Mapping[str, int], names: Names) -> list[Told]:
    """The mails that say first that two names are one message's: both count as its names from now on."""
    found = []
    for one in told:
        if one.is_trusted and not one.names_attempt and one.report.message_id and one.report.envelope_id:
            before = len(names.fresh)
            names.learn((address_ids[one.email], one.report.message_id, provider_id(one)), is_sure=False)
            found += [one] if len(names.fresh) > before else []
    return found


def _settle(
    batch: Batch,
    told: Sequence[Told],
    address_ids: Mapping[str, int],
    attempts: list[Attempt | None],
    claims: Sequence[Told],
) -> Noted:
    """Writes the attempts down, and says what that changes."""
    touched = list(batch.touched.values())
    gone = {other.pk: batch.heir(into) for other, into in batch.merged.values() if other.pk is not None}
    Attempt.objects.filter(pk__in=list(gone)).delete()
    _save([attempt for attempt, _ in touched])
    _remember_heirs(gone)
    _keep_other_names(batch)
    difference: Counter[Cell] = Counter()
    for attempt, domain in touched:
        difference.update(counts_of_attempt(attempt, domain))
        difference.subtract(counts_of_attempt(batch.before.get(id(attempt)), domain))
    domains = {attempt.address_id: domain for attempt, domain in touched}
    for other, _ in batch.merged.values():
        difference.subtract(counts_of_attempt(batch.before.get(id(other)), domains[other.address_id]))
    heirs = {id(heir) for heir in gone.values()}
    learnt = [
        Message(attempt.address_id, attempt, tuple(batch.names.all_of(borne(attempt))))
        for attempt, _ in touched
        if id(attempt) in heirs or _has_learnt(attempt, batch)
    ]
    by_index = [batch.names_of(one, address_ids[one.email]) for one in told]
    keys = [
        key_of_message(names, attempt, one.name_of_its_own)
        for one, names, attempt in zip(told, by_index, attempts, strict=True)
    ]
    learnt += _claimed(batch, claims, address_ids)
    delivered, moved = _deliveries(batch)
    told_of = {attempt.address_id for attempt, _ in touched} | {message.address_id for message in learnt}
    return Noted(attempts, by_index, keys, difference, told_of, learnt, gone, delivered, moved)


def _claimed(batch: Batch, claims: Sequence[Told], address_ids: Mapping[str, int]) -> list[Message]:
    """The messages of which mails have just said that two names are theirs."""
    messages = []
    for one in claims:
        names = batch.names_of(one, address_ids[one.email])
        attempt = next((batch.known[name] for name in names if name in batch.known), None)
        messages.append(Message(address_ids[one.email], attempt, tuple(names)))
    return messages


def _keep_other_names(batch: Batch) -> None:
    """What an attempt is called besides the two names that it keeps: each is kept beside one of those."""
    attempts = {id(attempt): attempt for attempt, _ in batch.touched.values()} | {
        id(attempt): attempt for attempt in batch.known.values()
    }
    for key, names in batch.borne.items():
        attempt = attempts.get(key)
        others = names - set(borne(attempt)) if attempt else set()
        for address_id, kind, name in others:
            if attempt is not None and kind == "m" and attempt.provider_id:
                batch.names.learn((address_id, name, attempt.provider_id), is_sure=True)
            if attempt is not None and kind == "p" and attempt.message_id:
                batch.names.learn((address_id, attempt.message_id, name), is_sure=True)
    batch.names.save()


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
    return before is None or any(getattr(before, name) != getattr(attempt, name) for name in SHARED)


SHARED = ("message_id", "provider_id", "sender", "campaign_key", "provider")  # with what is told of the message


def _save(touched: list[Attempt]) -> None:
    old = [attempt for attempt in touched if attempt.pk is not None]
    insert(Attempt, [attempt for attempt in touched if attempt.pk is None], ("address_id", "provider", *WRITTEN))
    update_attempts(old)


def update_attempts(attempts: Sequence[Attempt]) -> None:
    update(Attempt, attempts, WRITTEN)
