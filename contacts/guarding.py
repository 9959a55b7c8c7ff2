"""What `contacts` does when a guard pauses: the running campaign of that key is paused.

In: an outbox payload of topic `guard_paused`. Out: Campaign.state. Stage: announce. May run twice, and late: a guard
that a person has resumed by then pauses nothing.
"""

from __future__ import annotations

from typing import Any

from bounces.guards import pause_of
from contacts.models import Campaign


def pause_campaign(payload: dict[str, Any]) -> None:
    if payload["dimension"] == "campaign" and pause_of("campaign", payload["key"]):
        Campaign.objects.filter(key=payload["key"], state=Campaign.State.RUNNING).update(state=Campaign.State.PAUSED)
