"""What the worker of the queue `bulk` runs for exports. May run twice, and be killed anywhere."""

from __future__ import annotations

from django.utils import timezone

from contacts.exporting import runs


def export_job() -> None:
    runs.work(timezone.now)
