"""Recording: from reports to facts, each once, in one transaction.

In: `Told` values (a report, its judgement, where it came from). Out: Attempt, Bounce + Evidence, Complaint and
Suppression rows; the addresses' dates; daily counts; a Dirty row for each address with news. Stage: record.

    told.py         the values that come in
    attempts.py     which attempt a report is about
    failures.py     bounces and their evidence, one failure one row
    joining.py      what was told before its message was known, and attempts that turn out to be one
    reactions.py    complaints, unsubscribes, the addresses' dates
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
from bounces.recording.failures import Failure, record_failures
from bounces.recording.joining import join
from bounces.recording.reactions import advance_dates, answering, record_complaints, suppress_those_who_asked
from bounces.recording.silence import count_silence
from bounces.recording.statistics import Cell, add_counts
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
    changed, difference = join(noted.learnt, noted.gone)
    difference.update(noted.difference)
    fresh = [(one, attempt) for one, attempt, new in zip(told, noted.attempts, is_new, strict=True) if new]
    difference.update(_record_reactions(fresh, address_ids, providers))
    judged, counts = record_failures(_failures(fresh, address_ids, providers))
    difference.update(counts)
    changed |= judged | advance_dates([one for one, _ in fresh], address_ids)
    count_silence(noted.delivered, noted.moved | answering([one for one, _ in fresh], address_ids))
    add_counts(difference)
    run("INSERT INTO bounces_dirty (address_id) SELECT unnest(%(ids)b::bigint[])", {"ids": sorted(changed)})
    return Recorded(Counter(one.item_id for one, _ in fresh), noted.told_of)


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


def _record_reactions(
    fresh: list[tuple[Told, Attempt | None]], address_ids: dict[str, int], providers: Mapping[str, str]
) -> Counter[Cell]:
    suppress_those_who_asked([one for one, _ in fresh], address_ids)
    complaints = [(one, attempt) for one, attempt in fresh if one.report.event == Event.COMPLAINED]
    return record_complaints(
        [one for one, _ in complaints], address_ids, [attempt for _, attempt in complaints], providers
    )


def _failures(
    fresh: list[tuple[Told, Attempt | None]], address_ids: dict[str, int], providers: Mapping[str, str]
) -> list[Failure]:
    return [
        Failure(one, one.judgement, address_ids[one.email], attempt, providers[domain_of(one.email)])
        for one, attempt in fresh
        if one.judgement is not None
    ]
