"""What the workers run. Thin: each job is one call into the domain, takes ids, and may run twice or be killed anywhere.

In: RQ, started by `bounces/schedule.py`. Out: nothing; the truth is in the database. Queue `intake`: `run_flow_job`;
queue `bulk`: `clean_job`, `repair_job`, `scheduled_job`.
"""

from __future__ import annotations

from django.utils import timezone

from bounces import cleaning, process, repair, schedule_runs
from bounces.conflicts import retried
from bounces.tasks import TASKS


@retried
def run_flow_job() -> None:
    """Inbox, news and announcements until nothing waits. An erasure that got in its way costs it no pause."""
    process.run_flow(timezone.now)


def clean_job(run_id: int) -> None:
    """Carries a cleaning run to its end."""
    cleaning.work(run_id, timezone.now)


def repair_job(repair_id: int) -> None:
    """Carries a repair, or its undo, to its end."""
    repair.work(repair_id, timezone.now)


def scheduled_job(run_id: int) -> None:
    """Carries one start of a schedule to its end."""
    schedule_runs.work(run_id, lambda task: TASKS[task].work, timezone.now)
