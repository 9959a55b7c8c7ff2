"""Cells of a preview that a person writes anew. In: a run, wrong cells, new texts. Out: the run is judged again.

Nothing is written to contacts: the file is read with the corrections (`corrections.py`), by the job, and of a short
file at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import re2
from django.db import connection, transaction

from contacts.fields import UNKEEPABLE
from contacts.importing import corrections, working
from contacts.importing.cell_notices import notices_in
from contacts.importing.holding import LOST, begin_again, is_there
from contacts.importing.reading.tables import LONGEST_CELL
from contacts.importing.runs import NotReady
from contacts.importing.wrong_cells import MISTYPED, WrongCell, cells_that_hold, is_wrong_in_row, mistyped_notices
from contacts.models import ImportCorrection, ImportRun

State = ImportRun.State
AT_ONCE = 2000  # rows that are judged again while the person waits: half a second
BYTES_AT_ONCE = 1024 * 1024
MOST = 2000  # corrections of one import
CHANGED = "The preview has changed meanwhile. Nothing was corrected: look at it again."


class NotCorrectable(ValueError):
    """The message says why, for people."""


@dataclass(frozen=True, slots=True)
class Correction:
    """`row`: one row alone; None: all cells of the column that hold `was`. `is_domain`: all addresses at `was`."""

    column: str
    was: str
    value: str
    row: int | None = None
    is_domain: bool = False


def correction_of(cell: WrongCell, value: str, *, of_all: bool) -> Correction:
    """What a person means who writes `value` over a cell that a page shows."""
    if cell.kind == MISTYPED:
        return Correction("", cell.value, value, is_domain=True)
    return Correction(cell.column, cell.value, value, None if of_all and cell.has_equals else cell.row)


def correct(run: ImportRun, by: Any, wanted: Sequence[Correction], clock: Callable[[], datetime]) -> None:
    """Keeps the corrections and has the run judged again: all of them or none. Raises NotReady, NotCorrectable."""
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        _check_may(locked, by)
        if not is_there(locked):
            raise NotReady(LOST)
        for each in wanted:
            _keep(locked, each)
        if ImportCorrection.objects.filter(run_id=run.pk).count() > MOST:
            raise NotCorrectable(f"A preview takes {MOST:,} corrections. Correct the file and import it again.")
        is_short = locked.total <= AT_ONCE and locked.size <= BYTES_AT_ONCE
        _judge_again(locked)
    if is_short:
        working.work(run.pk, clock)  # where another import is worked at, the job goes on with it
    run.refresh_from_db()


def _check_may(run: ImportRun, by: Any) -> None:
    if run.state != State.READY:
        raise NotReady(f"Cells can be corrected in a preview. This import is “{run.get_state_display()}”.")
    if by is None or run.started_by != by:
        raise NotReady(f"Only {run.started_by or 'whoever brought the file'} can correct this import.")


def _keep(run: ImportRun, wanted: Correction) -> None:
    value = " ".join(wanted.value.split()) if wanted.is_domain else wanted.value.strip()
    if len(value) > LONGEST_CELL or UNKEEPABLE.search(value):
        raise NotCorrectable("The new text is too long, or holds a character that cannot be kept.")
    if wanted.is_domain:
        if not any(cell.kind == MISTYPED for cell in cells_that_hold(run, "", wanted.was)):
            raise NotCorrectable(f"No address at “{wanted.was}” looks mistyped in this preview.")
        if not DOMAIN.match(value.lower()):
            raise NotCorrectable(f"“{value[:100]}” is not a domain. Write one such as example.org.")
        corrections.keep_domain(run, wanted.was, value.lower())
        return
    if wanted.column not in run.headers or not wanted.column:
        raise NotCorrectable(f"The file has no column “{wanted.column[:100]}”.")
    if wanted.row is not None:
        if not is_wrong_in_row(run, wanted.column, wanted.row):
            raise NotCorrectable(f"Nothing is wrong with “{wanted.column[:60]}” in row {wanted.row}.")
    elif not wanted.was or not cells_that_hold(run, wanted.column, wanted.was):
        raise NotCorrectable(f"No wrong cell of “{wanted.column[:60]}” holds “{wanted.was[:60]}”.")
    corrections.keep(run, wanted.column, wanted.was, value, wanted.row)


DOMAIN = re2.compile(r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$")


def _judge_again(run: ImportRun) -> None:
    """What was said of its cells is said anew. The preview is waited for, also where nobody waited for the first."""
    with connection.cursor() as cursor:
        said = {*notices_in(run, cursor), *mistyped_notices(run, cursor)}
    run.notices = [notice for notice in run.notices if notice not in said]
    run.options = {**run.options, "at_once": False}
    begin_again(run)
    run.save()
