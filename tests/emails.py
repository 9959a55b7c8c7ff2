"""What tests of emails to users share: the worker's turn, now or later."""

from __future__ import annotations

from datetime import timedelta

from django.core import mail
from django.utils import timezone

from crm.mail import sending


def send_emails(minutes: float = 0) -> int:
    """What is due then is sent; returns how many were tried."""
    return sending.send_due(lambda: timezone.now() + timedelta(minutes=minutes), patience=60)


def sent_emails() -> list[mail.EmailMessage]:
    """All that was sent so far."""
    send_emails()
    return list(mail.outbox)
