"""Tells people by mail what cannot wait until they look.

In: outbox payloads. Out: mails to managers and admins. Stage: announce. May run twice: what was told says so.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from bounces.incidents import affected
from bounces.models import Incident
from bounces.providers import provider_name
from crm.models import User
from crm.roles import Role

INCIDENT = """\
{bounced} of {attempted} addresses at {provider} that worked lately came back as unknown within {hours} h
({share:.1f} %; usual there: {usual:.2f} %). That is more likely an error of theirs than the truth.

Rebound holds these bounces: they count against nobody until you decide.

{url}
"""


OVER = """\
{provider} takes mail to addresses again that it refused as unknown. {number} addresses missed what they were sent.

{next}

{url}
"""
NEXT = {
    Incident.State.OPEN: "Their bounces are still held: confirm or dismiss the incident. Then verify them again, or "
    "send them once more what they missed: the page has them by campaign, as a list, and tags their contacts.",
    Incident.State.PASSED: "Their bounces are discarded. Verify them again, or send them once more what they missed: "
    "the page has them by campaign, as a list, and tags their contacts.",
}


def tell_of_incident(payload: dict[str, Any]) -> None:
    incident = Incident.objects.select_for_update().filter(pk=payload["incident_id"], told_at__isnull=True).first()
    if incident is None:
        return
    text = INCIDENT.format(
        bounced=incident.good_bounced,
        attempted=incident.good_attempted,
        provider=provider_name(incident.provider),
        hours=incident.window_hours,
        share=incident.share * 100,
        usual=incident.usual_share * 100,
        url=_page_of(incident),
    )
    _tell_managers(f"Held: {provider_name(incident.provider)} refuses addresses that worked", text)
    incident.told_at = timezone.now()
    incident.save(update_fields=["told_at"])


def tell_that_it_is_over(payload: dict[str, Any]) -> None:
    """With what to do then. One that was dismissed meanwhile is no news any more."""
    waiting = Incident.objects.select_for_update().filter(pk=payload["incident_id"], told_over_at__isnull=True)
    incident = waiting.exclude(state=Incident.State.DISMISSED).first()
    if incident is None:
        return
    provider = provider_name(incident.provider)
    number = f"{affected(incident).count():,}"
    step = NEXT.get(Incident.State(incident.state), "")
    text = OVER.format(provider=provider, number=number, next=step, url=_page_of(incident))
    _tell_managers(f"Over: {provider} takes mail again", text)
    incident.told_over_at = timezone.now()
    incident.save(update_fields=["told_over_at"])


def _page_of(incident: Incident) -> str:
    return settings.SITE_URL.rstrip("/") + reverse("bounces:incident", args=[incident.pk])


def _tell_managers(subject: str, text: str) -> None:
    readers = User.objects.filter(is_active=True, role__in=[Role.MANAGER, Role.ADMIN]).exclude(email="")
    for email in readers.values_list("email", flat=True):
        send_mail(subject, text, None, [email])


STOPPED = """\
Rebound has stopped telling “{name}” what happens here.

{why}

{url}
"""


def tell_of_stopped_endpoint(name: str, why: str) -> None:
    """Once, by who switched it off."""
    text = STOPPED.format(
        name=name, why=why, url=settings.SITE_URL.rstrip("/") + reverse("admin:crm_webhookendpoint_changelist")
    )
    admins = User.objects.filter(is_active=True, role=Role.ADMIN).exclude(email="")
    for email in admins.values_list("email", flat=True):
        send_mail(f"Stopped: the webhook “{name}”", text, None, [email])
