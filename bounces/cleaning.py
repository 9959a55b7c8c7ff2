"""Cleaning runs: many addresses judged by the policy, previewed, applied, reported.

In: who asked, and which addresses (all, or those that the caller chose). Out: a CleaningRun whose rows are the preview
and the report. Evaluation goes through the addresses in order, a chunk a transaction, and remembers how far it came;
applying locks each row's address, judges it again, and leaves it out where news have come since. Killed anywhere, the
run goes on from there: the state is in the database, guarded by a lease.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count, QuerySet

from bounces import lease, policy
from bounces.lease import Lease
from bounces.models import Address, CleaningRow, CleaningRun, Policy

Clock = Callable[[], datetime]
State = CleaningRun.State

LEASE = "cleaning"
LEASE_LASTS = timedelta(seconds=30)
EVALUATE_CHUNK = 20_000
APPLY_CHUNK = 1_000
START_LOCK = 7_102_001  # the advisory lock that lets one run start at a time


class AlreadyRunning(Exception):
    """Another run is going on: its number is in `run`."""

    def __init__(self, run: CleaningRun) -> None:
        super().__init__(f"Cleaning run {run.pk} is still going on. Wait for it, or cancel it.")
        self.run = run


class NotReady(Exception):
    """Only a run whose preview is ready can be applied."""


def start_run(
    *,
    via: str,
    now: datetime,
    by: Any = None,
    dry_run: bool = False,
    addresses: QuerySet[Address] | None = None,
    label: str = "All addresses",
) -> CleaningRun:
    """Queues a run; the scheduler's next tick starts its job. Raises AlreadyRunning."""
    with transaction.atomic():
        _one_at_a_time()
        run = CleaningRun.objects.create(
            via=via,
            dry_run=dry_run,
            scope="all" if addresses is None else "chosen",
            scope_label=label,
            policy=Policy.active(),
            started_by=by,
            created_at=now,
        )
        run.total = _choose_targets(run, addresses)
        run.save(update_fields=["total"])
    return run


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [START_LOCK])
    running = CleaningRun.objects.filter(state__in=CleaningRun.RUNNING).first()
    if running:
        raise AlreadyRunning(running)


def _choose_targets(run: CleaningRun, addresses: QuerySet[Address] | None) -> int:
    if addresses is None:
        return Address.objects.count()
    try:
        sql, params = addresses.order_by().values("pk").distinct().query.sql_with_params()
    except EmptyResultSet:  # Django knows by itself that nothing fits
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO bounces_cleaningtarget (run_id, address_id) SELECT %s, chosen.id FROM ({sql}) AS chosen(id)",  # noqa: S608  (the text is Django's own, its values are parameters)
            [run.pk, *params],
        )
        return int(cursor.rowcount)


def apply_run(run: CleaningRun, by: Any) -> None:
    """Lets a previewed run be applied. Raises NotReady, AlreadyRunning."""
    with transaction.atomic():
        _one_at_a_time()
        changed = CleaningRun.objects.filter(pk=run.pk, state=State.READY).update(
            state=State.APPLYING, dry_run=False, started_by=by, finished_at=None
        )
    if not changed:
        raise NotReady("Only a run whose preview is ready can be applied.")
    run.refresh_from_db()


def cancel_run(run: CleaningRun, by: Any, now: datetime) -> bool:
    """Stops a run; what it has applied stays, and its report says so. False when it had ended already."""
    changed = CleaningRun.objects.filter(pk=run.pk, state__in=[*CleaningRun.RUNNING, State.READY]).update(
        state=State.CANCELLED, finished_at=now, error=f"Cancelled by {by}."
    )
    run.refresh_from_db()
    return bool(changed)


def unfinished() -> CleaningRun | None:
    """The run that waits for a worker, or was left by one."""
    return CleaningRun.objects.filter(state__in=CleaningRun.RUNNING).order_by("pk").first()


def work(run_id: int, clock: Clock, watch: Callable[[CleaningRun], None] | None = None) -> bool:
    """Carries a run to its end, or until somebody cancels; `watch` sees it after each step.

    May run twice. False when another process works at it.
    """
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        is_running = True
        while is_running:
            run = step(run_id, held, clock())
            is_running = run.is_running
            if watch:
                watch(run)
            lease.renew(held)
    except lease.LeaseLost:
        raise
    except Exception as error:
        CleaningRun.objects.filter(pk=run_id).update(
            state=State.FAILED, error=f"{type(error).__name__}: {error}"[:2000], finished_at=clock()
        )
        raise
    finally:
        lease.release(held)
    return True


def step(run_id: int, held: Lease, now: datetime) -> CleaningRun:
    """One transaction of a run; returns how it stands then."""
    with transaction.atomic():
        lease.guard(held)
        run = CleaningRun.objects.select_for_update(no_key=True).select_related("policy").get(pk=run_id)
        steps = {State.QUEUED: _begin, State.EVALUATING: _evaluate_chunk, State.APPLYING: _apply_chunk}
        if run.state in steps:
            steps[State(run.state)](run, now)
            run.save()
    return run


def _begin(run: CleaningRun, now: datetime) -> None:
    run.state, run.started_at, run.as_of = State.EVALUATING, now, now
    run.policy = Policy.active()


# The chunk's addresses: of all, or of those that were chosen.
NEXT_OF_ALL = "SELECT id FROM bounces_address WHERE id > %s ORDER BY id LIMIT %s"
NEXT_OF_CHOSEN = """
SELECT address_id FROM bounces_cleaningtarget WHERE run_id = %s AND address_id > %s ORDER BY address_id LIMIT %s
"""
FILL_ROWS = """
INSERT INTO bounces_cleaningrow (run_id, address_id, from_status, to_status, rule, evidence, reevaluate_at, outcome)
SELECT %(run)s, address_id, from_status, to_status, rule, evidence, reevaluate_at, 'pending'
FROM ({evaluation}) AS transition WHERE moves
ON CONFLICT (run_id, address_id) DO NOTHING
"""


def _evaluate_chunk(run: CleaningRun, now: datetime) -> None:
    with connection.cursor() as cursor:
        if run.scope == "all":
            cursor.execute(NEXT_OF_ALL, [run.cursor, EVALUATE_CHUNK])
        else:
            cursor.execute(NEXT_OF_CHOSEN, [run.pk, run.cursor, EVALUATE_CHUNK])
        ids = [row[0] for row in cursor.fetchall()]
        if ids:
            cursor.execute(
                FILL_ROWS.format(evaluation=policy.evaluation(policy.GIVEN_IDS)),
                {"run": run.pk, "ids": ids, "as_of": run.as_of, **run.policy.numbers},
            )
            run.changes += cursor.rowcount
            run.cursor = ids[-1]
            run.evaluated += len(ids)
    if len(ids) < EVALUATE_CHUNK:
        run.total = run.evaluated
        _end_evaluation(run, now)


def _end_evaluation(run: CleaningRun, now: datetime) -> None:
    if run.dry_run:
        run.state, run.finished_at = State.READY, now
    elif run.changes:
        run.state = State.APPLYING
    else:
        run.state, run.finished_at = State.DONE, now


def _apply_chunk(run: CleaningRun, now: datetime) -> None:
    """Applies the next rows whose address still judges as the preview said; the others had news, and are left out."""
    rows = list(run.rows.filter(outcome=CleaningRow.Outcome.PENDING).order_by("pk")[:APPLY_CHUNK])
    ids = [row.address_id for row in rows]
    policy.lock_addresses(ids)
    fresh = {t.address_id: t for t in policy.evaluate(ids, run.policy, now)}
    same = [row for row in rows if _still_holds(row, fresh)]
    moved = policy.apply(
        [fresh[row.address_id] for row in same], run.policy, now, run_id=run.pk, actor_id=run.started_by_id
    )
    applied = {row.pk for row in same}
    CleaningRow.objects.filter(pk__in=applied).update(outcome=CleaningRow.Outcome.APPLIED)
    left_out = [row.pk for row in rows if row.pk not in applied]
    CleaningRow.objects.filter(pk__in=left_out).update(outcome=CleaningRow.Outcome.LEFT_OUT)
    run.applied += moved
    run.left_out += len(left_out)
    if len(rows) < APPLY_CHUNK:
        run.state, run.finished_at = State.DONE, now


def _still_holds(row: CleaningRow, fresh: dict[int, policy.Transition]) -> bool:
    transition = fresh.get(row.address_id)
    return transition is not None and (transition.to_status, transition.rule) == (row.to_status, row.rule)


def transitions_of(run: CleaningRun) -> QuerySet[CleaningRow, Any]:
    """How many rows of a run go from which status to which, by which rule."""
    return (
        run.rows.values("from_status", "to_status", "rule")
        .annotate(addresses=Count("pk"))
        .order_by("-addresses", "rule")
    )
