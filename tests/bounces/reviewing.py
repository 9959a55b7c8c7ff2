"""What tests of questions to people share: facts that leave something open, the flow, and a decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.test import Client

from bounces import process, review
from bounces.models import Address, Bounce
from bounces.recording import record
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.happening import refusal
from tests.bounces.histories import told
from tests.builders import NOW, a_user, days_ago

UNDECIDED = Judgement(Kind.SOFT, Fault.UNKNOWN, "onhold", False, "default")


def run(now: datetime = NOW) -> None:
    process.run_flow(lambda: now)


def tell(*several: Any) -> None:
    with transaction.atomic():
        record(list(several))
    run()


def decide(cause: str, key: Any, decision: str, now: datetime = NOW) -> int:
    return review.decide(cause, [str(key)], decision, a_user("manager"), "I looked.", now)


def an_invalid_address() -> Address:
    tell(refusal("ada@gmail.com", days_ago(3)))
    return Address.objects.get(email="ada@gmail.com")


def not_understood(email: str, said: str = "", days: float = 1) -> Bounce:
    """Recorded as it comes in, so that the daily counts know of it."""
    words = said or f"554 <{email}> frobnicated at 12:{len(email)}"
    tell(told(Event.BOUNCED, days, UNDECIDED, recipient=email, diagnostic=words))
    return Bounce.objects.latest("pk")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client
