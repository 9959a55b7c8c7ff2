"""The tick: what waits in the database is started on the queue, and schedules that are due are begun.

In: the moment, from `manage.py scheduler`: when PostgreSQL says that there is work (`wake.py`), four times a second
while there is some, and every few seconds otherwise. Out: at most one queued job a kind. The queue only
says "there is work": when it is wiped, the next tick finds the same work and says it again. Two schedulers do no harm:
one holds the lease, jobs hold their own, and every job may run twice. Work of other applications: setting WAITING_WORK.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import django_rq
import structlog
from croniter import croniter
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string
from rq import Queue

from bounces import cleaning, jobs, lease, process, repair, schedule_runs
from bounces.lease import Lease
from bounces.models import Schedule
from bounces.tasks import TASKS

log = structlog.get_logger(__name__)

LEASE = "scheduler"
LEASE_LASTS = timedelta(seconds=5)
WAIT_AFTER_FAILURE = timedelta(hours=1)
# After a job failed, its queue is left alone so long: a full disk must not fill Redis with failures too.
PAUSE_AFTER_FAILURE = timedelta(seconds=15)
FAILURES_KEPT = 3600  # seconds


@cache
def queue(name: str) -> Queue:
    """Kept: making a queue object costs more than using it."""
    return django_rq.get_queue(name)


def tick(now: datetime) -> bool:
    """Starts what is due; whether anything is queued or under way. Raises what the database or the queue raise; the
    loop that calls it goes on."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        begin_schedules(now, held)
        start_waiting(now)
    except lease.LeaseLost:
        log.warning("scheduler_was_late")  # another one ticks
    finally:
        lease.release(held)
    return is_busy()


def is_busy() -> bool:
    """Whether a job waits or runs: what it leaves over is to be started as soon as it ends."""
    names = list(settings.RQ_QUEUES)
    with queue(names[0]).connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.llen(queue(name).key)
            pipe.zcard(queue(name).started_job_registry.key)
        return any(pipe.execute())


def start_waiting(now: datetime) -> None:
    if process.has_work(now) and lease.is_free(process.LEASE):
        enqueue("intake", jobs.run_flow_job)
    run = cleaning.unfinished()
    if run is not None and lease.is_free(cleaning.LEASE):
        enqueue("bulk", jobs.clean_job, run.pk)
    repairing = repair.unfinished()
    if repairing is not None and lease.is_free(repair.LEASE):
        enqueue("bulk", jobs.repair_job, repairing.pk)
    for start in schedule_runs.to_queue(now):
        if enqueue("bulk", jobs.scheduled_job, start.pk):
            schedule_runs.note_queued(start, now)
    for name, is_waiting, job in settings.WAITING_WORK:
        if import_string(is_waiting)(now):
            enqueue(name, import_string(job))


def enqueue(name: str, job: Callable[..., None], *args: int) -> bool:
    """Queues a job unless one waits already: a worker that is down finds one job, not thousands. Whether it did."""
    if queue(name).count or has_just_failed(name):
        return False
    queue(name).enqueue(job, *args, result_ttl=0, failure_ttl=FAILURES_KEPT)
    return True


def has_just_failed(name: str) -> bool:
    """Whether the queue's newest failure is only seconds old. A failure is kept for FAILURES_KEPT from its moment."""
    registry = queue(name).failed_job_registry
    newest = registry.connection.zrange(registry.key, -1, -1, withscores=True)
    if not newest:
        return False
    failed_at = newest[0][1] - FAILURES_KEPT
    return time.time() - failed_at < PAUSE_AFTER_FAILURE.total_seconds()


def begin_schedules(now: datetime, held: Lease) -> None:
    """Begins each schedule whose time has come, once, and works out the next time."""
    with transaction.atomic():
        lease.guard(held)
        due = Schedule.objects.select_for_update(skip_locked=True).filter(is_enabled=True)
        for schedule in due.exclude(next_run_at__gt=now):
            _begin(schedule, now)


def _begin(schedule: Schedule, now: datetime) -> None:
    """One schedule's turn. One that fails says so on its row, and keeps no other from its turn."""
    try:
        with transaction.atomic():
            if schedule.next_run_at is not None:
                _start(schedule, now)
            schedule.next_run_at = next_time(schedule.cron, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("schedule_failed", schedule=schedule.name)
        schedule.last_outcome = f"Failed: {type(error).__name__}: {error}"[:500]
        schedule.next_run_at = now + WAIT_AFTER_FAILURE
    schedule.save(update_fields=["last_run_at", "last_outcome", "next_run_at"])


def _start(schedule: Schedule, now: datetime) -> None:
    """Plans the start, which the next turn queues; what is quick or not needed is settled here."""
    task = TASKS[schedule.task]
    if skipped := task.skipped():
        schedule.last_run_at, schedule.last_outcome = now, skipped
        return
    run = schedule_runs.begin(schedule, now)
    if run is None:
        return  # the one before goes on
    schedule.last_run_at, schedule.last_outcome = now, "Waiting for the queue."
    if task.is_quick:
        schedule.last_outcome = task.work(lambda: now)
        schedule_runs.finish(run, schedule.last_outcome, now)


def next_time(cron: str, now: datetime) -> datetime:
    """The first moment after now (UTC) that the five fields name."""
    moment: datetime = croniter(cron, now).get_next(datetime)
    return moment
