"""What to offer first on a contact's page: what the verdict on the primary address allows.

In: the contact, its primary address with its verdict, who looks. Out: the links and campaigns to offer, best first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from bounces.models import ReviewItem, Suppression
from bounces.values import Answer, Status
from bounces.verdict import Verdict
from contacts.access import campaigns_for, can_change_campaign
from contacts.models import Campaign, Contact, ContactAddress

MOST_CAMPAIGNS = 50
FALLEN = (Status.INVALID, Status.AT_RISK)


@dataclass(frozen=True, slots=True)
class Step:
    """A link. `icon_name` is one of Lucide's."""

    label: str
    url: str
    icon_name: str


@dataclass(frozen=True, slots=True)
class NextSteps:
    """`campaigns`: those that this person may add the contact to. Where there are none, the first link leads."""

    links: list[Step] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)


def next_steps(
    user: Any,
    contact: Contact,
    primary: tuple[ContactAddress, Verdict] | None,
    suppressed: list[Suppression],
    asked: ReviewItem | None,
) -> NextSteps:
    if primary is None:
        return NextSteps()
    reached, verdict = primary
    if verdict.answer == Answer.NO:
        return NextSteps(links=_ways_back(user, contact, reached.address_id, verdict, suppressed, asked))
    joined = contact.memberships.values("campaign")
    others = campaigns_for(user).exclude(pk__in=joined).exclude(state=Campaign.State.FINISHED)[:MOST_CAMPAIGNS]
    campaigns = [campaign for campaign in others if can_change_campaign(user, campaign)]
    write = Step("Write", f"mailto:{quote(reached.address.email, safe='@')}", "mail")
    return NextSteps(links=[write], campaigns=campaigns)


def _ways_back(
    user: Any,
    contact: Contact,
    address_id: int,
    verdict: Verdict,
    suppressed: list[Suppression],
    asked: ReviewItem | None,
) -> list[Step]:
    """A suppression comes first: while it stands, a restored address is still not written to."""
    back = f"?next={quote(contact.get_absolute_url())}"
    links = []
    if suppressed and user.has_perm("bounces.change_suppression"):
        links.append(Step("Lift suppression…", reverse("bounces:lift", args=[suppressed[0].pk]) + back, "lock-open"))
    if verdict.status in FALLEN and user.has_perm("bounces.restore_address"):
        links.append(Step("Restore…", reverse("bounces:restore", args=[address_id]) + back, "undo-2"))
    elif verdict.status in FALLEN and user.has_perm("bounces.ask_restore") and not (asked and not asked.decision):
        links.append(Step("Ask to restore…", reverse("bounces:ask_restore", args=[address_id]) + back, "undo-2"))
    return links
