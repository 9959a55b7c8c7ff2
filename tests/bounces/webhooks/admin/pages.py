"""Where a source's pages are, and what their buttons say."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from bounces.models import IntakeSource

SITE = "http://rebound.example"


def change(source: IntakeSource) -> str:
    return reverse("admin:bounces_intakesource_change", args=[source.pk])


def press(client: Client, action: str, source: IntakeSource) -> str:
    """Presses a button and its dialog's; what was said then."""
    response = client.post(reverse(f"admin:bounces_intakesource_{action}", args=[source.pk]), {"_form_submitted": "on"})
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def save(client: Client, source: IntakeSource, **data: str) -> Any:
    return client.post(change(source), {"trust": source.trust, "is_enabled": "on", **data})
