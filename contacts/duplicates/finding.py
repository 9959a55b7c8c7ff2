"""Search for duplicates: all contacts the first time, later those that changed; all companies each time.

In: a clock. Out: DuplicateKeys and DuplicatePair rows, and a one-sentence summary. Each batch is one transaction under
a lease: a search of all contacts that was killed resumes after its last batch. Groups that are too large are skipped
and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction

from bounces import lease
from bounces.lease import Lease
from contacts.duplicates.companies import find_companies
from contacts.duplicates.facts import facts_of
from contacts.duplicates.keeping import Candidates, candidates_of, keep_pairs, write_keys
from contacts.duplicates.keys import kind_of
from contacts.duplicates.scoring import SHARED_BY, judge
from contacts.models import Contact, DuplicatePair, DuplicateSearch, ImportRun

Clock = Callable[[], datetime]
Stage = DuplicateSearch.Stage
LEASE = "duplicates"
LEASE_LASTS = timedelta(seconds=60)
BATCH = 2_000
# Changes of a transaction that stays open for longer than this are found only by a search of all contacts.
OVERLAP = timedelta(minutes=15)
MOST_CHANGED = 100_000  # above this, a search of all contacts is cheaper: it reads each of them once


def search(clock: Clock, *, everything: bool = False) -> str:
    """Run the search to its end. Idempotent; does nothing while another process is searching."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return "Skipped: another process is searching."
    try:
        return _search(held, clock, everything)
    finally:
        lease.release(held)


def _search(held: Lease, clock: Clock, everything: bool) -> str:
    began = clock()
    state = DuplicateSearch.objects.get_or_create(pk=1)[0]
    until = _compared_until(began)
    forget_deleted()
    changed = [] if state.is_full or everything else changed_since(state)
    if state.is_full or everything or len(changed) > MOST_CHANGED:
        number = _compare_all(state, held, clock)
    else:
        number = _compare_changed(changed, held, began)
    with transaction.atomic():
        lease.guard(held)
        found, skipped = find_companies()
        keep_pairs("company", found, None, began)
        state.skipped["company_name"] = [skipped, 0]
        state.compared_until = min(until, state.began_at or until)
        state.is_full, state.stage, state.cursor = False, Stage.IDLE, 0
        state.began_at, state.finished_at = None, clock()
        state.save()
    number_open = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN).count()
    return f"Compared {number:,} contacts and all companies. {number_open:,} possible duplicates are open."


def _compared_until(now: datetime) -> datetime:
    """An import gives all its contacts the time at which it began: those of a running import are compared again."""
    applying = ImportRun.objects.filter(state__in=ImportRun.RUNNING, applied_at__isnull=False)
    began = applying.order_by("applied_at").values_list("applied_at", flat=True).first()
    return min(now, began or now) - OVERLAP


def changed_since(state: DuplicateSearch) -> list[int]:
    changed = Contact.objects.present().filter(updated_at__gte=state.compared_until)
    return list(changed.order_by("updated_at", "pk").values_list("pk", flat=True)[: MOST_CHANGED + 1])


def has_news() -> bool:
    """True if any contact changed since the last search."""
    state = DuplicateSearch.objects.filter(pk=1).first()
    if state is None or state.is_full or state.compared_until is None or state.finished_at is None:
        return Contact.objects.present().exists()
    # The last search compared contacts within the overlap, unless they changed later.
    return Contact.objects.present().filter(updated_at__gte=state.finished_at - OVERLAP).exists()


def _compare_all(state: DuplicateSearch, held: Lease, clock: Clock) -> int:
    if state.stage == Stage.IDLE:
        state.stage, state.cursor, state.is_full, state.began_at = Stage.KEYS, 0, True, _compared_until(clock())
        state.skipped = {}
    number = 0
    steps: dict[Stage, Callable[[list[int]], object]] = {
        Stage.KEYS: write_keys,
        Stage.PAIRS: lambda ids: _compare_batch(state, ids, clock()),
    }
    for stage, step in steps.items():
        if state.stage != stage:
            continue
        while ids := _next_ids(state.cursor):
            with _batch(held):
                step(ids)
                state.cursor = ids[-1]
                state.save()
            number += len(ids) if stage == Stage.PAIRS else 0
        state.stage, state.cursor = Stage.PAIRS, 0
        _tell_planner()
    return number


def _next_ids(after: int) -> list[int]:
    return list(Contact.objects.present().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH])


@contextmanager
def _batch(held: Lease) -> Iterator[None]:
    """One transaction under the lease, which is renewed afterwards."""
    with transaction.atomic():
        lease.guard(held)
        yield
    lease.renew(held)


def _compare_batch(state: DuplicateSearch, ids: Sequence[int], now: datetime) -> None:
    found = candidates_of(ids, only_earlier=True)
    _keep(found, ids, now, only_earlier=True)
    _note_skipped(state, found)


def _compare_changed(changed: list[int], held: Lease, now: datetime) -> int:
    """Write all their keys first, so that two changed contacts find each other by their new keys."""
    steps: list[Callable[[list[int]], object]] = [
        write_keys,
        lambda ids: _keep(candidates_of(ids, only_earlier=False), ids, now),
    ]
    for step in steps:
        for ids in _batches(changed):
            with _batch(held):
                step(ids)
    return len(changed)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _keep(found: Candidates, ids: Sequence[int], now: datetime, *, only_earlier: bool = False) -> None:
    facts = facts_of(list({pk for pair in found.pairs for pk in pair}))
    judged = {
        pair: judgement
        for pair, sharers in found.pairs.items()
        if pair[0] in facts and pair[1] in facts
        and (judgement := judge(facts[pair[0]], facts[pair[1]], sharers or SHARED_BY))
    }  # fmt: skip
    keep_pairs("contact", judged, ids, now, only_earlier=only_earlier)


def _note_skipped(state: DuplicateSearch, found: Candidates) -> None:
    """Count skipped groups and the largest size, by kind of key."""
    for key, size in found.skipped.items():
        number, largest = state.skipped.get(kind_of(key), [0, 0])
        state.skipped[kind_of(key)] = [number + 1, max(largest, size)]


def forget_deleted() -> None:
    """Remove the keys and open pairs of deleted contacts."""
    with connection.cursor() as cursor:
        for text in FORGET:
            cursor.execute(text)


GONE = "EXISTS (SELECT FROM contacts_contact AS contact WHERE contact.id = {column} AND contact.deleted_at IS NOT NULL)"
FORGET = (
    f"DELETE FROM contacts_duplicatekeys WHERE {GONE.format(column='contact_id')}",  # noqa: S608 -- ours
    "DELETE FROM contacts_duplicatepair WHERE state = 'open' AND ("  # noqa: S608 -- likewise
    f"{GONE.format(column='first_contact_id')} OR {GONE.format(column='second_contact_id')})",
)


def _tell_planner() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_duplicatekeys")
