"""What the worker of queue `mail` runs. May run twice and be killed anywhere: see `sending.py`."""

from __future__ import annotations

from django.utils import timezone

from crm.mail.sending import send_due

PATIENCE = 240.0  # seconds; with the deadline of the last email below the queue's timeout


def send_email_job() -> None:
    """Sends what is due, for a while: the next tick begins again."""
    send_due(timezone.now, PATIENCE)
