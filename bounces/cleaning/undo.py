"""Taking a run back: for each mark that it made, a `waive` ruling, so that no later evaluation makes it again.

In: a run that applied something, a person, a reason. Out: rulings, the addresses judged again at once, and what became
of each row: taken back, or kept because newer facts decided since. Stage: evaluate.

A ruling takes evidence away from one rule, up to the moment at which the run judged it; where the next rule would
mark the address nearly as badly, that one is waived too, until the address is no worse than it was before. What the run
lifted (invalid to valid, by a looser policy) stays: rulings take marks away, they do not make any.

A run that judged bounces again is taken back without rulings: its verdicts are (`bounces/rejudging/undoing.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from bounces import policy
from bounces.cleaning.runs import NotReady, one_at_a_time
from bounces.models import CleaningRow, CleaningRun, Policy, Ruling
from bounces.rejudging import undoing
from bounces.rulings import NoReason
from bounces.values import Status

UNDO_CHUNK = 1_000
LOOKED_AT = 20_000  # rows of which a preview says whether something newer has decided
RANK = {Status.UNVERIFIED: 0, Status.VALID: 1, Status.AT_RISK: 2, Status.INVALID: 3}

Outcome = CleaningRow.Outcome
State = CleaningRun.State


class NothingToUndo(Exception):
    """The run has applied nothing that could be taken back."""


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing a run would do: addresses by where they go back to, and those that stay."""

    back: dict[str, int]
    lifted: int
    decided_since: int
    is_capped: bool
    verdicts: int = 0  # of a run that judged bounces again: verdicts that return

    @property
    def total(self) -> int:
        return sum(self.back.values())


@dataclass(frozen=True, slots=True)
class Deciding:
    """The newest change of an address: whose it is, by which rule, when."""

    run_id: int | None
    rule: str
    at: datetime


def preview_undo(run: CleaningRun) -> UndoPreview:
    """Two queries; the second looks at LOOKED_AT rows at most."""
    groups = (
        run.rows.filter(outcome=Outcome.APPLIED)
        .order_by()
        .values_list("from_status", "to_status")
        .annotate(n=Count("pk"))
    )
    back: dict[str, int] = {}
    lifted = 0
    for before, after, number in groups:
        if is_mark(before, after) or (run.rejudges and before != after):
            back[before] = back.get(before, 0) + number
        elif before != after:
            lifted += number
    if run.rejudges:
        verdicts = run.rejudged.filter(outcome=Outcome.APPLIED).count()
        return UndoPreview(back, 0, 0, is_capped=False, verdicts=verdicts)
    return UndoPreview(back, lifted, _count_decided_since(run), sum(back.values()) > LOOKED_AT)


def _count_decided_since(run: CleaningRun) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT address_id FROM bounces_cleaningrow WHERE run_id = %(run)s AND outcome = 'applied'
                ORDER BY address_id LIMIT %(most)s
            ) AS looked_at
            WHERE (SELECT c.run_id FROM bounces_statuschange c WHERE c.address_id = looked_at.address_id
                   ORDER BY c.at DESC, c.id DESC LIMIT 1) IS DISTINCT FROM %(run)s
            """,
            {"run": run.pk, "most": LOOKED_AT},
        )
        return int(cursor.fetchone()[0])


def is_mark(before: str, after: str) -> bool:
    """Whether a change made an address worse, or said something of one of which nothing was known."""
    return RANK[Status(after)] > RANK[Status(before)]


def undo_run(run: CleaningRun, by: Any, reason: str, now: datetime) -> None:
    """Lets the job take the whole run back. Raises NoReason, NotReady, NothingToUndo, AlreadyRunning."""
    reason = _checked(reason)
    with transaction.atomic():
        one_at_a_time()
        locked = _lock(run)
        done = locked.rejudged if locked.rejudges else locked.rows
        if not done.filter(outcome=Outcome.APPLIED).exists():
            raise NothingToUndo("This run has applied nothing that could be taken back.")
        locked.returns_to, locked.state = locked.state, State.UNDOING
        locked.cursor, locked.pace_at, locked.finished_at = 0, None, None
        _sign(locked, by, reason, now)
        locked.save()
    run.refresh_from_db()


def undo_rows(run: CleaningRun, row_ids: Collection[int], by: Any, reason: str, now: datetime) -> tuple[int, int]:
    """Takes chosen rows back, a page of them at most; returns how many were taken back, and kept. Raises as above."""
    reason = _checked(reason)
    with transaction.atomic():
        locked = _lock(run)
        rows = list(locked.rows.filter(pk__in=row_ids, outcome=Outcome.APPLIED).order_by("address_id")[:UNDO_CHUNK])
        if not rows:
            raise NothingToUndo("None of the chosen rows is one that the run has applied.")
        _sign(locked, by, reason, now)
        if locked.rejudges:
            undone, kept = undoing.take_back_addresses(locked, [row.address_id for row in rows], now)
        else:
            undone, kept = _take_back(locked, rows, now)
        locked.save()
    run.refresh_from_db()
    return undone, kept


def _checked(reason: str) -> str:
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    return reason.strip()


def _lock(run: CleaningRun) -> CleaningRun:
    locked = CleaningRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state not in CleaningRun.UNDOABLE:
        raise NotReady(f"Only a run that has ended can be taken back; this one is “{locked.get_state_display()}”.")
    return locked


def _sign(run: CleaningRun, by: Any, reason: str, now: datetime) -> None:
    run.undone_by, run.undo_reason, run.undone_at = by, reason, now


def undo_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    """The job's step: the next rows in the order of their addresses, `size` at most."""
    if run.rejudges:
        undoing.undo_chunk(run, now, size)
        return
    size = min(size, UNDO_CHUNK)
    rows = list(run.rows.filter(outcome=Outcome.APPLIED, address_id__gt=run.cursor).order_by("address_id")[:size])
    if rows:
        _take_back(run, rows, now)
        run.cursor = rows[-1].address_id
    if len(rows) < size:
        run.state, run.returns_to, run.finished_at = run.returns_to, "", now


def _take_back(run: CleaningRun, rows: Sequence[CleaningRow], now: datetime) -> tuple[int, int]:
    """Rules on the run's marks and judges their addresses again; returns how many were taken back, and kept."""
    marks = {row.address_id: row for row in rows if is_mark(row.from_status, row.to_status)}
    policy.lock_addresses(sorted(marks))
    deciding = _newest_changes(sorted(marks))
    ours = {pk: row for pk, row in marks.items() if pk in deciding and deciding[pk].run_id == run.pk}
    _waive(run, ours, deciding, now)
    active = Policy.active()
    transitions = {t.address_id: t for t in policy.evaluate(sorted(ours), active, now)}
    policy.apply(list(transitions.values()), active, now, actor_id=run.undone_by_id)
    undone = [
        row.pk
        for pk, row in ours.items()
        if pk in transitions and not is_mark(row.from_status, transitions[pk].to_status)
    ]
    kept = [row.pk for row in marks.values() if row.pk not in set(undone)]
    CleaningRow.objects.filter(pk__in=undone).update(outcome=Outcome.UNDONE)
    CleaningRow.objects.filter(pk__in=kept).update(outcome=Outcome.KEPT)
    run.undone += len(undone)
    run.kept += len(kept)
    return len(undone), len(kept)


def _waive(run: CleaningRun, rows: dict[int, CleaningRow], deciding: dict[int, Deciding], now: datetime) -> None:
    """One rule after the other, while the next one marks the address worse than it was; a rule once at most."""
    active = Policy.active()
    waived: dict[int, set[str]] = {pk: set() for pk in rows}
    to_waive = {pk: deciding[pk].rule for pk in rows}
    while to_waive:
        Ruling.objects.bulk_create(
            Ruling(
                address_id=pk,
                kind=Ruling.Kind.WAIVE,
                rule=rule,
                effective_at=deciding[pk].at,
                reason=run.undo_reason,
                by=run.undone_by,
                run=run,
                at=now,
            )
            for pk, rule in to_waive.items()
        )
        for pk, rule in to_waive.items():
            waived[pk].add(rule)
        judged = policy.evaluate(sorted(to_waive), active, now)
        to_waive = {
            t.address_id: t.rule
            for t in judged
            if is_mark(rows[t.address_id].from_status, t.to_status) and t.rule not in waived[t.address_id]
        }


def _newest_changes(address_ids: Sequence[int]) -> dict[int, Deciding]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT given.id, c.run_id, c.rule, c.at
            FROM unnest(%s::bigint[]) AS given(id)
            CROSS JOIN LATERAL (
                SELECT run_id, rule, at FROM bounces_statuschange
                WHERE address_id = given.id ORDER BY at DESC, id DESC LIMIT 1
            ) AS c
            """,
            [list(address_ids)],
        )
        return {pk: Deciding(run_id, rule, at) for pk, run_id, rule, at in cursor.fetchall()}
