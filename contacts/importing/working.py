"""The job of an import: reading, comparing, writing, taking back, a transaction a step, until it ends or is stopped.

In: a run's id, a clock. Out: its verdicts (the preview), then the contacts and the report. Killed anywhere it goes on
where its last step ended; where its stage is gone, reading begins again. A batch is written whole or not at all.
One import goes on at a time, under a lease: between two, nothing else keeps the same person from being made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction

from bounces import lease
from bounces.conflicts import is_conflict, retried
from bounces.lease import Lease
from contacts.importing import applying, health, judging, runs, staging, undoing
from contacts.importing.cell_notices import notices_in
from contacts.importing.cells import forget_owners
from contacts.importing.cleaning import RowCleaner
from contacts.importing.copy_lines import written
from contacts.importing.erased import mark_erased
from contacts.importing.given_tags import follow_renames
from contacts.importing.options import read_options
from contacts.importing.reading import UnreadableFile
from contacts.importing.recalling import recall_cells
from contacts.importing.rows import first_lines, open_run
from contacts.importing.stored import too_many_rows
from contacts.importing.suppressing import count_said, has_opt_outs, made_by, next_said, suppress_said
from contacts.importing.wrong_cells import find_wrong, mistyped_notices
from contacts.models import ImportRun

Clock = Callable[[], datetime]
Watch = Callable[[ImportRun], None]
State = ImportRun.State

LEASE_LASTS = timedelta(seconds=60)
SMALLER = 10  # times: than the batch before, which others disturbed
BEFORE_THE_FIRST = -1  # the cursor of a run whose first batch is still to come


def work(run_id: int, clock: Clock, watch: Watch | None = None) -> bool:
    """Carries a run to its preview or its end; `watch` sees it after each step, and may raise TurnOver to let others
    have the worker. May run twice.

    False when another process works at an import. Where the database goes away the run stays as it is, and the next
    worker goes on.
    """
    held = lease.acquire(runs.LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        run = ImportRun.objects.get(pk=run_id)
        while run.is_running:
            run = STAGES[State(run.state)](run, held, clock, watch or _nobody_watches)
    except TurnOver:
        pass  # the next turn goes on where this step ended
    except lease.PUT_OUT:
        raise
    except UnreadableFile as error:
        _fail(run_id, str(error), clock())
    except Exception as error:
        _fail(run_id, f"{type(error).__name__}: {error}"[:2000], clock())
        raise
    finally:
        lease.release(held)
    return True


def _nobody_watches(run: ImportRun) -> None:
    """Of a run whose progress is read from its row."""


def _fail(run_id: int, error: str, now: datetime) -> None:
    with transaction.atomic():
        ImportRun.objects.filter(pk=run_id).update(state=State.FAILED, error=error, finished_at=now)
        runs.forget(ImportRun.objects.get(pk=run_id))


@contextmanager
def step(run: ImportRun, held: Lease, state: State) -> Iterator[ImportRun]:
    """One transaction of a run, which nobody else writes meanwhile. Raises StoppedError where it is elsewhere now."""
    with transaction.atomic():
        lease.guard(held)
        locked = ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if locked.state != state:
            raise StoppedError
        yield locked
        locked.save()
    lease.renew(held)


class TurnOver(Exception):
    """The run goes on later: others wait."""


class StoppedError(Exception):
    """Somebody cancelled the run between two steps."""


def _read(run: ImportRun, held: Lease, clock: Clock, watch: Watch) -> ImportRun:
    forget_owners()
    with step(run, held, State.STAGING) as run:
        if not run.total or not staging.is_whole(run):
            staging.make_stage(run)
            run.total, run.read_bytes = 0, 0
        run.pace_at, run.pace_from = clock(), run.total
    _, first = first_lines(run)
    cleaner = RowCleaner(run.headers, run.mapping, read_options(run.options), first)
    opened = open_run(run, watch=lambda: lease.renew(held))
    lines = islice(opened.table.lines, run.total, None)  # those behind what an earlier turn has read
    for chunk in staging.chunks(written(lines, cleaner)):
        with step(run, held, State.STAGING) as run:
            staging.stage_lines(run, chunk, cleaner)
            run.total += len(chunk)
            if run.total > settings.IMPORT_ROWS:
                raise UnreadableFile(too_many_rows())
            run.read_bytes = opened.position_after(run.total)
        watch(run)
    with step(run, held, State.STAGING) as run:
        staging.end_stage(run)
        run.state, run.pace_at = State.JUDGING, None
    watch(run)
    return run


def _judge(run: ImportRun, held: Lease, clock: Clock, watch: Watch) -> ImportRun:
    with step(run, held, State.JUDGING) as run:
        if not staging.is_whole(run):
            run.state = State.STAGING
            return run
        with connection.cursor() as cursor:
            # Three hash tables stand at once, each of twice as much: together within an import's 150 MB.
            cursor.execute("SET LOCAL work_mem = '24MB'")
            judging.judge_whole(judging.judge_of(run), cursor)
            if run.applied_at is not None:  # it was writing when its stage was lost
                _tell_others(run)
                run.state, run.pace_at = State.APPLYING, None
                return run
            _count(run, cursor, clock())
            run.opt_outs = count_said(run, cursor)
            find_wrong(run, cursor)
            said = [*notices_in(run, cursor), *mistyped_notices(run, cursor)]
            run.notices = list(dict.fromkeys([*run.notices, *said]))
        run.health = health.estimate(run)
        run.quarantine = health.reasons_of(run.health)
        if read_options(run.options).at_once and not run.quarantine:
            runs.start_applying(run, clock())
        else:
            run.state = State.READY
    watch(run)
    return run


def _count(run: ImportRun, cursor: object, now: datetime) -> None:
    judged = staging.judged_of(run)
    cursor.execute(f"SELECT verdict, count(*) FROM {judged} GROUP BY 1")  # type: ignore[attr-defined]  # noqa: S608 -- ours
    counts = dict(cursor.fetchall())  # type: ignore[attr-defined]
    counts["unchanged"] = run.total - sum(counts.values())
    run.counts = counts
    erased = mark_erased(run, cursor, now)
    run.known = {"erased": erased} if erased else {}
    known = judging.known_of(run)
    cursor.execute(f"SELECT known, count(*) FROM ({known}) AS k GROUP BY 1", {"now": now})  # type: ignore[attr-defined]  # noqa: S608 -- ours
    run.known |= dict(cursor.fetchall())  # type: ignore[attr-defined]


def _apply(run: ImportRun, held: Lease, clock: Clock, watch: Watch) -> ImportRun:
    with step(run, held, State.APPLYING) as run:
        if not staging.is_whole(run) or not staging.is_kept(run):
            run.state, run.pace_at = State.JUDGING, None  # which reads the file again, where that is lost too
            return run
        if run.cursor == 0:
            _tell_others(run)
            run.cursor = BEFORE_THE_FIRST
        run.pace_at, run.pace_from = clock(), run.done
    whole = size = settings.IMPORT_BATCH if run.quarantine else applying.BATCH
    while run.state == State.APPLYING:
        try:
            with step(run, held, State.APPLYING) as run:
                _apply_batch(run, size, clock)
        except (IntegrityError, OperationalError) as error:
            if size == 1 or not is_conflict(error):
                raise
            size = max(1, size // SMALLER)
            continue
        size = whole
        applying.tell_planner()
        watch(run)
    if run.state == State.DONE:
        applying.settle_search()
        runs.forget(run)
    return run


def _tell_others(run: ImportRun) -> None:
    """What became of the rows that are not written is known already."""
    if run.failed_rows:
        recall_cells(run)
    applying.write_other_outcomes(run)


def _apply_batch(run: ImportRun, size: int, clock: Clock) -> None:
    follow_renames(run)
    last, taken, written = applying.apply_batch(judging.judge_of(run), size)
    if not taken:
        _suppress_rest(run, clock)
        return
    if has_opt_outs(run):
        suppress_said(run, run.cursor, last, clock())
    run.cursor = last
    run.done = min(run.done + taken, run.writes)
    run.written = {key: run.written.get(key, 0) + written.get(key, 0) for key in {*run.written, *written}}
    if run.quarantine and run.done < run.writes:
        run.state = State.HELD


def _suppress_rest(run: ImportRun, clock: Clock) -> None:
    """Of the rows behind the last that was written, those whose address must not be written to, a step at a time."""
    last = next_said(run, run.cursor, applying.BATCH) if has_opt_outs(run) else None
    if last is not None:
        suppress_said(run, run.cursor, last, clock())
        run.cursor = last
        return
    if run.opt_outs:
        run.made = {**run.made, "suppressed": made_by(run)}
    run.state, run.finished_at = State.DONE, clock()


def _undo(run: ImportRun, held: Lease, clock: Clock, watch: Watch) -> ImportRun:
    while run.state == State.UNDOING:
        with step(run, held, State.UNDOING) as run:
            if run.pace_at is None:
                run.pace_at, run.pace_from = clock(), run.done
            if not undoing.undo_batch(run):
                undoing.take_back_names(run)
                run.state, run.finished_at = State.UNDONE, clock()
        watch(run)
    return run


Stage = Callable[[ImportRun, Lease, Clock, Watch], ImportRun]


def _stoppable(stage: Stage) -> Stage:
    """What another transaction got in the way of begins again where its last step ended: an erasure takes the stage
    away, or waits for the same rows in a circle."""

    def carried(run: ImportRun, held: Lease, clock: Clock, watch: Watch) -> ImportRun:
        try:
            return stage(run, held, clock, watch)
        except StoppedError:
            return ImportRun.objects.get(pk=run.pk)

    return retried(carried)


STAGES: dict[State, Stage] = {
    State.STAGING: _stoppable(_read),
    State.JUDGING: _stoppable(_judge),
    State.APPLYING: _stoppable(_apply),
    State.UNDOING: _stoppable(_undo),
}
