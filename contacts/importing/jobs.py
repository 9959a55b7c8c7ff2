"""What the worker of `bulk` runs for imports. Thin; may run twice or be killed anywhere."""

from __future__ import annotations

from django.utils import timezone

from contacts.importing import runs, working


def import_job() -> None:
    """Carries on the imports that wait, the oldest first; previews that nobody confirmed are dropped."""
    for run in runs.forgotten(timezone.now()):
        runs.cancel(run, "the clock: nobody confirmed it for a day", timezone.now())
    while (run := runs.unfinished()) is not None:
        if not working.work(run.pk, timezone.now):
            return
