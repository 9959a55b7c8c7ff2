"""The state of a campaign as everybody sees it: a running one that a guard stops is *Paused by guard*.

In: campaigns, the guards of `bounces`. Out: the shown state with the guards behind it, for pages, API, admin, filters
and exports; why a campaign may not run. A guard is that of the campaign, or of a sender or sending domain of its last
mails. The state is looked up, never stored: the moment a guard pauses or is resumed, every page says so.

What happens when a guard pauses (outbox topic `guard_paused`): the running campaign of that key is set to paused, so
that resuming the guard does not start it. May run twice, and late: a guard resumed by then pauses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from bounces.guards import pause_of, pauses_of_campaigns
from bounces.models import Guard
from contacts.models import Campaign

State = Campaign.State
PAUSED_BY_GUARD = "paused_by_guard"
STATES: dict[str, str] = {
    State.DRAFT.value: "Draft",
    State.RUNNING.value: "Running",
    PAUSED_BY_GUARD: "Paused by guard",
    State.PAUSED.value: "Paused",
    State.FINISHED.value: "Finished",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """`guards` are those that stop it; empty unless the state is *Paused by guard*."""

    state: str
    guards: tuple[Guard, ...] = ()

    @property
    def label(self) -> str:
        return STATES[self.state]

    @property
    def is_paused_by_guard(self) -> bool:
        return self.state == PAUSED_BY_GUARD


def shown_states(campaigns: Iterable[Campaign]) -> dict[int, Shown]:
    """The state of each campaign, by its id. A constant number of queries."""
    listed = list(campaigns)
    stopped = pauses_of_campaigns({one.key for one in listed if one.state in (State.RUNNING, State.PAUSED)})
    return {one.pk: _shown(one, stopped.get(one.key, [])) for one in listed}


def shown_state(campaign: Campaign) -> Shown:
    return shown_states([campaign])[campaign.pk]


def _shown(campaign: Campaign, guards: list[Guard]) -> Shown:
    """One that a person paused stays Paused where only a sender's guard would stop it, too."""
    own = any(guard.dimension == Guard.Dimension.CAMPAIGN for guard in guards)
    is_stopped = campaign.state == State.RUNNING if guards and not own else own
    return Shown(PAUSED_BY_GUARD, tuple(guards)) if is_stopped else Shown(campaign.state)


def in_state(campaigns: QuerySet[Campaign], state: str) -> QuerySet[Campaign]:
    """Those in one of STATES, as they are shown. All of them where the state is none of those."""
    if state not in STATES:
        return campaigns
    if state not in (State.RUNNING, State.PAUSED, PAUSED_BY_GUARD):
        return campaigns.filter(state=state)
    candidates = campaigns.filter(state__in=[State.RUNNING, State.PAUSED])
    stopped = [pk for pk, shown in shown_states(candidates).items() if shown.is_paused_by_guard]
    if state == PAUSED_BY_GUARD:
        return campaigns.filter(pk__in=stopped)
    return campaigns.filter(state=state).exclude(pk__in=stopped)


def pause_campaign(payload: dict[str, Any]) -> None:
    if payload["dimension"] == "campaign" and pause_of("campaign", payload["key"]):
        Campaign.objects.filter(key=payload["key"], state=State.RUNNING).update(state=State.PAUSED)


def refusal(campaign: Campaign) -> str:
    """Why it may not run; empty where it may."""
    guards = pauses_of_campaigns([campaign.key]).get(campaign.key, [])
    if not guards:
        return ""
    names = ", ".join(f"{guard.get_dimension_display().lower()} {guard.key}" for guard in guards)
    return f"{campaign} is paused by guard ({names}). A manager resumes sending first, with a reason."
