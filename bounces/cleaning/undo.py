"""Taking a run back, as people ask for it: what that would do, the whole run as a job, chosen rows at once.

In: a run that applied something, a person, a reason. Out: each row taken back or kept (`taking_back.py`). Stage:
evaluate. A run that judged bounces again is taken back without rulings: its verdicts are
(`bounces/rejudging/undoing.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from bounces.cleaning.runs import LOST_VERDICTS, NotReady, one_at_a_time
from bounces.cleaning.taking_back import take_back
from bounces.models import CleaningRow, CleaningRun
from bounces.rejudging import undoing
from bounces.rulings import NoReason

UNDO_CHUNK = 1_000
LOOKED_AT = 20_000  # rows of which a preview says whether something newer has decided

Outcome = CleaningRow.Outcome
State = CleaningRun.State


class NothingToUndo(Exception):
    """The run has applied nothing that could be taken back."""


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing a run would do: addresses by the status that they go back to, and those that stay."""

    back: dict[str, int]
    unmoved: int  # got another rule alone: there is nothing to take back
    decided_since: int
    is_capped: bool
    verdicts: int = 0  # of a run that judged bounces again: verdicts that return

    @property
    def total(self) -> int:
        return sum(self.back.values())


def preview_undo(run: CleaningRun) -> UndoPreview:
    """Two queries; the second looks at LOOKED_AT rows at most."""
    groups = (
        run.rows.filter(outcome=Outcome.APPLIED)
        .order_by()
        .values_list("from_status", "to_status")
        .annotate(n=Count("pk"))
    )
    back: dict[str, int] = {}
    unmoved = 0
    for before, after, number in groups:
        if before == after:
            unmoved += number
        else:
            back[before] = back.get(before, 0) + number
    if run.rejudges:
        verdicts = run.rejudged.filter(outcome=Outcome.APPLIED).count()
        return UndoPreview(back, unmoved, 0, is_capped=False, verdicts=verdicts)
    return UndoPreview(back, unmoved, _count_decided_since(run), sum(back.values()) > LOOKED_AT)


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
            undone, kept = take_back(locked, rows, now)
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
    if locked.has_lost_verdicts:
        raise NotReady(LOST_VERDICTS)
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
        take_back(run, rows, now)
        run.cursor = rows[-1].address_id
    if len(rows) < size:
        run.state, run.returns_to, run.finished_at = run.returns_to, "", now
