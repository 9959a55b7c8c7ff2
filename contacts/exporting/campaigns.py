"""Campaigns -> rows of a file, with the numbers of their page.

In: a queryset of what a person may see. Out: one row each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet

from bounces.exporting import one_by_one
from bounces.lists import ListFilter
from contacts import guarding
from contacts.counting import Sent, count_sent
from contacts.models import Campaign, CampaignMember

CHUNK = 500  # campaigns whose numbers are read together
CAMPAIGN_COLUMNS = {
    "name": "Name",
    "key": "Key",
    "state": "State",
    "owner": "Owner",
    "members": "Members",
    "attempted": "Sent",
    "delivered": "Delivered",
    "bounced": "Bounced",
    "held": "Held by an incident",
    "complaints": "Complaints",
    "bounce_rate": "Bounce rate (%)",
    "starts_on": "Starts on",
    "ends_on": "Ends on",
}


class CampaignFilter(ListFilter):
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *guarding.STATES.items()])

    def rows(self, campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
        return guarding.in_state(campaigns, self.chosen().get("state", ""))


def campaign_rows(campaigns: QuerySet[Campaign]) -> Iterator[list[Any]]:
    """The newest first, as their page has them. A constant number of queries a chunk."""
    found = one_by_one(campaigns.select_related("owner").order_by("-pk"), CHUNK)
    while chunk := list(islice(found, CHUNK)):
        yield from _rows(chunk)


def _rows(campaigns: Sequence[Campaign]) -> Iterator[list[Any]]:
    sent = count_sent([one.key for one in campaigns])
    shown = guarding.shown_states(campaigns)
    members = _members([one.pk for one in campaigns])
    for one in campaigns:
        numbers = sent.get(one.key, Sent())
        yield [
            one.name,
            one.key,
            shown[one.pk].label,
            one.owner.email if one.owner else "",
            members.get(one.pk, 0),
            numbers.attempted,
            numbers.delivered,
            numbers.bounced,
            numbers.held,
            numbers.complaints,
            None if numbers.bounce_rate is None else round(100 * numbers.bounce_rate, 2),
            one.starts_on,
            one.ends_on,
        ]


def _members(campaign_ids: Sequence[int]) -> dict[int, int]:
    """Contacts that are there, by campaign."""
    present = Q(contact__deleted_at__isnull=True)
    rows = CampaignMember.objects.filter(present, campaign__in=campaign_ids).order_by().values_list("campaign_id")
    return dict(rows.annotate(number=Count("pk")))
