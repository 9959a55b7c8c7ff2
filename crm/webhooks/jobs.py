"""What the worker of queue `notify` runs. May run twice and be killed anywhere: see `sending.py`."""

from __future__ import annotations

from django.utils import timezone

from crm.webhooks.sending import send_due

PATIENCE = 30.0  # seconds; with a request's deadline below the queue's timeout


def send_webhooks_job() -> None:
    """Sends what is due, for a while: the next tick begins again."""
    send_due(timezone.now, PATIENCE)
