"""Tells people by mail what cannot wait until they look.

In: outbox payloads. Out: mails to managers and admins. Stage: announce. May run twice: what was told says so.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

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


def tell_of_incident(payload: dict[str, Any]) -> None:
    incident = Incident.objects.select_for_update().filter(pk=payload["incident_id"], told_at__isnull=True).first()
    readers = User.objects.filter(is_active=True, role__in=[Role.MANAGER, Role.ADMIN]).exclude(email="")
    if incident is None:
        return
    text = INCIDENT.format(
        bounced=incident.good_bounced,
        attempted=incident.good_attempted,
        provider=provider_name(incident.provider),
        hours=incident.window_hours,
        share=incident.share * 100,
        usual=incident.usual_share * 100,
        url=settings.SITE_URL.rstrip("/") + reverse("bounces:incident", args=[incident.pk]),
    )
    subject = f"Held: {provider_name(incident.provider)} refuses addresses that worked"
    for email in readers.values_list("email", flat=True):
        send_mail(subject, text, None, [email])
    incident.told_at = timezone.now()
    incident.save(update_fields=["told_at"])


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
