"""Amazon SES: what django-anymail does not read of its events.

In: an `Arrival` that was believed (see `sns.py`). Out: as of `normal.py`. Bounces with the codes of each recipient,
deliveries that are still tried, people who unsubscribed by Amazon's own page; the rest is anymail's. Source:
docs.aws.amazon.com/ses, "Event record contents" and "Amazon SNS notification contents".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bounces.intake.webhooks import normal
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.labels import code_of, look_up
from bounces.intake.webhooks.normal import Found, broken, checked, moment, smtp
from bounces.intake.webhooks.words import NOT_SENT
from bounces.values import Event

SUPPRESSED = ("Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList")
ENDED = "Somebody ended the subscription at Amazon: nothing more comes from this topic. Subscribe the URL again."
read_others = normal.read_by("amazon_ses")


def read_ses(arrival: Arrival, now: datetime) -> list[Found]:
    try:
        message = json.loads(arrival.body)
        event = json.loads(message["Message"]) if message.get("Type") == "Notification" else {}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return read_others(arrival, now)  # the sentence with which a subscription begins is no JSON
    if message.get("Type") == "UnsubscribeConfirmation":
        return [Found({}, ENDED, is_broken=True)]  # set aside, so that the source's page says that somebody is needed
    kind = look_up(event, "eventType") or look_up(event, "notificationType")
    try:
        if kind == "Bounce":
            return [bounce_of(event, each, message, now) for each in event["bounce"]["bouncedRecipients"]]
        if kind == "DeliveryDelay":
            return [delay_of(event, each, message, now) for each in event["deliveryDelay"]["delayedRecipients"]]
        if kind == "Subscription" and is_goodbye(event):
            return [goodbye_of(event, each, message, now) for each in event["mail"]["destination"]]
    except (TypeError, LookupError) as error:
        return [broken(error)]
    return read_others(arrival, now)


def bounce_of(event: Mapping[str, Any], bounced: Any, message: Mapping[str, Any], now: datetime) -> Found:
    words = look_up(bounced, "diagnosticCode").removeprefix("smtp;").strip()
    if not words and look_up(event, "bounce.bounceSubType") in SUPPRESSED:
        words = NOT_SENT
    status = look_up(bounced, "status") if words else code_of("amazon_ses", event) or look_up(bounced, "status")
    told = {
        **common(event, Event.BOUNCED, look_up(bounced, "emailAddress"), message),
        "occurred_at": moment(look_up(event, "bounce.timestamp"), now),
        "smtp": {**smtp(words, status=status), "remote_mta": look_up(event, "bounce.remoteMtaIp")},
    }
    return checked({name: value for name, value in told.items() if value}, now)


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
