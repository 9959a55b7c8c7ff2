"""What is to be sent becomes rows, in the transaction of what it tells.

In: Django's `send_mail` from anybody (setting EMAIL_BACKEND names `Backend`), facts that people are told of. Out:
OutgoingEmail rows. Nothing here speaks to a mail server.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import QuerySet
from django.utils import timezone

from bounces.sealing import seal, unseal
from crm.mail.models import OutgoingEmail
from crm.models import User

ACCOUNT = "account"  # the kind of what an application says about an account: password resets, sign-in notices


def queue_email(kind: str, about_id: int, occasion: str, readers: QuerySet[User], now: datetime) -> int:
    """One email to each reader about what happened. May run twice: nobody is told of an occasion twice."""
    rows = [
        OutgoingEmail(kind=kind, recipient=reader, about_id=about_id, occasion=occasion, due_at=now, created_at=now)
        for reader in readers.filter(is_active=True).exclude(email="")
    ]
    return len(OutgoingEmail.objects.bulk_create(rows, ignore_conflicts=True))


class Backend(BaseEmailBackend):
    """Django's email backend: keeps what is sent, for the worker of queue `mail`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        now = timezone.now()
        rows = [row for message in email_messages for row in _rows_of(message, now)]
        return len(OutgoingEmail.objects.bulk_create(rows))


def _rows_of(message: EmailMessage, now: datetime) -> Iterable[OutgoingEmail]:
    """One a recipient. An email with attachments is none of ours: raises ValueError."""
    if message.attachments:
        raise ValueError("Emails to users have no attachments: link to the page that shows the file.")
    said = {
        "subject": str(message.subject),
        "body": str(message.body),
        "from_email": message.from_email,
        "reply_to": list(message.reply_to),
        "headers": {name: str(value) for name, value in message.extra_headers.items()},
        "alternatives": [[str(content), str(kind)] for content, kind in getattr(message, "alternatives", [])],
    }
    for address in message.recipients():
        yield OutgoingEmail(
            kind=ACCOUNT,
            recipient=User.objects.filter(email=address.strip().lower()).first(),
            occasion=uuid.uuid4().hex,
            sealed_message=seal(json.dumps({**said, "to": address})),
            due_at=now,
            created_at=now,
        )


def opened(row: OutgoingEmail) -> EmailMultiAlternatives:
    """The message of an account's email. Raises CannotOpen."""
    said: dict[str, Any] = json.loads(unseal(row.sealed_message))
    message = EmailMultiAlternatives(
        said["subject"],
        said["body"],
        said["from_email"],
        [said["to"]],
        reply_to=said["reply_to"],
        headers=said["headers"],
    )
    for content, kind in said["alternatives"]:
        message.attach_alternative(content, kind)
    return message
