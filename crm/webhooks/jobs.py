"""What the worker of queue `notify` runs. May run twice and be killed anywhere: see `sending.py`."""

from __future__ import annotations

import time

from django.utils import timezone

from crm.webhooks.sending import prune, send_next

PATIENCE = 30.0  # seconds, below the queue's timeout


def send_webhooks_job() -> None:
    """Sends what is due, for a while: the next tick begins again."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and send_next(timezone.now()):
        pass
    prune(timezone.now())
