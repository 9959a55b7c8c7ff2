"""Amazon SES: what django-anymail does not read of its events.

In: an `Arrival` that was believed (see `sns.py`). Out: as of `normal.py`. Deliveries that are still tried, and people
who unsubscribed by Amazon's own page; the rest is anymail's. Source: docs.aws.amazon.com/ses, "Event record contents".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bounces.intake.webhooks import normal
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.labels import look_up
from bounces.intake.webhooks.normal import Found, broken, checked, moment, smtp
from bounces.values import Event

read_others = normal.read_by("amazon_ses")


def read_ses(arrival: Arrival, now: datetime) -> list[Found]:
    try:
        message = json.loads(arrival.body)
        event = json.loads(message["Message"]) if message.get("Type") == "Notification" else {}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return read_others(arrival, now)  # the sentence with which a subscription begins is no JSON
    try:
        if look_up(event, "eventType") == "DeliveryDelay":
            return [delay_of(event, each, message, now) for each in event["deliveryDelay"]["delayedRecipients"]]
        if look_up(event, "eventType") == "Subscription" and is_goodbye(event):
            return [goodbye_of(event, each, message, now) for each in event["mail"]["destination"]]
    except (TypeError, LookupError) as error:
        return [broken(error)]
    return read_others(arrival, now)


def delay_of(event: Mapping[str, Any], delayed: Any, message: Mapping[str, Any], now: datetime) -> Found:
    words = look_up(delayed, "diagnosticCode").removeprefix("smtp;").strip()
    told = {
        **common(event, Event.DEFERRED, look_up(delayed, "emailAddress"), message),
        "occurred_at": moment(look_up(event, "deliveryDelay.timestamp"), now),
        "smtp": smtp(words or look_up(event, "deliveryDelay.delayType"), status=look_up(delayed, "status")),
    }
    return checked({name: value for name, value in told.items() if value}, now)


def is_goodbye(event: Mapping[str, Any]) -> bool:
    """Of all topics. Who leaves one topic of several still reads the others."""
    preferences = normal.dig(event, "subscription.newTopicPreferences.unsubscribeAll")
    return preferences is True


def goodbye_of(event: Mapping[str, Any], recipient: Any, message: Mapping[str, Any], now: datetime) -> Found:
    told = {
        **common(event, Event.UNSUBSCRIBED, recipient, message),
        "occurred_at": moment(look_up(event, "subscription.timestamp"), now),
    }
    return checked({name: value for name, value in told.items() if value}, now)


def common(event: Mapping[str, Any], kind: Event, recipient: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    named = f"{kind}\0{recipient}\0{look_up(message, 'MessageId')}"
    return {
        "event_id": hashlib.sha256(named.encode("utf-8", "replace")).hexdigest(),
        "event": str(kind),
        "recipient": recipient,
        "message_id": look_up(event, "mail.commonHeaders.messageId").strip("<> "),
        "provider_id": look_up(event, "mail.messageId"),
        "sender": normal.address_in(look_up(event, "mail.source")),
    }
