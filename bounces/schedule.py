"""The tick: what waits in the database is started on the queue, and schedules that are due are begun.

In: the moment, four times a second, from `manage.py scheduler`. Out: at most one queued job a kind. The queue only
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

from bounces import cleaning, jobs, lease, process, repair
from bounces.intake import mailboxes
from bounces.lease import Lease
from bounces.models import Schedule

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


def tick(now: datetime) -> None:
    """Starts what is due. Raises what the database or the queue raise; the loop that calls it goes on."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return
    try:
        start_waiting(now)
        begin_schedules(now, held)
    except lease.LeaseLost:
        log.warning("scheduler_was_late")  # another one ticks
    finally:
        lease.release(held)


def start_waiting(now: datetime) -> None:
    if process.has_work(now) and lease.is_free(process.LEASE):
        enqueue("intake", jobs.run_flow_job)
    run = cleaning.unfinished()
    if run is not None and lease.is_free(cleaning.LEASE):
        enqueue("bulk", jobs.clean_job, run.pk)
    repairing = repair.unfinished()
    if repairing is not None and lease.is_free(repair.LEASE):
        enqueue("bulk", jobs.repair_job, repairing.pk)
    for name, is_waiting, job in settings.WAITING_WORK:
        if import_string(is_waiting)(now):
            enqueue(name, import_string(job))


def enqueue(name: str, job: Callable[..., None], *args: int) -> None:
    """Queues a job unless one waits already. A worker that is down finds one job, not thousands."""
    if queue(name).count == 0 and not has_just_failed(name):
        queue(name).enqueue(job, *args, result_ttl=0, failure_ttl=FAILURES_KEPT)


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
                schedule.last_run_at = now
                schedule.last_outcome = TASKS[schedule.task](now)
            schedule.next_run_at = next_time(schedule.cron, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("schedule_failed", schedule=schedule.name)
        schedule.last_outcome = f"Failed: {type(error).__name__}: {error}"[:500]
        schedule.next_run_at = now + WAIT_AFTER_FAILURE
    schedule.save(update_fields=["last_run_at", "last_outcome", "next_run_at"])


def next_time(cron: str, now: datetime) -> datetime:
    """The first moment after now (UTC) that the five fields name."""
    moment: datetime = croniter(cron, now).get_next(datetime)
    return moment


def clean_all(now: datetime) -> str:
    """Begins a cleaning run over all addresses."""
    try:
        run = cleaning.start_run(via="schedule", now=now)
    except cleaning.AlreadyRunning as error:
        return f"Left out: {error}"
    return f"Began cleaning run {run.pk}."


def learn_providers(now: datetime) -> str:  # noqa: ARG001 -- every task is given the moment
    """Begins looking up who receives for the domains that bounced lately; a busy queue leaves it to the next time."""
    enqueue("bulk", jobs.learn_providers_job)
    return "Began looking up mail servers."


def forget_what_ifs(now: datetime) -> str:  # noqa: ARG001 -- every task is given the moment
    """Begins deleting old what-ifs; a busy queue leaves it to the next time."""
    enqueue("bulk", jobs.forget_what_ifs_job)
    return "Began forgetting old what-ifs."


def read_mailboxes(now: datetime) -> str:  # noqa: ARG001 -- every task is given the moment
    """Begins a turn of reading the mailboxes; those that `manage.py intake imap` watches are left to it."""
    if not mailboxes.sources():
        return "No source is a mailbox."
    enqueue("bulk", jobs.read_mailboxes_job)
    return "Began reading the mailboxes."


def prune_inbox(now: datetime) -> str:  # noqa: ARG001 -- every task is given the moment
    """Begins taking away what is done; a busy queue leaves it to the next time."""
    enqueue("bulk", jobs.prune_inbox_job)
    return "Began pruning the inbox."


TASKS: dict[str, Callable[[datetime], str]] = {
    "clean_all": clean_all,
    "learn_providers": learn_providers,
    "forget_what_ifs": forget_what_ifs,
    "read_mailboxes": read_mailboxes,
    "prune_inbox": prune_inbox,
}
