"""Recording: from reports to facts, each once, in one transaction.

In: `Told` values (a report, its judgement, where it came from). Out: Attempt, Bounce + Evidence, Complaint and
Suppression rows; the addresses' dates; daily counts; a Dirty row for each address with news. Stage: record.

    told.py         the values that come in
    names.py        the names of a message, and which attempt bears them
    attempts.py     which attempt a report is about
    outcomes.py     what became of it, noted or kept until it is told
    failures.py     bounces and their evidence, one failure one row
    complaints.py   one complaint a message
    joining.py      what was told before its message was known, and messages that turn out to be one
    reactions.py    unsubscribes, the addresses' dates
    silence.py      how many mails went unanswered
    statistics.py   what each fact adds to the daily counts
    rows.py         many rows of a table in one statement

The same event twice changes nothing the second time: its EventKey is there. Locks are taken in the order of the
addresses' ids, so that two recorders never wait for each other in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bounces.addresses import domain_of, keep_addresses
from bounces.models import Attempt
from bounces.providers import providers_of
from bounces.recording.attempts import note_attempts
from bounces.recording.complaints import Complained, record_complaints
from bounces.recording.failures import Failure, record_failures
from bounces.recording.joining import join
from bounces.recording.outcomes import keep_early
from bounces.recording.reactions import advance_dates, answering, suppress_those_who_asked
from bounces.recording.silence import count_silence
from bounces.recording.statistics import add_counts
from bounces.recording.told import Told
from bounces.statements import columns, run
from bounces.values import Event

__all__ = ["Recorded", "Told", "lock_addresses", "record"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many reports of each inbox item were new, and the addresses with news of an attempt."""

    new: Counter[int]
    told_of: set[int]


def record(told: Sequence[Told]) -> Recorded:
    """Inside the caller's transaction. May run twice."""
    address_ids = keep_addresses(one.email for one in told)
    lock_addresses(address_ids.values())
    fresh_keys = _keep_event_keys(told)
    is_new = [_take((one.source, one.identity), fresh_keys) for one in told]
    providers = providers_of({domain_of(one.email) for one in told})
    noted = note_attempts(told, address_ids, is_new, providers)
    joined = join(noted.learnt, noted.gone, {address_ids[one.email]: domain_of(one.email) for one in told})
    difference = noted.difference
    difference.update(joined.difference)
    is_fresh = [index for index, new in enumerate(is_new) if new]
    fresh = [told[index] for index in is_fresh]
    keep_early((told[index], noted.attempts[index], noted.names[index]) for index in is_fresh)
    suppress_those_who_asked(fresh, address_ids)
    about = [About(told[index], noted.attempts[index], noted.keys[index]) for index in is_fresh]
    difference.update(record_complaints(_complaints(about, address_ids, providers)))
    judged, counts = record_failures(_failures(about, address_ids, providers))
    difference.update(counts)
    changed = joined.changed | judged | advance_dates(fresh, address_ids)
    count_silence(noted.delivered, noted.moved | joined.moved | answering(fresh, address_ids))
    add_counts(difference)
    run("INSERT INTO bounces_dirty (address_id) SELECT unnest(%(ids)b::bigint[])", {"ids": sorted(changed)})
    return Recorded(Counter(one.item_id for one in fresh), noted.told_of)


def lock_addresses(address_ids: Iterable[int]) -> None:
    """Until the transaction ends, in the order of their ids. Who locks twice asks for all of them the first time."""
    run(
        "SELECT id FROM bounces_address WHERE id = ANY(%(ids)b::bigint[]) ORDER BY id FOR NO KEY UPDATE",
        {"ids": sorted(set(address_ids))},
    )


def _keep_event_keys(told: Sequence[Told]) -> set[tuple[str, str]]:
    """Claims the events' identities; returns those that nobody had claimed before."""
    events = {(one.source, one.identity): str(one.report.event) for one in told}
    keys = sorted(events)
    given = columns([(*key, events[key]) for key in keys], ("sources", "keys", "events"))
    return set(run(CLAIM, given))


CLAIM = """
INSERT INTO bounces_eventkey (source, key, event)
SELECT * FROM unnest(%(sources)b::text[], %(keys)b::text[], %(events)b::text[])
ON CONFLICT (source, key) DO NOTHING RETURNING source, key
"""


def _take(key: tuple[str, str], fresh_keys: set[tuple[str, str]]) -> bool:
    """Whether the event is new: the first of a batch that bears its key is, the others are its copies."""
    is_fresh = key in fresh_keys
    fresh_keys.discard(key)
    return is_fresh


@dataclass(frozen=True, slots=True)
class About:
    """A report that is new, with its attempt and what its message is called in the keys of failures."""

    told: Told
    attempt: Attempt | None
    message: str


def _complaints(about: list[About], address_ids: dict[str, int], providers: Mapping[str, str]) -> list[Complained]:
    return [
        Complained(one.told, address_ids[email], one.attempt, one.message, providers[domain_of(email)])
        for one in about
        if one.told.report.event == Event.COMPLAINED and (email := one.told.email)
    ]


def _failures(about: list[About], address_ids: dict[str, int], providers: Mapping[str, str]) -> list[Failure]:
    return [
        Failure(one.told, judgement, address_ids[email], one.attempt, one.message, providers[domain_of(email)])
        for one in about
        if (judgement := one.told.judgement) is not None and (email := one.told.email)
    ]
