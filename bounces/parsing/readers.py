"""The readers, in the order in which they are asked: the most authoritative first, the first answer counts.

In: the raw bytes of one mail. Out: a `Reading`, which names the reader that answered. Stage: parse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bounces.parsing.auto_reply import find_mark, read_auto_reply
from bounces.parsing.caps import met, watching_caps
from bounces.parsing.delivery_status import read_delivery_status, read_pasted_fields
from bounces.parsing.feedback import read_feedback
from bounces.parsing.free_text import read_free_text, read_unnamed
from bounces.parsing.mail import Headers, Mail, open_mail
from bounces.parsing.notice import Notice, find_notice
from bounces.parsing.notification import read_notification
from bounces.parsing.text import clean_line, find_address, find_addresses
from bounces.parsing.wrapped import read_forward, unwrap
from bounces.return_path import PREFIX, find_token
from bounces.values import Event, MailKind, Reading, Report, change

EMPTY = "empty file"
NO_HEADERS = "not an e-mail message: no headers"
# Where mail systems write the envelope's recipient (Postfix and Gmail, Postfix, Exim, others), and the report itself.
SENT_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
ORDINARY = "an ordinary message: no delivery report, complaint or automatic reply in it"


@dataclass(frozen=True)
class Reader:
    """One way of reading a mail. `read` gives no reports where the mail is not of its kind.

    `by_words`: whether it reads the words for people, so that what they were cut of may be missing.
    """

    name: str
    read: Callable[[Notice], tuple[Report, ...]]
    by_words: bool = True


READING_WRAPPED = (read_delivery_status, read_pasted_fields, read_free_text)
READERS: tuple[Reader, ...] = (
    Reader("feedback", lambda notice: read_feedback(notice.mail), by_words=False),
    Reader("notification", lambda notice: read_notification(notice.mail), by_words=False),
    Reader("delivery_status", read_delivery_status, by_words=False),
    Reader("pasted_fields", read_pasted_fields),
    Reader("free_text", read_free_text),
    Reader("forward", read_forward),
    Reader("wrapped", lambda notice: read_wrapped(notice)),
    Reader("unnamed", read_unnamed),
    Reader("auto_reply", lambda notice: read_auto_reply(notice.mail)),
)


def read(raw: bytes, readers: tuple[Reader, ...] = READERS) -> Reading:
    """What one mail is, and what it says about whom. Any bytes have an answer."""
    with watching_caps() as caps:
        reading = _read(raw, readers)
    return replace(reading, caps=tuple(caps)) if caps else reading


def _read(raw: bytes, readers: tuple[Reader, ...]) -> Reading:
    mail = open_mail(raw)
    if not mail.is_mail:
        return Reading(MailKind.NONE, why=NO_HEADERS if raw.strip() else EMPTY)
    with watching_caps() as of_words:
        notice = find_notice(mail)
    for reader in readers:
        reports = reader.read(notice)
        if reports:
            meet(of_words if reader.by_words else ())
            reports = complete(reports, mail, reader.name)
            kind = find_kind(reports)
            why = f"automatic reply ({find_mark(mail)})" if kind is MailKind.VACATION else ""
            return Reading(kind, reports, why, reader.name)
    meet(of_words)
    return Reading(MailKind.NONE, why=ORDINARY)


def meet(caps: Iterable[str]) -> None:
    for cap in caps:
        met(cap)


def read_wrapped(notice: Notice) -> tuple[Report, ...]:
    """A report inside a report that says nothing itself. Read once: what is inside that is not opened."""
    for raw in unwrap(notice):
        inner = find_notice(open_mail(raw))
        for reader in READING_WRAPPED:
            reports = reader(inner)
            if reports:
                return reports
        if next(unwrap(inner), None):
            met("a report within a report within a report")
    return ()


def find_kind(reports: tuple[Report, ...]) -> MailKind:
    """A report of several recipients is a bounce as soon as one of them failed."""
    events = {report.event for report in reports}
    if events & {Event.BOUNCED, Event.DEFERRED}:
        return MailKind.BOUNCE
    if Event.COMPLAINED in events:
        return MailKind.FEEDBACK
    return MailKind.VACATION if Event.AUTO_REPLIED in events else MailKind.DELIVERED


def complete(reports: tuple[Report, ...], mail: Mail, reader: str) -> tuple[Report, ...]:
    """What the mail says for all its recipients: whom it was sent to, which mail it is about."""
    about = next((found for inner in mail.returned if (found := inner.get("message-id"))), "")
    return_path = find_return_path(mail.headers)
    return tuple(
        [
            change(
                report,
                addressee=find_addressee(report, mail),
                message_id=clean_line((report.message_id or about).strip().strip("<>"))[:998],
                return_path=return_path,
                reader=reader,
            )
            for report in reports
        ]
    )


def find_addressee(report: Report, mail: Mail) -> str:
    """Whom we wrote to, where their mail was forwarded and failed there: the mail that came back is written to them.

    RFC 3464 2.3.1: Original-Recipient is what the sender said; a gateway or list before us may have said it, too.
    """
    original, final = report.original_recipient, report.recipient
    if not original or not final or original == final:
        return ""
    written_to = {address for inner in mail.returned for address in find_addresses(inner.get("to"))}
    return original if original in written_to and final not in written_to else ""


def find_return_path(headers: Headers) -> str:
    """The address that a mail was sent to: a return path of ours wherever it stands, else the first one named."""
    if headers.mentions(PREFIX):
        named = (find_address(value) for name in SENT_TO for value in headers.values(name))
        ours = next((address for address in named if find_token(address)), "")
        if ours:
            return ours
    for name in ("delivered-to", "x-original-to", "to"):
        address = find_address(headers.get(name))
        if address:
            return address
    return ""
