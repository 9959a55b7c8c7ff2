"""What the workers run for duplicates. Thin; may run twice or be killed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from contacts.duplicates import finding, runs


def find_duplicates(clock: Callable[[], datetime]) -> str:
    """The scheduled task: what it did, in a sentence."""
    return finding.search(clock)


def nothing_to_find() -> str:
    return "" if finding.has_news() else "Skipped: no contact changed since the last search."


def merge_job() -> None:
    """Carries the run that merges all certain pairs, or its undo, to its end."""
    runs.work(timezone.now)
