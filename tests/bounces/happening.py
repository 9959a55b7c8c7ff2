"""What tests of incidents share: good addresses, and what a provider does to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from bounces.models import Address, Incident
from bounces.process import run_flow
from bounces.recording import Told, record
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.histories import told
from tests.builders import NOW

UNKNOWN = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", True, "test")
CODES = {"replycode": "550", "status": "5.1.1", "diagnostic": "550 5.1.1 no such user"}


def delivery(email: str, at: datetime) -> Told:
    return told(Event.DELIVERED, (NOW - at) / timedelta(days=1), recipient=email)


def refusal(email: str, at: datetime, mta: str = "", campaign: str = "") -> Told:
    days = (NOW - at) / timedelta(days=1)
    return told(Event.BOUNCED, days, UNKNOWN, recipient=email, remote_mta=mta, campaign=campaign, **CODES)


def happened(several: Iterable[Told], now: datetime = NOW) -> None:
    with transaction.atomic():
        record(list(several))
    run_flow(lambda: now)


def people(count: int, domain: str = "gmail.com") -> list[str]:
    return [f"p{number:04}@{domain}" for number in range(count)]


def good(emails: list[str]) -> list[str]:
    happened([delivery(email, NOW - timedelta(days=20)) for email in emails], NOW - timedelta(days=20))
    return emails


def invalid() -> set[str]:
    return set(Address.objects.filter(status="invalid").values_list("email", flat=True))


def an_incident(count: int = 20, *, at: datetime = NOW - timedelta(hours=1)) -> Incident:
    happened([refusal(email, at) for email in good(people(count))], at + timedelta(hours=1))
    return Incident.objects.get()


def url_of(incident: Incident, name: str = "incident") -> str:
    return reverse(f"bounces:{name}", args=[incident.pk])
