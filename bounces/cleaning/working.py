"""The job of a run: one step after another, a transaction each, until it ends or somebody stops it.

In: a run's id, a clock. Out: its rows (the preview and the report), and the statuses. Evaluation goes through the
addresses in order and remembers how far it came. A run in earnest writes what it judges in the same step
(`at_once.py`). Applying a preview locks each row's address, judges it again, and leaves it out where news have come
since. One policy judges a run from its beginning to its end. Stage: evaluate.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from bounces import lease, policy
from bounces.cleaning import stride
from bounces.cleaning.at_once import judge_and_write
from bounces.cleaning.runs import LOST_VERDICTS, hand_over
from bounces.cleaning.undo import undo_chunk
from bounces.conflicts import retried
from bounces.evaluation import AS_RECORDED, BETWEEN_IDS, GIVEN_IDS, IS_OUTDATED_IN_FIGURES, evaluation
from bounces.lease import Lease
from bounces.models import CleaningRun, Policy
from bounces.rejudging import working as rejudging

Clock = Callable[[], datetime]
State = CleaningRun.State

LEASE = "cleaning"
LEASE_LASTS = timedelta(seconds=30)
EVALUATE_CHUNK = 20_000
APPLY_CHUNK = stride.MOST
SPARSE = 2  # addresses of a range for each that moves, from which on they are named one by one


def work(run_id: int, clock: Clock, watch: Callable[[CleaningRun], None] | None = None) -> bool:
    """Carries a run to its end, or until somebody pauses or cancels it; `watch` sees it after each step.

    A what-if gives way to a run that is meant, and goes on after it. May run twice. False when another process works at
    it. Where the database goes away the run stays as it is, and the next worker goes on.
    """
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        is_running, size = True, stride.FIRST
        while is_running:
            started = time.monotonic()
            run = step(run_id, held, clock(), size)
            if run.state in HOLDING or run.writes_at_once:
                is_cheap = run.state != State.UNDOING and not run.rejudges
                least = stride.LEAST_OF_CHEAP if is_cheap else stride.LEAST
                most = EVALUATE_CHUNK if run.state == State.EVALUATING else stride.MOST
                size = stride.next_size(size, time.monotonic() - started, least, most)
            is_running = run.is_running and not _gives_way(run)
            if watch:
                watch(run)
    except lease.PUT_OUT:
        raise
    except Exception as error:
        CleaningRun.objects.filter(pk=run_id).update(
            state=State.FAILED, error=f"{type(error).__name__}: {error}"[:2000], finished_at=clock()
        )
        raise
    finally:
        lease.release(held)
    return True


def _gives_way(run: CleaningRun) -> bool:
    return run.what_if and CleaningRun.objects.filter(state__in=CleaningRun.RUNNING, what_if=False).exists()


@retried
def step(run_id: int, held: Lease, now: datetime, size: int = stride.FIRST) -> CleaningRun:
    """One transaction of a run, which writes `size` rows at most; returns how it stands then."""
    with transaction.atomic():
        _make_room()
        lease.extend(held)
        run = CleaningRun.objects.select_for_update(no_key=True, of=("self",)).select_related("policy").get(pk=run_id)
        if _is_outlived(run):
            hand_over(run, now)
            run.save()
        elif run.is_running and run.has_lost_verdicts:
            run.state, run.error, run.finished_at = State.FAILED, LOST_VERDICTS, now
            run.save()
        elif run.state in STEPS:
            if run.pace_at is None:
                run.pace_at, run.pace_from = now, run.progress[0]
            STEPS[State(run.state)](run, now, size)
            run.save()
    return run


def _is_outlived(run: CleaningRun) -> bool:
    """Whether another policy has come into force since it began. One that judges bounces again goes by what is now."""
    is_bound = run.state in (State.EVALUATING, State.APPLYING) and not (run.what_if or run.rejudges)
    return is_bound and not run.policy.is_active


def _make_room() -> None:
    """For this transaction: a chunk is sorted in memory, and is too short to be worth a compilation.

    Nor is the disk waited for while its addresses are held. Should the machine lose its power, the last steps are lost,
    whole and in order, and what announced them with them; the run goes on from the one before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true),"
            " set_config('synchronous_commit', 'off', true)"
        )


def _begin(run: CleaningRun, now: datetime, _: int) -> None:
    run.state, run.started_at, run.as_of, run.pace_at = State.EVALUATING, now, now, None
    if not run.what_if:
        run.policy = Policy.active()


# The chunk's addresses: of all, how far it goes and how many they are; of those that were chosen, each.
NEXT_OF_ALL = """
SELECT max(id), count(*) FROM (SELECT id FROM bounces_address WHERE id > %s ORDER BY id LIMIT %s) AS next
"""
NEXT_OF_CHOSEN = """
SELECT address_id FROM bounces_cleaningtarget WHERE run_id = %s AND address_id > %s ORDER BY address_id LIMIT %s
"""
# Rows for what moves: a preview. No row is there yet: a chunk is taken once, as the cursor is written with it.
FILL_ROWS = """
INSERT INTO bounces_cleaningrow (run_id, address_id, from_status, to_status, rule, evidence, reevaluate_at, outcome)
SELECT %(run)s, address_id, from_status, to_status, rule, evidence, reevaluate_at, 'pending'
FROM (
    {evaluation}
) AS transition
WHERE moves ORDER BY address_id
"""


def _evaluate_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    if run.rejudges and not run.rejudging.is_judged:
        if rejudging.judge_chunk(run):
            run.pace_at = None
        return
    if run.writes_at_once:
        _judge_and_write_chunk(run, now, min(size, EVALUATE_CHUNK))
        return
    bounces = rejudging.AS_REJUDGED if run.rejudges else AS_RECORDED
    target, given, upto, number = _next_chunk(run, EVALUATE_CHUNK)
    if number:
        with connection.cursor() as cursor:
            cursor.execute(
                FILL_ROWS.format(evaluation=evaluation(target, bounces, IS_OUTDATED_IN_FIGURES)),
                {"run": run.pk, "as_of": run.as_of, **given, **run.policy.numbers},
            )
            run.changes += cursor.rowcount
        run.cursor = upto
        run.evaluated += number
    if number < EVALUATE_CHUNK:
        run.total = run.evaluated
        run.before = _statuses_of(run)
        _end_evaluation(run, now)


def _judge_and_write_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    target, given, upto, number = _next_chunk(run, size)
    if number:
        done = judge_and_write(run, target, given, upto, now)
        run.cursor = done.upto
        run.evaluated += sum(done.before.values())
        run.before = dict(Counter(run.before) + Counter(done.before))
        run.changes += done.applied + done.left_out
        run.applied += done.applied
        run.left_out += done.left_out
    if number < size and (not number or run.cursor >= upto):
        run.total = run.evaluated
        _end_evaluation(run, now)


def _next_chunk(run: CleaningRun, size: int) -> tuple[str, dict[str, Any], int, int]:
    """The next addresses as the evaluation wants them named, the last of them, and how many they are."""
    with connection.cursor() as cursor:
        if run.scope == "all":
            cursor.execute(NEXT_OF_ALL, [run.cursor, size])
            upto, number = cursor.fetchone()
            return BETWEEN_IDS, {"after": run.cursor, "upto": upto}, upto, number
        cursor.execute(NEXT_OF_CHOSEN, [run.pk, run.cursor, size])
        ids = [row[0] for row in cursor.fetchall()]
        return GIVEN_IDS, {"ids": ids}, ids[-1] if ids else 0, len(ids)


def _statuses_of(run: CleaningRun) -> dict[str, int]:
    """How many of the addresses that were judged have which status, before anything is applied."""
    chosen = "JOIN bounces_cleaningtarget t ON t.address_id = a.id AND t.run_id = %(run)s" if run.scope != "all" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.status, count(*) FROM bounces_address a {chosen} WHERE a.id <= %(last)s GROUP BY a.status",  # noqa: S608  (one of two constants)
            {"run": run.pk, "last": run.cursor},
        )
        return dict(cursor.fetchall())


def _end_evaluation(run: CleaningRun, now: datetime) -> None:
    run.pace_at, run.cursor = None, 0
    if run.dry_run:
        run.state, run.finished_at = State.READY, now
    elif run.changes > run.applied + run.left_out or (run.rejudges and run.rejudging.written):
        run.state = State.APPLYING
    else:
        run.state, run.finished_at = State.DONE, now


# The next rows, in the order of their addresses; as arrays, which go back to PostgreSQL unread. The two columns are
# compared as one index has them: no statistics are known of rows that have just been written.
NEXT_ROWS = """
SELECT count(*), min(address_id), max(address_id), array_agg(id)::text, array_agg(address_id)::text
FROM (
    SELECT id, address_id FROM bounces_cleaningrow
    WHERE (run_id, address_id) > (%(run)s, %(after)s) AND run_id <= %(run)s AND outcome = 'pending'
    ORDER BY run_id, address_id LIMIT %(limit)s
) AS next
"""
LOCK = """
SELECT count(*) FROM (
    SELECT FROM bounces_address WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE
) AS locked
"""
# What the policy says now, where the preview said the same; what explains it is the preview's.
STILL_HOLDS = """
    SELECT now.address_id, now.from_status, now.to_status, now.rule, preview.evidence, now.reevaluate_at, now.moves,
           now.kept
    FROM (
        {evaluation}
    ) AS now
    JOIN bounces_cleaningrow preview USING (address_id, to_status, rule)
    WHERE preview.id = ANY(%(rows)s::bigint[])
"""
TELL_OUTCOMES = """
UPDATE bounces_cleaningrow
SET outcome = CASE WHEN address_id = ANY(%(written)s::bigint[]) THEN 'applied' ELSE 'left_out' END
WHERE id = ANY(%(rows)s::bigint[])
"""


def _apply_chunk(run: CleaningRun, now: datetime, size: int) -> None:
    """Applies the next rows whose address still judges as the preview said; the others had news, and are left out."""
    if run.rejudges:
        rejudging.apply_chunk(run, now, size)
        return
    with connection.cursor() as cursor:
        cursor.execute(NEXT_ROWS, {"run": run.pk, "after": run.cursor, "limit": min(size, APPLY_CHUNK)})
        number, first, upto, rows, ids = cursor.fetchone()
        if not number and not run.cursor:
            run.state, run.finished_at = State.DONE, now
        run.cursor = upto or 0  # at the end once more from the start: it may have been another stage's
        if not number:
            return
        cursor.execute(LOCK, {"ids": ids})
        # A range is planned in a third of the time that a list takes; where most of its addresses move, it is as good.
        target = BETWEEN_IDS if upto - first < SPARSE * number else GIVEN_IDS
        written = policy.write(
            STILL_HOLDS.format(evaluation=evaluation(target, is_outdated=IS_OUTDATED_IN_FIGURES)),
            {"rows": rows, "ids": ids, "after": first - 1, "upto": upto, "as_of": now, **run.policy.numbers},
            run.policy,
            now,
            run_id=run.pk,
            actor_id=run.started_by_id,
        )
        cursor.execute(TELL_OUTCOMES, {"written": written.address_ids, "rows": rows})
        run.applied += written.moves
        run.left_out += number - written.addresses


HOLDING = (State.APPLYING, State.UNDOING)  # the stages whose steps hold addresses
STEPS: dict[CleaningRun.State, Callable[[CleaningRun, datetime, int], None]] = {
    State.QUEUED: _begin,
    State.EVALUATING: _evaluate_chunk,
    State.APPLYING: _apply_chunk,
    State.UNDOING: undo_chunk,
}
