"""What became of each start of a schedule: due, waiting for a worker, running, finished or failed.

In: schedules that are due, what their job says. Out: a ScheduleRun row a start, and its words on the schedule. What the
page shows comes from the job's own start and end, never from the wish to begin it. A start that the queue dropped is
queued again a minute later; one whose process was killed, as soon as its lease has run out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F

from bounces import lease
from bounces.models import Schedule, ScheduleRun

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
LEASE_LASTS = timedelta(seconds=45)
TRIED_AGAIN_AFTER = timedelta(minutes=1)
MOST_TRIES = 5
KEPT = 500  # runs of one schedule


def lease_name(schedule_id: int) -> str:
    return f"schedule {schedule_id}"


def begin(schedule: Schedule, now: datetime) -> ScheduleRun | None:
    """Plans a start. None where the one before goes on: it does the same work."""
    if ScheduleRun.objects.filter(schedule=schedule, finished_at__isnull=True).exists():
        return None
    return ScheduleRun.objects.create(schedule=schedule, task=schedule.task, due_at=now)


def to_queue(now: datetime) -> list[ScheduleRun]:
    """Those that no worker has begun, or whose worker is gone, and that were not queued within the last minute."""
    unfinished = ScheduleRun.objects.filter(finished_at__isnull=True).order_by("due_at", "pk")
    waiting = [run for run in unfinished if run.queued_at is None or run.queued_at <= now - TRIED_AGAIN_AFTER]
    return [run for run in waiting if lease.is_free(lease_name(run.schedule_id))]


def note_queued(run: ScheduleRun, now: datetime) -> None:
    ScheduleRun.objects.filter(pk=run.pk).update(queued_at=now)
    if run.started_at is None:
        _say(run, f"Waiting for a worker since {run.due_at:%H:%M} UTC.")
    else:
        _say(run, f"Stopped before it finished; queued again at {now:%H:%M} UTC.")


def work(run_id: int, work_of: Callable[[str], Callable[[Clock], str]], clock: Clock) -> None:
    """Carries one start to its end. May run twice; does nothing where another process is at it, or it is finished."""
    run = ScheduleRun.objects.select_related("schedule").filter(pk=run_id).first()
    if run is None:
        return
    with lease.kept(lease_name(run.schedule_id), LEASE_LASTS) as held:
        if held is None or not _start(run, clock()):
            return
        if run.tries > MOST_TRIES:
            finish(run, f"Failed: it stopped {MOST_TRIES} times before it finished.", clock(), failed=True)
            return
        try:
            outcome = work_of(run.task)(clock)
        except lease.PUT_OUT:
            raise  # its row stays unfinished, and is queued again
        except Exception as error:
            log.exception("scheduled_task_failed", schedule=run.schedule.name)
            finish(run, f"Failed: {type(error).__name__}: {error}"[:500], clock(), failed=True)
        else:
            finish(run, outcome, clock())


def _start(run: ScheduleRun, now: datetime) -> bool:
    """False: it has been finished meanwhile."""
    waiting = ScheduleRun.objects.filter(pk=run.pk, finished_at__isnull=True)
    if not waiting.update(started_at=now, tries=F("tries") + 1):
        return False
    run.refresh_from_db()
    _say(run, f"Running since {now:%H:%M} UTC.")
    return True


def finish(run: ScheduleRun, outcome: str, now: datetime, *, failed: bool = False) -> None:
    with transaction.atomic():
        run.started_at = run.started_at or now
        run.finished_at, run.outcome, run.failed = now, outcome, failed
        run.save(update_fields=["started_at", "finished_at", "outcome", "failed"])
        _say(run, outcome)


def _say(run: ScheduleRun, words: str) -> None:
    Schedule.objects.filter(pk=run.schedule_id).update(last_outcome=words)


def prune() -> int:
    """Forgets all but the newest of each schedule. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM bounces_schedulerun WHERE finished_at IS NOT NULL AND id IN (
                SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY schedule_id ORDER BY id DESC) AS place
                                FROM bounces_schedulerun) ranked WHERE place > %s)
            """,
            [KEPT],
        )
        return int(cursor.rowcount)
