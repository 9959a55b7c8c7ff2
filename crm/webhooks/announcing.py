"""What is announced becomes a delivery for each endpoint that asked for it.

In: outbox payloads (topics `status_changed`, `incident_opened`, `guard_paused`). Out: WebhookDelivery rows. Stage:
announce. May run twice: a message has one id, and an endpoint gets it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from bounces.models import Guard, Incident, StatusChange
from bounces.providers import provider_name
from bounces.sentences import explain_change
from crm.models import Topic, WebhookDelivery, WebhookEndpoint

CHANGES_A_MESSAGE = 100


def queue_status_changes(payload: dict[str, Any]) -> None:
    endpoints = listening_to(Topic.STATUS_CHANGED)
    ids = sorted(payload["change_ids"]) if endpoints else []
    for start in range(0, len(ids), CHANGES_A_MESSAGE):
        part = ids[start : start + CHANGES_A_MESSAGE]
        changes = StatusChange.objects.filter(pk__in=part).select_related("address").order_by("pk")
        data = {"changes": [describe_change(change) for change in changes]}
        queue(endpoints, Topic.STATUS_CHANGED, f"status-{part[0]}-{part[-1]}", data, timezone.now())


def describe_change(change: StatusChange) -> dict[str, Any]:
    return {
        "id": change.pk,
        "address": change.address.email,
        "from": change.from_status,
        "to": change.to_status,
        "rule": change.rule,
        "sentence": explain_change(change),
        "at": change.at.isoformat(),
    }


def queue_incident(payload: dict[str, Any]) -> None:
    for incident in Incident.objects.filter(pk=payload["incident_id"]):
        data = {
            "id": incident.pk,
            "provider": provider_name(incident.provider),
            "began_at": incident.began_at.isoformat(),
            "good_attempted": incident.good_attempted,
            "good_bounced": incident.good_bounced,
            "url": page("bounces:incident", incident.pk),
        }
        queue(
            listening_to(Topic.INCIDENT_OPENED), Topic.INCIDENT_OPENED, f"incident-{incident.pk}", data, timezone.now()
        )


def queue_guard(payload: dict[str, Any]) -> None:
    for guard in Guard.objects.filter(dimension=payload["dimension"], key=payload["key"]):
        data = {
            "dimension": guard.dimension,
            "key": guard.key,
            "sentence": guard.sentence,
            "paused_at": guard.paused_at.isoformat(),
            "url": page("bounces:reputation"),
        }
        name = f"guard-{guard.pk}-{int(guard.paused_at.timestamp())}"
        queue(listening_to(Topic.GUARD_PAUSED), Topic.GUARD_PAUSED, name, data, timezone.now())


def queue_test(endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """A message that says nothing, to see whether the tool takes it."""
    queue([endpoint], "test", f"test-{now.timestamp():.6f}", {"says": "This is a test."}, now)
    return endpoint.deliveries.filter(topic="test").latest("pk")


def listening_to(topic: str) -> list[WebhookEndpoint]:
    return list(WebhookEndpoint.objects.filter(is_enabled=True, topics__contains=[topic]))


def queue(endpoints: Iterable[WebhookEndpoint], topic: str, message_id: str, data: Any, now: datetime) -> None:
    payload = {"type": str(topic), "timestamp": now.isoformat(), "data": data}
    rows: Sequence[WebhookDelivery] = [
        WebhookDelivery(
            endpoint=endpoint, message_id=message_id, topic=topic, payload=payload, due_at=now, created_at=now
        )
        for endpoint in endpoints
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def page(name: str, *arguments: object) -> str:
    return settings.SITE_URL.rstrip("/") + reverse(name, args=arguments)
