"""What the worker of the queue `bulk` runs for the pages about contacts. May run twice, and be killed anywhere."""

from __future__ import annotations

from django.utils import timezone

from contacts import sources


def count_sources_job() -> None:
    sources.work(timezone.now)
