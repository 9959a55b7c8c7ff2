"""One email to the mail server, within a deadline.

In: a message. Out: the server's reply. Runs in a thread of its own and asks no database. Once the text was handed over
and no reply came, the server may have taken it: that is uncertain, not a failure.
"""

from __future__ import annotations

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

PATIENCE_FOR_REPLY = 300.0  # seconds after the text was handed over; RFC 5321 4.5.3.2.6 would wait for ten minutes


@dataclass(frozen=True, slots=True)
class Reply:
    is_taken: bool
    text: str = ""
    is_final: bool = False  # a permanent refusal: trying again changes nothing
    is_uncertain: bool = False


class _NotesHandOver:
    """Beside smtplib's client: whether the text of the message went out, and time for the reply to that."""

    sock: Any
    has_handed_over = False

    def send(self, s: Any) -> None:
        """Commands are str; the message alone is bytes."""
        if isinstance(s, bytes):
            self.has_handed_over = True
            self.sock.settimeout(PATIENCE_FOR_REPLY)
        super().send(s)  # type: ignore[misc]  # of the class beside this one


class Client(_NotesHandOver, smtplib.SMTP):
    pass


class TlsClient(_NotesHandOver, smtplib.SMTP_SSL):
    pass


class Backend(SmtpBackend):
    """Django's, with clients that note the hand-over, and without waiting for a reply to QUIT."""

    has_handed_over = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return TlsClient if self.use_ssl else Client

    def _send(self, email_message: EmailMessage) -> bool:
        client = self.connection
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]  # not in the stubs
        finally:
            self.has_handed_over = isinstance(client, _NotesHandOver) and client.has_handed_over

    def _close_connection(self, connection: smtplib.SMTP) -> None:
        with suppress(OSError):
            connection.putcmd("quit")
        connection.close()


def deliver(message: EmailMessage) -> Reply:
    """Never raises: what went wrong is the reply."""
    backend = get_connection(settings.MAIL_BACKEND)
    try:
        backend.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        return refusal(*next(iter(error.recipients.values())))
    except smtplib.SMTPResponseException as error:
        return refusal(error.smtp_code, error.smtp_error)
    except (OSError, ValueError) as error:  # smtplib's other errors are OSErrors
        if getattr(backend, "has_handed_over", False):
            return Reply(False, "The mail server took the text and did not reply.", is_uncertain=True)
        return Reply(False, f"The mail server did not reply: {type(error).__name__}.")
    return Reply(True)


def refusal(code: int, said: bytes | str) -> Reply:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Reply(False, f"{code} {text}", is_final=500 <= code < 600)
