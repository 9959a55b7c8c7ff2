"""Events of providers that django-anymail does not know, or stumbles on.

In: an `Arrival` that was believed. Out: as of `normal.py`. Sources: forwardemail.net FAQ, "Do you support bounce
webhooks"; learn.microsoft.com, "Azure Communication Services - Email events", in the schemas of Event Grid and of
CloudEvents.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from bounces.intake.event_shape import LINE_LENGTH
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.labels import code_of, look_up
from bounces.intake.webhooks.normal import Found, broken, checked, moment, read_by, smtp, storable
from bounces.parsing.text import clean_line
from bounces.values import Event

AZURE_DELIVERY = "Microsoft.Communication.EmailDeliveryReportReceived"
AZURE_ENGAGEMENT = "Microsoft.Communication.EmailEngagementTrackingReportReceived"
AZURE_STATUS = {
    "delivered": Event.DELIVERED,
    "bounced": Event.BOUNCED,
    "failed": Event.BOUNCED,
    "filteredspam": Event.BOUNCED,
    "quarantined": Event.BOUNCED,
    "suppressed": Event.BOUNCED,
}
AZURE_WORDS = {
    "suppressed": "Not sent: on the provider's suppression list.",
    "filteredspam": "Message identified as spam.",
    "quarantined": "Message quarantined as spam.",
}
AZURE_ENGAGEMENTS = {"view": Event.OPENED, "click": Event.CLICKED}


CUSTOM = "X-Mailin-custom"
read_brevo_by_anymail = read_by("brevo")


def read_brevo(arrival: Arrival, now: datetime) -> list[Found]:
    """The header X-Mailin-custom is the sender's own, any text: anymail takes it for JSON, and fails on others."""
    try:
        said = json.loads(arrival.body)
        is_spoilt = CUSTOM in said and not is_json(said[CUSTOM])
        body = json.dumps({**said, CUSTOM: "{}"}).encode() if is_spoilt else arrival.body
    except (ValueError, TypeError, RecursionError) as error:
        return [broken(error)]
    return read_brevo_by_anymail(replace(arrival, body=body), now)


def is_json(text: Any) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, TypeError, RecursionError):
        return False


def read_forwardemail(arrival: Arrival, now: datetime) -> list[Found]:
    """Bounces, and nothing else: it tells of no other event."""
    try:
        said = json.loads(arrival.body)
        recipient = said["recipient"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return [broken(error)]
    words = clean_line(look_up(said, "response") or look_up(said, "bounce.message") or look_up(said, "message"))
    event = {
        "event_id": digest("forwardemail", look_up(said, "email_id"), str(recipient), arrival.body),
        "event": str(Event.BOUNCED),
        "recipient": recipient,
        "occurred_at": moment(look_up(said, "bounced_at"), now),
        "message_id": look_up(said, "headers.Message-ID").strip("<>"),
        "provider_id": look_up(said, "email_id"),
        "smtp": smtp(words, look_up(said, "response_code"), look_up(said, "bounce.status")),
    }
    return [checked({name: value for name, value in event.items() if value}, now)]


def read_azure(arrival: Arrival, now: datetime) -> list[Found]:
    try:
        events = json.loads(arrival.body)
    except (ValueError, RecursionError) as error:
        return [broken(error)]
    if not isinstance(events, list):
        events = [events]
    return [read_grid_event(event, now) for event in events]


def read_grid_event(said: Any, now: datetime) -> Found:
    kind = look_up(said, "eventType") or look_up(said, "type")
    if kind == AZURE_ENGAGEMENT:
        event = AZURE_ENGAGEMENTS.get(look_up(said, "data.engagementType").lower())
        at = look_up(said, "data.userActionTimestamp")
    else:
        event = AZURE_STATUS.get(look_up(said, "data.status").lower()) if kind == AZURE_DELIVERY else None
        at = look_up(said, "data.deliveryAttemptTimeStamp") or look_up(said, "data.deliveryAttemptTimestamp")
    if event is None:
        name = look_up(said, "data.status") or kind or "nothing"
        return Found({}, storable(f"Nothing that is recorded: the provider calls it “{name[:60]}”."))
    recipient = look_up(said, "data.recipient")
    found: dict[str, Any] = {
        "event_id": digest("azure", look_up(said, "id"), recipient, repr(said).encode("utf-8", "replace")),
        "event": str(event),
        "recipient": recipient,
        "occurred_at": moment(at, now),
        "message_id": look_up(said, "data.internetMessageId").strip("<>"),
        "provider_id": look_up(said, "data.messageId"),
        "sender": look_up(said, "data.sender"),
    }
    if event is Event.BOUNCED:
        told = look_up(said, "data.deliveryStatusDetails.statusMessage")
        words = AZURE_WORDS.get(look_up(said, "data.status").lower(), "")
        host = look_up(said, "data.deliveryStatusDetails.recipientMailServerHostName")[:LINE_LENGTH]
        smtp_told = smtp(clean_line(f"{words} {told}"), status="" if told else code_of("azure", said))
        found["smtp"] = {**smtp_told, "remote_mta": host} if host else smtp_told
    return checked({name: value for name, value in found.items() if value}, now)


def digest(*parts: str | bytes) -> str:
    """What names an event: its provider's id and recipient; the whole of it where there is no id."""
    named = parts[:-1] if parts[1] else parts
    raw = [part.encode("utf-8", "replace") if isinstance(part, str) else part for part in named]
    return hashlib.sha256(b"\0".join(raw)).hexdigest()
