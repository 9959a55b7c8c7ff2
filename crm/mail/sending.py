"""Sending what is due, several emails at once, until each is taken or given up.

In: OutgoingEmail rows. Out: emails to the mail server of EMAIL_URL, and what became of each. The next try is put off
before this one begins, so that a worker that is killed repeats nothing at once; every try of an email carries the same
Message-ID, by which its reader's server drops a double. One that the server took and never answered is not sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection as database
from django.db.models import Q

from bounces.parsing.text import clean_line
from bounces.sealing import CannotOpen
from crm import abreast, alarms
from crm.logs import masked
from crm.mail.delivery import Reply, deliver
from crm.mail.models import OutgoingEmail
from crm.mail.rows import ACCOUNT, opened

WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 300, 1800, 2 * 3600, 6 * 3600, 12 * 3600))
AT_ONCE = 4
DEADLINE = 420.0  # seconds of one email: a server that takes 30 s for each reply needs half of it
CLAIMED_FOR = timedelta(minutes=15)  # longer than the deadline
KEPT_FOR = timedelta(days=30)

State = OutgoingEmail.State
LATE = Reply(False, f"The mail server took longer than {DEADLINE:.0f} seconds.", is_uncertain=True)


@dataclass(frozen=True, slots=True)
class Ready:
    row: OutgoingEmail
    message: EmailMessage


def is_due(now: datetime) -> bool:
    return OutgoingEmail.objects.filter(state=State.WAITING, due_at__lte=now).exists()


def send_due(clock: Callable[[], datetime], patience: float) -> int:
    """Sends what is due until nothing is; begins no more once patience (seconds) has ended. Returns how many."""
    work = abreast.Work(
        claim=lambda: claim(clock()),
        do=lambda ready: deliver(ready.message),
        settle=lambda ready, reply: settle(ready.row, reply, clock()),
        late=LATE,
    )
    return abreast.run(work, most=AT_ONCE, deadline=DEADLINE, patience=patience)


def claim(now: datetime) -> Ready | None:
    """The one that has waited longest, with its text. Its try is counted. None: nothing is due."""
    while (row := _take(now)) is not None:
        try:
            message = written(row)
        except CannotOpen as error:
            settle(row, Reply(False, str(error), is_final=True), now)
            continue
        if message is not None:
            return Ready(row, message)
        _end(row, State.NOT_NEEDED, now)
    return None


def _take(now: datetime) -> OutgoingEmail | None:
    with database.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "until": now + CLAIMED_FOR})
        found = cursor.fetchone()
    return OutgoingEmail.objects.select_related("recipient").get(pk=found[0]) if found else None


CLAIM = """
UPDATE crm_outgoingemail SET due_at = %(until)s, tries = tries + 1
WHERE id = (
    SELECT id FROM crm_outgoingemail WHERE state = 'waiting' AND due_at <= %(now)s
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def written(row: OutgoingEmail) -> EmailMessage | None:
    """Its text, of what is true now; None where there is nothing to tell any more. Raises CannotOpen."""
    if row.kind == ACCOUNT:
        message: EmailMessage = opened(row)
    else:
        reader = row.recipient
        text = alarms.write(row.kind, row.about_id, reader) if reader and reader.is_active and reader.email else None
        if text is None or reader is None:
            return None
        message = EmailMessage(text.subject, text.body, None, [reader.email])
    message.extra_headers.setdefault("Message-ID", message_id(row))
    return message


def message_id(row: OutgoingEmail) -> str:
    """The same at every try."""
    digest = hashlib.sha256(f"{settings.SECRET_KEY}:email:{row.pk}:{row.occasion}".encode()).hexdigest()[:24]
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    return f"<{row.pk}.{digest}@{domain}>"


def settle(row: OutgoingEmail, reply: Reply, now: datetime) -> None:
    """Writes down what became of a try."""
    row.answer = masked(clean_line(reply.text))
    if reply.is_taken:
        _end(row, State.SENT, now)
    elif reply.is_uncertain:
        _end(row, State.UNCERTAIN, now)
    elif reply.is_final or row.tries > len(WAITS):
        _end(row, State.GIVEN_UP, now)
    else:
        row.due_at = now + WAITS[row.tries - 1]
        row.save(update_fields=["answer", "due_at"])


def _end(row: OutgoingEmail, state: OutgoingEmail.State, now: datetime) -> None:
    row.state, row.done_at = state, now
    if state in (State.SENT, State.NOT_NEEDED):
        row.sealed_message = ""
    row.save(update_fields=["state", "answer", "done_at", "sealed_message"])


def send_again(row: OutgoingEmail, now: datetime) -> bool:
    """A person wants it sent once more. False where nothing is left to send."""
    ended = OutgoingEmail.objects.filter(pk=row.pk, state__in=[State.UNCERTAIN, State.GIVEN_UP])
    return bool(ended.update(state=State.WAITING, tries=0, due_at=now, done_at=None))


def prune(now: datetime) -> int:
    """Forgets what ended long ago. Returns how many."""
    old = OutgoingEmail.objects.filter(~Q(state=State.WAITING), done_at__lt=now - KEPT_FOR)
    return old.delete()[0]
