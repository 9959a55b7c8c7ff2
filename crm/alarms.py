"""Emails that tell people what cannot wait until they look.

In: outbox payloads, an endpoint that was switched off. Out: a row an email (`crm/mail/`), whose text is written here
when it is sent, of what is true then. Stage: announce. May run twice: nobody is told of an occasion twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from bounces.incidents import affected
from bounces.models import Incident
from bounces.providers import provider_name
from crm.mail.rows import queue_email
from crm.models import User, WebhookEndpoint
from crm.roles import Role


@dataclass(frozen=True, slots=True)
class Text:
    subject: str
    body: str


# --- an incident begins

BEGAN = "incident_began"
INCIDENT = """\
{bounced} of {attempted} addresses at {provider} that worked recently came back as unknown within {hours} h
({share:.1f}%; usual there: {usual:.2f}%). That is more likely the provider's error than the truth.

Rebound holds these bounces: they do not count against anybody until you decide.

{url}
"""


def tell_of_incident(payload: dict[str, Any]) -> None:
    """Receives `incident_opened`."""
    incident = Incident.objects.select_for_update().filter(pk=payload["incident_id"], told_at__isnull=True).first()
    if incident is None:
        return
    now = timezone.now()
    queue_email(BEGAN, incident.pk, f"incident-{incident.pk}", _managers(), now)
    incident.told_at = now
    incident.save(update_fields=["told_at"])


def write_began(incident_id: int) -> Text | None:
    incident = Incident.objects.exclude(state=Incident.State.DISMISSED).filter(pk=incident_id).first()
    if incident is None:
        return None
    provider = provider_name(incident.provider)
    body = INCIDENT.format(
        bounced=incident.good_bounced,
        attempted=incident.good_attempted,
        provider=provider,
        hours=incident.window_hours,
        share=incident.share * 100,
        usual=incident.usual_share * 100,
        url=_page_of(incident),
    )
    return Text(f"Held: {provider} refuses addresses that worked", body)


# --- it is over

ENDED = "incident_ended"
OVER = """\
{provider} accepts mail again for addresses that it refused as unknown. {number} addresses missed what they were sent.

{next}

{url}
"""
NEXT = {
    Incident.State.OPEN: "Their bounces are still held: confirm or dismiss the incident. Then verify them again, or "
    "send them once more what they missed: the page has them by campaign, as a list, and tags their contacts.",
    Incident.State.PASSED: "Their bounces are discarded. Verify them again, or send them once more what they missed: "
    "the page has them by campaign, as a list, and tags their contacts.",
}


def tell_that_it_is_over(payload: dict[str, Any]) -> None:
    """Receives `incident_over`. One that was dismissed meanwhile is no news any more."""
    waiting = Incident.objects.select_for_update().filter(pk=payload["incident_id"], told_over_at__isnull=True)
    incident = waiting.exclude(state=Incident.State.DISMISSED).first()
    if incident is None:
        return
    now = timezone.now()
    queue_email(ENDED, incident.pk, f"incident-{incident.pk}", _managers(), now)
    incident.told_over_at = now
    incident.save(update_fields=["told_over_at"])


def write_ended(incident_id: int) -> Text | None:
    """With what to do next."""
    incident = Incident.objects.exclude(state=Incident.State.DISMISSED).filter(pk=incident_id).first()
    if incident is None:
        return None
    provider = provider_name(incident.provider)
    number = f"{affected(incident).count():,}"
    step = NEXT.get(Incident.State(incident.state), "")
    body = OVER.format(provider=provider, number=number, next=step, url=_page_of(incident))
    return Text(f"Over: {provider} accepts mail again", body)


# --- a webhook was stopped

STOPPED = "webhook_stopped"
STOPPED_TEXT = """\
Rebound has stopped sending webhook events to “{name}”.

{why}

{url}
"""


def tell_of_stopped_endpoint(endpoint_id: int, now: datetime) -> None:
    """Once, by who switched it off, in the same transaction."""
    admins = User.objects.filter(role=Role.ADMIN)
    queue_email(STOPPED, endpoint_id, f"webhook-{endpoint_id}-{now:%Y%m%dT%H%M%S.%f}", admins, now)


def write_stopped(endpoint_id: int) -> Text | None:
    """None where somebody has switched it on again, or deleted it."""
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, is_enabled=False).first()
    if endpoint is None:
        return None
    url = _link("admin:crm_webhookendpoint_changelist")
    return Text(
        f"Stopped: the webhook “{endpoint.name}”",
        STOPPED_TEXT.format(name=endpoint.name, why=endpoint.stopped_why, url=url),
    )


# --- all of them


@dataclass(frozen=True, slots=True)
class Alarm:
    write: Callable[[int], Text | None]  # from the id of what it is about; None: no longer true
    readers: frozenset[str]  # the roles that may read it, asked again when it is sent


ALARMS = {
    BEGAN: Alarm(write_began, frozenset({Role.MANAGER, Role.ADMIN})),
    ENDED: Alarm(write_ended, frozenset({Role.MANAGER, Role.ADMIN})),
    STOPPED: Alarm(write_stopped, frozenset({Role.ADMIN})),
}


def write(kind: str, about_id: int | None, reader: User) -> Text | None:
    """What to tell the reader now; None where there is nothing to tell any more, or not to them."""
    alarm = ALARMS.get(kind)
    if alarm is None or about_id is None or not reader.is_active or reader.role not in alarm.readers:
        return None
    return alarm.write(about_id)


def _managers() -> QuerySet[User]:
    return User.objects.filter(role__in=[Role.MANAGER, Role.ADMIN])


def _page_of(incident: Incident) -> str:
    return _link("bounces:incident", incident.pk)


def _link(name: str, *arguments: object) -> str:
    return settings.SITE_URL.rstrip("/") + reverse(name, args=arguments)
