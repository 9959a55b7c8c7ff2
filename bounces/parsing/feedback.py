"""Complaints: a mailbox provider's report that a person pressed "spam".

In: a `Mail`. Out: one complaint a recipient, its address None where the provider hides it. Stage: parse.
Source: RFC 5965 (fields), RFC 6650 (who sends them when).
"""

from __future__ import annotations

from collections.abc import Sequence

from bounces.parsing.caps import met
from bounces.parsing.mail import Headers, Mail
from bounces.parsing.text import clean_host, clean_line, find_address, find_addresses, find_date
from bounces.values import Event, Report

MAX_RECIPIENTS = 1_000
JUNK_MAIL_REPORT = "complaint about message from "
RECIPIENT_FIELDS = ("original-rcpt-to", "original-recipient", "removal-recipient")


def read_feedback(mail: Mail) -> tuple[Report, ...]:
    """Empty where the mail has no feedback-report part, nor Microsoft's own form of one."""
    for part in mail.parts_of("message/feedback-report"):
        fields = Headers(part.text.encode("utf-8", "replace"))
        if fields:
            return build_reports(mail, fields)
    return read_junk_mail_report(mail) or read_opt_out(mail)


def read_junk_mail_report(mail: Mail) -> tuple[Report, ...]:
    """Microsoft's Junk Mail Reporting: no report part, the recipient in a header of the mail that is returned."""
    if not mail.subject[:200].casefold().startswith(JUNK_MAIL_REPORT):
        return ()
    recipients = [find_address(returned.get("x-hmxmroriginalrecipient")) for returned in mail.returned]
    return tuple(
        Report(
            event=Event.COMPLAINED,
            recipient=recipient,
            feedback_type="abuse",
            occurred_at=find_date(mail.headers.get("date")),
        )
        for recipient in recipients
        if recipient
    )


def read_opt_out(mail: Mail) -> tuple[Report, ...]:
    """Apple Mail's "unsubscribe": a mail in the name of who wants no more, written to the list's address for that."""
    person = find_address(mail.headers.get("from")) if "x-apple-unsubscribe" in mail.headers else ""
    if not person:
        return ()
    told = find_date(mail.headers.get("date"))
    return (Report(event=Event.COMPLAINED, recipient=person, feedback_type="opt-out", occurred_at=told),)


def build_reports(mail: Mail, fields: Headers) -> tuple[Report, ...]:
    named = find_recipients(mail, fields)
    if len(named) > MAX_RECIPIENTS:
        met(f"more than {MAX_RECIPIENTS:,} recipients")
    recipients: Sequence[str | None] = named[:MAX_RECIPIENTS] or [None]
    return tuple(
        Report(
            event=Event.COMPLAINED,
            recipient=recipient,
            feedback_type=clean_line(fields.get("feedback-type")).lower()[:40],
            reporting_mta=clean_host(fields.get("reporting-mta").partition(";")[2]),
            occurred_at=find_date(fields.get("arrival-date")) or find_date(fields.get("received-date")),
            envelope_id=clean_line(fields.get("original-envelope-id")),
            diagnostic=clean_line(fields.get("user-agent")),
        )
        for recipient in recipients
    )


def find_recipients(mail: Mail, fields: Headers) -> list[str]:
    """Those that the report names; else whom the mail complained about was written to."""
    named = [find_address(value) for name in RECIPIENT_FIELDS for value in fields.values(name)]
    addresses = list(dict.fromkeys(address for address in named if address))
    for returned in mail.returned[:1]:
        addresses = addresses or find_addresses(returned.get("to") or returned.get("x-original-to"))
    return addresses
