"""What the worker of `bulk` runs for imports. Thin; may run twice or be killed anywhere."""

from __future__ import annotations

from django.utils import timezone

from bounces.schedule import FAILURES_KEPT, queue
from contacts.importing import runs
from contacts.importing.turns import QUEUE, work_in_turns


def import_job() -> None:
    """Carries on the imports that wait, in turns; previews that nobody confirmed are dropped.

    Where other work waits for the same worker, it comes in between: the job queues itself behind it.
    """
    for run in runs.forgotten(timezone.now()):
        runs.cancel(run, "the clock: nobody confirmed it for a day", timezone.now())
    if work_in_turns(timezone.now, lambda: queue(QUEUE).count > 0):
        queue(QUEUE).enqueue(import_job, result_ttl=0, failure_ttl=FAILURES_KEPT)
