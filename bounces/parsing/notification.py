"""Amazon's notifications as mails: a topic of SNS with an e-mail address as its subscriber gets the event as JSON.

In: a `Mail`. Out: one report a recipient. Stage: parse.
Source: Amazon SES Developer Guide, "Amazon SNS notification contents" and "event contents".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bounces.parsing.caps import met
from bounces.parsing.mail import Mail
from bounces.parsing.text import clean_host, clean_line, find_address, find_replycode, find_status
from bounces.values import Event, Report

MAX_RECIPIENTS = 1_000
TOO_MANY_RECIPIENTS = f"more than {MAX_RECIPIENTS:,} recipients"
MAX_JSON_CHARS = 256 * 1024  # SNS's own limit
TYPES = ("notificationType", "eventType")


def read_notification(mail: Mail) -> tuple[Report, ...]:
    """Empty where the text is not the JSON of such an event."""
    text = mail.text[:MAX_JSON_CHARS].lstrip()
    if not text.startswith("{") or not any(name in text for name in TYPES):
        return ()
    event = open_event(text)
    reports = tuple(build_reports(event))
    if len(reports) > MAX_RECIPIENTS:
        met(TOO_MANY_RECIPIENTS)
    return reports[:MAX_RECIPIENTS]


def open_event(text: str) -> dict[str, Any]:
    """The event, alone or inside SNS's envelope; {} where it is neither."""
    value = decode(text)
    inner = value.get("Message")
    return decode(inner) if isinstance(inner, str) else value


def decode(text: str) -> dict[str, Any]:
    """A JSON object. A mail's lines are at most 998 characters: what a server broke (`!\\n `) is joined again."""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text.replace("!\n ", ""))
    except (ValueError, RecursionError):  # a body of 250,000 brackets is no notification
        return {}
    return value if isinstance(value, dict) else {}


def words_of(value: Any) -> str:
    """As text that can be encoded: JSON may hold half of a surrogate pair."""
    return str(value).encode("utf-8", "replace").decode()


def build_reports(event: dict[str, Any]) -> Iterator[Report]:
    kind = words_of(next((event[name] for name in TYPES if name in event), ""))
    details = section(event, kind.lower())
    message_id = clean_line(words_of(section(event, "mail").get("messageId", "")))
    if kind == "Bounce":
        for recipient in entries(details, "bouncedRecipients"):
            yield build_bounce(recipient, details, message_id)
    elif kind == "Complaint":
        feedback_type = clean_line(words_of(details.get("complaintFeedbackType") or "abuse")).lower()[:40]
        for recipient in entries(details, "complainedRecipients"):
            yield Report(Event.COMPLAINED, address(recipient), feedback_type=feedback_type, message_id=message_id)
    elif kind == "Delivery":
        said = clean_line(words_of(details.get("smtpResponse", "")))
        for recipient in entries(details, "recipients"):
            yield Report(
                Event.DELIVERED, address(recipient), diagnostic=said, status=find_status(said), message_id=message_id
            )


def build_bounce(recipient: Any, details: dict[str, Any], message_id: str) -> Report:
    fields = recipient if isinstance(recipient, dict) else {}
    said = clean_line(words_of(fields.get("diagnosticCode", "")).removeprefix("smtp;"))
    words = said or clean_line(f"{details.get('bounceType', '')} {details.get('bounceSubType', '')}")
    return Report(
        Event.BOUNCED,
        address(recipient),
        action=clean_line(words_of(fields.get("action", "")))[:20],
        status=find_status(words_of(fields.get("status", ""))) or find_status(said),
        replycode=find_replycode(said),
        diagnostic=words,
        remote_mta=clean_host(words_of(details.get("remoteMtaIp", ""))),
        reporting_mta=clean_host(words_of(details.get("reportingMTA", "")).removeprefix("dsn;").removeprefix("dns;")),
        message_id=message_id,
    )


def section(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def entries(details: dict[str, Any], name: str) -> list[Any]:
    value = details.get(name)
    if not isinstance(value, list):
        return []
    if len(value) > MAX_RECIPIENTS:
        met(TOO_MANY_RECIPIENTS)
    return value[:MAX_RECIPIENTS]


def address(entry: Any) -> str | None:
    text = entry.get("emailAddress", "") if isinstance(entry, dict) else entry
    return find_address(words_of(text)) or None
