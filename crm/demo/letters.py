"""The mails that come back: bounces in several systems' dialects, complaints, automatic replies, and junk.

In: a Failure, or who wrote what when. Out: the bytes of a mail. Pure. Sources: RFC 3464 and what Postfix, Exchange,
Gmail, Sendmail and qmail write; RFC 5965; RFC 3834. The texts are our own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from zlib import crc32

from crm.demo.words import OUR_DOMAIN

OUR_HOST = f"out1.{OUR_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of ours, as its copy in a bounce shows it."""

    recipient: str
    sender: str
    subject: str
    message_id: str
    sent_at: datetime

    @property
    def domain(self) -> str:
        return self.recipient.rpartition("@")[2]

    @property
    def headers(self) -> str:
        return (
            f"Received: by {OUR_HOST} id {mark_of(self.message_id)}; {format_datetime(self.sent_at)}\n"
            f"From: {self.sender}\nTo: {self.recipient}\nSubject: {self.subject}\n"
            f"Date: {format_datetime(self.sent_at)}\nMessage-ID: <{self.message_id}>\n"
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a message: the words of the server that refused, and when."""

    sent: Sent
    code: str
    status: str
    said: str
    at: datetime
    action: str = "failed"


def mark_of(text: str) -> str:
    """Python's own hash differs from process to process; the same seed gives the same mails."""
    return f"{crc32(text.encode()):08x}"


def lines(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def report(
    failure: Failure, *, sender: str, subject: str, notice: str, reporting: str, said: str, remote: str
) -> bytes:
    """A multipart/report: the notice for people, the fields for machines, the headers of what came back."""
    sent, border = failure.sent, f"b{mark_of(failure.sent.message_id)}"
    remote_line = f"Remote-MTA: dns; {remote}\n" if remote else ""
    return lines(
        f"Return-Path: <>\nFrom: {sender}\nTo: {sent.sender}\nSubject: {subject}\n"
        f"Date: {format_datetime(failure.at)}\nMessage-ID: <{failure.action}.{sent.message_id}>\n"
        "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{border}"\n\n'
        f"--{border}\nContent-Type: text/plain; charset=utf-8\n\n{notice}\n"
        f"--{border}\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; {reporting}\nArrival-Date: {format_datetime(sent.sent_at)}\n\n"
        f"Final-Recipient: rfc822; {sent.recipient}\nAction: {failure.action}\nStatus: {failure.status}\n"
        f"{remote_line}Diagnostic-Code: smtp; {said}\nLast-Attempt-Date: {format_datetime(failure.at)}\n\n"
        f"--{border}\nContent-Type: text/rfc822-headers\n\n{sent.headers}\n--{border}--\n"
    )


def postfix(failure: Failure) -> bytes:
    is_delay = failure.action == "delayed"
    what = "has not been delivered yet; it is tried again" if is_delay else "could not be delivered"
    return report(
        failure,
        sender=f"MAILER-DAEMON@{OUR_HOST} (Mail Delivery System)",
        subject="Delayed Mail (still being retried)" if is_delay else "Undelivered Mail Returned to Sender",
        notice=f"This is the mail system at host {OUR_HOST}.\n\nYour message {what}.\n\n"
        f"<{failure.sent.recipient}>: host mx.{failure.sent.domain} said: {failure.said}\n",
        reporting=OUR_HOST,
        said=failure.said,
        remote=f"mx.{failure.sent.domain}",
    )


def exchange(failure: Failure) -> bytes:
    return report(
        failure,
        sender=f"Microsoft Outlook <postmaster@{failure.sent.domain}>",
        subject=f"Undeliverable: {failure.sent.subject}",
        notice=f"Delivery has failed to these recipients or groups:\n\n{failure.sent.recipient}\n\n"
        f"Remote server returned '{failure.said}'\n",
        reporting=f"mbx02.{failure.sent.domain}",
        said=failure.said,
        remote="",
    )


def gmail(failure: Failure) -> bytes:
    """Repeats the code on each line of a long answer, and adds its own reference."""
    return report(
        failure,
        sender=f"Mail Delivery Subsystem <mailer-daemon@{failure.sent.domain}>",
        subject="Delivery Status Notification (Failure)",
        notice=f"** Address not found **\n\nYour message wasn't delivered to {failure.sent.recipient}.\n\n"
        f"The response was:\n\n{failure.said}\n",
        reporting=f"relay.{failure.sent.domain}",
        said=f"{failure.said} {mark_of(failure.sent.message_id)}.{failure.at:%j} - gsmtp",
        remote=f"aspmx.{failure.sent.domain}",
    )


def sendmail(failure: Failure) -> bytes:
    return report(
        failure,
        sender=f"Mail Delivery Subsystem <MAILER-DAEMON@gate.{failure.sent.domain}>",
        subject="Returned mail: see transcript for details",
        notice="   ----- The following addresses had permanent fatal errors -----\n"
        f"<{failure.sent.recipient}>\n\n   ----- Transcript of session follows -----\n"
        f">>> RCPT To:<{failure.sent.recipient}>\n"
        f"<<< {failure.said}\n",
        reporting=f"gate.{failure.sent.domain}",
        said=failure.said,
        remote=f"mail.{failure.sent.domain}",
    )


def qmail(failure: Failure) -> bytes:
    """No fields for machines at all: the words are all there is."""
    sent = failure.sent
    return lines(
        f"Return-Path: <>\nFrom: MAILER-DAEMON@{sent.domain}\nTo: {sent.sender}\nSubject: failure notice\n"
        f"Date: {format_datetime(failure.at)}\n\n"
        f"Hi. This is the qmail-send program at {sent.domain}.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{sent.recipient}>:\n{failure.said}\n\n--- Below this line is a copy of the message.\n\n"
        f"Return-Path: <{sent.sender}>\n{sent.headers}\n"
    )


DIALECTS: tuple[tuple[Callable[[Failure], bytes], int], ...] = (
    (postfix, 45),
    (exchange, 25),
    (gmail, 18),
    (sendmail, 8),
    (qmail, 4),
)


def bounce_mail(failure: Failure, dice: random.Random, *, with_fields: bool = False) -> bytes:
    """In one of the dialects; `with_fields` leaves out those that are words for people alone."""
    if failure.action == "delayed":
        return postfix(failure)
    spoken = [(dialect, weight) for dialect, weight in DIALECTS if not (with_fields and dialect is qmail)]
    (dialect,) = dice.choices([each for each, _ in spoken], [weight for _, weight in spoken])
    return dialect(failure)


def complaint_mail(sent: Sent, at: datetime) -> bytes:
    """A mailbox provider's feedback loop: its user pressed "spam"."""
    border = f"f{mark_of(sent.message_id)}"
    return lines(
        f"From: Feedback loop <fbl@{sent.domain}>\nTo: abuse@{OUR_DOMAIN}\n"
        f"Subject: Complaint about message from {OUR_HOST}\nDate: {format_datetime(at)}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=feedback-report; boundary="{border}"\n\n'
        f"--{border}\nContent-Type: text/plain\n\nA user of ours reported this message as spam.\n\n"
        f"--{border}\nContent-Type: message/feedback-report\n\n"
        "Feedback-Type: abuse\nUser-Agent: FeedbackLoop/2\nVersion: 1\n"
        f"Original-Mail-From: <{sent.sender}>\nOriginal-Rcpt-To: <{sent.recipient}>\n"
        f"Arrival-Date: {format_datetime(at)}\nReporting-MTA: dns; fbl.{sent.domain}\n\n"
        f"--{border}\nContent-Type: message/rfc822\n\n{sent.headers}\nHello,\n\n--{border}--\n"
    )


def auto_reply(sent: Sent, name: str, at: datetime) -> bytes:
    return lines(
        f"From: {sent.recipient}\nTo: {sent.sender}\nSubject: Automatic reply: {sent.subject}\n"
        f"Date: {format_datetime(at)}\nIn-Reply-To: <{sent.message_id}>\nAuto-Submitted: auto-replied\n"
        "Content-Type: text/plain; charset=utf-8\nMIME-Version: 1.0\n\n"
        f"Thank you for your message. I am out of the office and read mail again next week.\n\n{name}\n"
    )


def nameless_report(at: datetime) -> bytes:
    """A report whose gateway has taken out whom it is about: nobody can say whose it is."""
    border = "gateway-notice"
    return lines(
        f"From: postmaster@gateway.example\nTo: bounces@{OUR_DOMAIN}\nSubject: Delivery Status Notification (Failure)\n"
        f"Date: {format_datetime(at)}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{border}"\n\n'
        f"--{border}\nContent-Type: text/plain\n\nA message could not be delivered. Details were removed by policy.\n\n"
        f"--{border}\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; gateway.example\n\n"
        f"Final-Recipient: rfc822; undisclosed\nAction: failed\nStatus: 5.0.0\n\n--{border}--\n"
    )


def picture() -> bytes:
    """What somebody dropped on the upload page by mistake."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x48\x00\x48\x00\x00" + bytes(range(256)) * 40
