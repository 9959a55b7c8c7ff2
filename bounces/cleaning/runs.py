"""What people do with a run: start it, apply its preview, pause, resume and cancel it.

In: a scope, a person. Out: the run's state, which the job (`working.py`) goes by. One run goes on at a time; what-ifs,
which change nothing, wait behind it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count, F, QuerySet

from bounces.models import Address, CleaningRow, CleaningRun, Policy
from bounces.rejudging.working import is_outdated

State = CleaningRun.State

START_LOCK = 7_102_001  # the advisory lock that lets one run start at a time


LOST_VERDICTS = "The verdicts of this run are gone, and it cannot go on. Start the re-classification again."


class AlreadyRunning(Exception):
    """Another run is going on: its number is in `run`."""

    def __init__(self, run: CleaningRun) -> None:
        super().__init__(f"Cleaning run {run.pk} is still going on. Wait for it, or cancel it.")
        self.run = run


class NotReady(Exception):
    """The run is not in a state in which that can be done; the message says so to people."""


def start_run(
    *,
    via: str,
    now: datetime,
    by: Any = None,
    dry_run: bool = False,
    addresses: QuerySet[Address] | None = None,
    label: str = "All addresses",
    policy: Policy | None = None,
) -> CleaningRun:
    """Queues a run; the scheduler's next tick starts its job. Raises AlreadyRunning.

    With a `policy` that is not in force it is a what-if (`what_if.py`): a preview that can never be applied.
    """
    with transaction.atomic():
        if policy is None:
            one_at_a_time()
        run = CleaningRun.objects.create(
            via=via,
            dry_run=dry_run or policy is not None,
            what_if=policy is not None,
            scope="all" if addresses is None else "chosen",
            scope_label=label,
            policy=policy or Policy.active(),
            started_by=by,
            created_at=now,
        )
        run.total = _choose_targets(run, addresses)
        run.save(update_fields=["total"])
    return run


def one_at_a_time() -> None:
    """Lets nobody else start until the transaction ends. Raises AlreadyRunning. What-ifs stand in nobody's way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [START_LOCK])
    running = CleaningRun.objects.filter(state__in=CleaningRun.RUNNING, what_if=False).first()
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


def hand_over(run: CleaningRun, now: datetime) -> None:
    """Ends a run whose policy is in force no more; another over the same addresses goes on by the one that is.

    In the transaction of a step: whoever starts a run at the same time sees one of the two going on.
    """
    active = Policy.active()
    follower = CleaningRun.objects.create(
        via=run.via,
        dry_run=run.dry_run,
        scope=run.scope,
        scope_label=run.scope_label,
        policy=active,
        started_by=run.started_by,
        total=run.total,
        created_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bounces_cleaningtarget (run_id, address_id)"
            " SELECT %s, address_id FROM bounces_cleaningtarget WHERE run_id = %s",
            [follower.pk, run.pk],
        )
    run.state, run.finished_at, run.goes_on_as = State.CANCELLED, now, follower
    run.error = f"Policy version {active.version} came into force: run {follower.pk} goes on by it."


def apply_run(run: CleaningRun, by: Any) -> None:
    """Lets a previewed run be applied. Raises NotReady, AlreadyRunning."""
    if run.what_if:
        raise NotReady("A what-if is never applied: make its numbers the policy, and a run follows.")
    with transaction.atomic():
        one_at_a_time()
        active = Policy.active()
        if run.state == State.READY and run.policy_id != active.pk:
            raise NotReady(
                f"The policy has changed since this preview: version {active.version} is in force. Start anew."
            )
        if run.has_lost_verdicts:
            raise NotReady(LOST_VERDICTS)
        if run.state == State.READY and run.rejudges and is_outdated(run):
            raise NotReady("The rules have changed since this preview: judge the bounces again by those in force.")
        changed = CleaningRun.objects.filter(pk=run.pk, state=State.READY).update(
            state=State.APPLYING, dry_run=False, started_by=by, finished_at=None
        )
    if not changed:
        raise NotReady(f"Only a preview can be applied; this run is “{run.get_state_display()}”.")
    run.refresh_from_db()


def pause_run(run: CleaningRun) -> bool:
    """Stops a run after its present step until somebody resumes it. False when it is not one that can be paused."""
    changed = CleaningRun.objects.filter(pk=run.pk, state__in=CleaningRun.PAUSABLE).update(
        returns_to=F("state"), state=State.PAUSED
    )
    run.refresh_from_db()
    return bool(changed)


def resume_run(run: CleaningRun) -> None:
    """Lets a paused run go on where it stopped. Raises NotReady, AlreadyRunning."""
    with transaction.atomic():
        if not run.what_if:
            one_at_a_time()
        changed = CleaningRun.objects.filter(pk=run.pk, state=State.PAUSED).update(
            state=F("returns_to"), returns_to="", pace_at=None
        )
    if not changed:
        raise NotReady("Only a paused run can be resumed.")
    run.refresh_from_db()


def cancel_run(run: CleaningRun, by: Any, now: datetime) -> bool:
    """Stops a run; what it has applied stays, and its report says so. False when it had ended already."""
    changed = CleaningRun.objects.filter(pk=run.pk, state__in=[*CleaningRun.RUNNING, State.READY, State.PAUSED]).update(
        state=State.CANCELLED, finished_at=now, error=f"Cancelled by {by}.", returns_to=""
    )
    run.refresh_from_db()
    return bool(changed)


def unfinished() -> CleaningRun | None:
    """The run that waits for a worker, or was left by one; what-ifs come after what is meant."""
    return CleaningRun.objects.filter(state__in=CleaningRun.RUNNING).order_by("what_if", "pk").first()


def transitions_of(run: CleaningRun) -> QuerySet[CleaningRow, Any]:
    """How many rows of a run go from which status to which, by which rule."""
    return (
        run.rows.values("from_status", "to_status", "rule")
        .annotate(addresses=Count("pk"))
        .order_by("-addresses", "rule")
    )
