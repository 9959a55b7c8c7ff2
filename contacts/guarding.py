"""What `contacts` does when a guard pauses: the running campaign of that key is paused, and runs no more before it.

In: an outbox payload of topic `guard_paused`. Out: Campaign.state; why a campaign may not run. Stage: announce. May run
twice, and late: a guard that a person has resumed by then pauses nothing.
"""

from __future__ import annotations

from typing import Any

from bounces.guards import pause_of
from contacts.models import Campaign


def pause_campaign(payload: dict[str, Any]) -> None:
    if payload["dimension"] == "campaign" and pause_of("campaign", payload["key"]):
        Campaign.objects.filter(key=payload["key"], state=Campaign.State.RUNNING).update(state=Campaign.State.PAUSED)


def refusal(campaign: Campaign) -> str:
    """Why it may not run; empty where it may."""
    if pause_of("campaign", campaign.key) is None:
        return ""
    return f"The guard of {campaign} has paused it: a manager resumes the guard first, with a reason."
