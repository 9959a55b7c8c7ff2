"""Entry points of the worker for duplicates. Idempotent, and safe to kill at any point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from contacts.duplicates import finding, runs


def find_duplicates(clock: Callable[[], datetime]) -> str:
    """Run the scheduled search. Returns a one-sentence summary."""
    return finding.search(clock)


def nothing_to_find() -> str:
    return "" if finding.has_news() else "Skipped: no contact changed since the last search."


def merge_job() -> None:
    """Finish the run that merges all certain pairs, or its undo."""
    runs.work(timezone.now)
