"""Delivery reports that a machine wrote for a machine: `message/delivery-status`.

In: a `Notice`. Out: one `Report` a recipient. Stage: parse. Sources: RFC 3464 (fields), RFC 6522 (the multipart),
RFC 6533 (internationalised addresses).
"""

from __future__ import annotations

from collections.abc import Iterator

from bounces.parsing.caps import met
from bounces.parsing.decoding import decode_words
from bounces.parsing.free_text import build_report as build_text_report
from bounces.parsing.free_text import find_refusal, findings_of
from bounces.parsing.mail import MAX_HEADER_CHARS
from bounces.parsing.notice import Notice
from bounces.parsing.text import (
    clean_host,
    clean_line,
    find_address,
    find_addresses,
    find_date,
    find_replycode,
    find_status,
)
from bounces.patterns import Pattern
from bounces.values import Event, Report, change

Fields = dict[str, str]  # of one group, by lower-case name

MAX_RECIPIENTS = 1_000
MAX_DEEPENED = 100  # of a mail about more recipients than that, the fields alone are read
REPORT_TYPES = ("message/delivery-status", "message/global-delivery-status")
RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
EVENTS = {
    "failed": Event.BOUNCED,
    "delayed": Event.DEFERRED,
    "delivered": Event.DELIVERED,
    "relayed": Event.DELIVERED,
    "expanded": Event.DELIVERED,
    "deliverable": Event.DELIVERED,  # Postfix, asked whether it would deliver
    "undeliverable": Event.BOUNCED,
}
UNITEXT = Pattern(r"\\x\{([0-9A-Fa-f]{2,6})\}")
PASTED = Pattern(r"(?im)^[ \t]*final-recipient[ \t]*:(?:[^\n]|\n[ \t])*@")
FIRST_FIELD = Pattern(r"(?im)^[ \t]*(?:reporting-mta|original-recipient|final-recipient|action)[ \t]*:")
CONTINUED = Pattern(r"^[245]\d\d-")  # the first line of several; some systems keep no other
COMMENT = Pattern(r"^[245]\.\d+\.\d+\s+\((.{12,})\)$")  # longer than "(unknown)" and the like
PACKED = Pattern(r"(?i)\bsmtp;\s*(.*?)>?\s*$")
ZERO_STATUS = Pattern(r"^[245]\.0\.0$")


def read_delivery_status(notice: Notice) -> tuple[Report, ...]:
    """Empty where the mail has no delivery-status part, or one that names no recipient."""
    for part in notice.mail.parts_of(*REPORT_TYPES):
        reports = name_hidden(tuple(read_fields(part.text)), notice)
        if reports:
            return tuple(deepen(report, notice, len(reports)) for report in reports)
    return ()


def name_hidden(reports: tuple[Report, ...], notice: Notice) -> tuple[Report, ...]:
    """Where the fields give no address (Exim: the path of a mailbox), the one that the notice names."""
    if len(reports) != 1 or reports[0].recipient:
        return reports
    named = find_addresses(notice.mail.headers.get("x-failed-recipients")) or [
        finding.recipient for finding in findings_of(notice)
    ]
    return (change(reports[0], recipient=named[0]),) if len(named) == 1 else reports


def read_pasted_fields(notice: Notice) -> tuple[Report, ...]:
    """The same fields in the text of a notice: Amazon WorkMail, gateways that lose the MIME structure."""
    if not notice.is_report or "final-recipient" not in notice.text.lower() or not PASTED.matches(notice.text):
        return ()
    match = FIRST_FIELD.search(notice.text)
    reports = tuple(read_fields(notice.text[match.start() :])) if match else ()
    return tuple(deepen(report, notice, len(reports)) for report in reports)


def deepen(report: Report, notice: Notice, count: int) -> Report:
    """What the fields leave out and the notice tells: the words (OpenSMTPD, Exchange), and the refused command."""
    if report.event not in (Event.BOUNCED, Event.DEFERRED) or count > MAX_DEEPENED:
        return report
    finding = next((finding for finding in findings_of(notice) if finding.recipient == report.recipient), None)
    if not finding or (count > 1 and not finding.has_words):
        return report
    if report.diagnostic and not CONTINUED.matches(report.diagnostic):
        command, host = find_refusal(notice, finding)
        return change(report, command=command, remote_mta=report.remote_mta or host)
    told = build_text_report(notice, finding)
    status = told.status if not report.status or ZERO_STATUS.matches(report.status) else report.status
    return change(
        report,
        diagnostic=told.diagnostic,
        status=status or report.status,
        replycode=told.replycode,
        command=told.command,
        remote_mta=report.remote_mta or told.remote_mta,
    )


def read_fields(text: str) -> Iterator[Report]:
    """The reports of a delivery-status text: the message's group of fields, then one group a recipient."""
    message: Fields = {}
    for count, group in enumerate(split_groups(text)):
        if count > MAX_RECIPIENTS:
            met(f"more than {MAX_RECIPIENTS:,} recipients")
            return
        if any(name in group for name in RECIPIENT_FIELDS):
            if "reporting-mta" in group and not message:  # some systems leave out the empty line
                message = group
            yield build_report(message, group)
        elif not message:
            message = group


def split_groups(text: str) -> Iterator[Fields]:
    """Groups of fields between empty lines; a second Final-Recipient opens a group of its own."""
    lines: list[str] = []
    seen = False
    for line in (text if text.isascii() else text.encode("utf-8", "replace").decode()).split("\n"):
        is_empty = not line or line.isspace()
        opens = not is_empty and line[0] in "fF" and line[:16].lower().startswith("final-recipient")
        if lines and (is_empty or (opens and seen)):
            yield read_group(lines)
            lines, seen = [], False
        if not is_empty:
            lines.append(line)
            seen = seen or opens
    if lines:
        yield read_group(lines)


def read_group(lines: list[str]) -> Fields:
    """The fields of one group by lower-case name, unfolded and capped; of several of one name the first."""
    fields: Fields = {}
    name = ""
    for line in lines:
        if line[0] in " \t":
            if name and len(fields[name]) < MAX_HEADER_CHARS:
                fields[name] = f"{fields[name]} {line.strip()}"[:MAX_HEADER_CHARS]
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip().lower()
        if not colon or name in fields or not is_field_name(name):
            name = ""
        else:
            fields[name] = value.strip()[:MAX_HEADER_CHARS]
    return fields


def is_field_name(name: str) -> bool:
    """RFC 5322 2.2: printable US-ASCII without spaces."""
    return bool(name) and name.isascii() and name.isprintable() and " " not in name


def build_report(message: Fields, group: Fields) -> Report:
    action, diagnostic = read_action(group), read_words(group)
    category = clean_line(group.get("x-powermta-bouncecategory", ""))
    if category:  # PowerMTA's own word for it
        diagnostic = clean_line(f"{diagnostic} (PowerMTA: {category[:40]})")
    status = find_status(group.get("status", ""))
    said = find_status(diagnostic)
    if said and (not status or ZERO_STATUS.matches(status)):  # "5.0.0" says nothing, the remote system's own code does
        status = said
    recipient, original = read_recipient(group, "final-recipient"), read_recipient(group, "original-recipient")
    return Report(
        event=find_event(action, status),
        recipient=recipient or original or None,
        original_recipient=original,
        action=action,
        status=status,
        replycode=find_replycode(diagnostic),
        diagnostic=diagnostic,
        remote_mta=clean_host(after_type(group.get("remote-mta", ""))),
        reporting_mta=clean_host(after_type(message.get("reporting-mta", ""))),
        occurred_at=find_date(group.get("last-attempt-date", "")) or find_date(message.get("arrival-date", "")),
        envelope_id=clean_line(message.get("original-envelope-id", "")),
    )


def read_words(group: Fields) -> str:
    """What the remote system said: in the field for it, in Exchange's own where that has no reply, or by the status.

    `<mx.b.example #5.0.0 smtp; 550 5.4.1 no>` is how Exchange packs a reply (MS-OXCMAIL, PidTagSupplementaryInfo).
    """
    words = read_diagnostic(group.get("diagnostic-code", ""))
    packed = PACKED.first(group["x-supplementary-info"]) if "x-supplementary-info" in group else ""
    if packed and not find_replycode(words):
        return clean_line(decode_words(packed))
    return words or read_comment(group.get("status", ""))


def read_diagnostic(value: str) -> str:
    """`smtp; 550 no` -> `550 no`; other types are part of what is said: `x-unix; 127`."""
    head = value.partition(";")[0].strip().lower()
    return clean_line(decode_words(after_type(value) if head.endswith("smtp") else value))


def read_comment(status: str) -> str:
    """`4.0.0 (b.example: host name lookup failure)`: what some systems say nowhere else."""
    match = COMMENT.search(status)
    words = clean_line(match.group(1)) if match else ""
    return "" if words.lower().startswith("other or undefined") else words  # RFC 3463's own words for "unknown"


def read_action(group: Fields) -> str:
    """The first word, if it is one that RFC 3464 2.3.3 knows: some systems explain themselves behind it."""
    word = group.get("action", "").lower().partition(" ")[0].strip("();,")
    return word if word in EVENTS else ""


def find_event(action: str, status: str) -> Event:
    """Where a report leaves out its Action, the class of its status speaks (RFC 3463 3.1)."""
    if action in EVENTS:
        return EVENTS[action]
    return Event.DELIVERED if status.startswith("2") else Event.BOUNCED


def read_recipient(group: Fields, field: str) -> str:
    """The address behind the type: `rfc822; a@b.example`, or `utf-8; \\x{FC}@b.example` (RFC 6533 3)."""
    text = group.get(field, "")
    if "\\x{" in text:
        text = UNITEXT.sub(lambda match: decode_point(match.group(1)), text)
    return find_address(after_type(text)) or find_address(text)


def decode_point(digits: str) -> str:
    point = int(digits, 16)
    return chr(point) if 0x20 < point < 0xD800 or 0xDFFF < point < 0x110000 else ""


def after_type(value: str) -> str:
    """A typed value without its type: `smtp; 550 no` -> `550 no`."""
    head, separator, tail = value.partition(";")
    return tail.strip() if separator and len(head) < 20 and " " not in head.strip() else value.strip()
