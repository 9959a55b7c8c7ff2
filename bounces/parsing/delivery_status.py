"""Delivery reports that a machine wrote for a machine: `message/delivery-status`.

In: a `Mail`. Out: one `Report` a recipient. Stage: parse. Sources: RFC 3464 (fields), RFC 6522 (the multipart),
RFC 6533 (internationalised addresses).
"""

from __future__ import annotations

from collections.abc import Iterator

import re2

from bounces.parsing.mail import Headers, Mail, decode_words, unfold
from bounces.parsing.text import clean_line, find_address, find_date, find_replycode, find_status
from bounces.values import Event, Report

MAX_RECIPIENTS = 1_000
REPORT_TYPES = ("message/delivery-status", "message/global-delivery-status")
RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
EVENTS = {
    "failed": Event.BOUNCED,
    "delayed": Event.DEFERRED,
    "delivered": Event.DELIVERED,
    "relayed": Event.DELIVERED,
    "expanded": Event.DELIVERED,
}
UNITEXT = re2.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
ZERO_STATUS = re2.compile(r"^[245]\.0\.0$")


def read_delivery_status(mail: Mail) -> tuple[Report, ...]:
    """Empty where the mail has no delivery-status part, or one that names no recipient."""
    for part in mail.parts_of(*REPORT_TYPES):
        reports = tuple(read_fields(part.text))
        if reports:
            return reports
    return ()


def read_fields(text: str) -> Iterator[Report]:
    """The reports of a delivery-status text: the message's group of fields, then one group a recipient."""
    message = Headers([])
    for count, group in enumerate(split_groups(text)):
        if count > MAX_RECIPIENTS:
            return
        if any(name in group for name in RECIPIENT_FIELDS):
            if "reporting-mta" in group and not len(message):  # some systems leave out the empty line
                message = group
            yield build_report(message, group)
        elif not len(message):
            message = group


def split_groups(text: str) -> Iterator[Headers]:
    """Groups of fields between empty lines; a second Final-Recipient opens a group of its own."""
    for block in text.split("\n\n"):
        fields: list[tuple[str, str]] = []
        seen = False
        for name, value in unfold(block.encode("utf-8", "replace").split(b"\n")):
            if name == "final-recipient" and seen:
                yield Headers(fields)
                fields = []
            seen = seen or name == "final-recipient"
            fields.append((name, value))
        if fields:
            yield Headers(fields)


def build_report(message: Headers, group: Headers) -> Report:
    diagnostic = clean_line(decode_words(after_type(group.get("diagnostic-code"))))
    status = find_status(group.get("status"))
    said = find_status(diagnostic)
    if said and (not status or ZERO_STATUS.match(status)):  # "5.0.0" says nothing, the remote system's own code does
        status = said
    recipient, original = read_recipient(group, "final-recipient"), read_recipient(group, "original-recipient")
    return Report(
        event=find_event(group.get("action"), status),
        recipient=recipient or original or None,
        original_recipient=original,
        action=group.get("action").lower().split(" ")[0],
        status=status,
        replycode=find_replycode(diagnostic),
        diagnostic=diagnostic,
        remote_mta=clean_line(after_type(group.get("remote-mta"))).lower(),
        reporting_mta=clean_line(after_type(message.get("reporting-mta"))).lower(),
        occurred_at=find_date(group.get("last-attempt-date")) or find_date(message.get("arrival-date")),
        envelope_id=clean_line(message.get("original-envelope-id")),
    )


def find_event(action: str, status: str) -> Event:
    """Where a report leaves out its Action, the class of its status speaks (RFC 3463 3.1)."""
    word = action.lower().strip().split(" ")[0]
    if word in EVENTS:
        return EVENTS[word]
    return Event.DELIVERED if status.startswith("2") else Event.BOUNCED


def read_recipient(group: Headers, field: str) -> str:
    """The address behind the type: `rfc822; a@b.example`, or `utf-8; \\x{FC}@b.example` (RFC 6533 3)."""
    text = UNITEXT.sub(lambda match: decode_point(match.group(1)), group.get(field))
    return find_address(after_type(text)) or find_address(text)


def decode_point(digits: str) -> str:
    point = int(digits, 16)
    return chr(point) if 0x20 < point < 0xD800 or 0xDFFF < point < 0x110000 else ""


def after_type(value: str) -> str:
    """A typed value without its type: `smtp; 550 no` -> `550 no`."""
    head, separator, tail = value.partition(";")
    return tail.strip() if separator and len(head) < 20 and " " not in head.strip() else value.strip()
