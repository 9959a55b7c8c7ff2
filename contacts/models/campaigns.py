"""What we send: a campaign and the contacts in it.

In: rows of the pages and the admin. Out: who would be written to, and the key by which attempts name the campaign.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.urls import reverse

from bounces.demands import Demand, WritesTo
from bounces.models.constraints import one_of
from contacts.models.people import Contact

MOST_QUIET_DAYS = 3650
WRITES_TO = [
    (WritesTo.ANY.value, "Everyone who may be written to, with caution too"),
    (WritesTo.SURE.value, "Leave out addresses with caution: at risk, silent, desks"),
    (WritesTo.VALID.value, "Only addresses known to be alive"),
]


class Campaign(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"

    name = models.TextField()
    key = models.SlugField(max_length=80, db_index=False, help_text="How attempts and events name this campaign.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="campaigns"
    )
    state = models.TextField(choices=State, default=State.DRAFT)
    description = models.TextField(blank=True, default="")
    writes_to = models.TextField(
        "whom it writes to",
        choices=WRITES_TO,
        default=WritesTo.SURE.value,
        help_text="Of those who may be written to at all. What the policy refuses stays refused.",
    )
    quiet_days = models.PositiveSmallIntegerField(
        "days without a bounce",
        null=True,
        blank=True,
        help_text="Leaves out addresses with a bounce of any kind in so many last days. Empty: it does not ask.",
    )
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    contacts = models.ManyToManyField(Contact, through="CampaignMember", related_name="campaigns")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="campaign_key_unique"),
            models.UniqueConstraint(Lower("name"), name="campaign_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="campaign_name_given"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "running", "paused", "finished"]), name="campaign_state_known"
            ),
            one_of("writes_to", WritesTo, "campaign_writes_to_known"),
            models.CheckConstraint(
                condition=Q(quiet_days__isnull=True) | Q(quiet_days__range=(1, MOST_QUIET_DAYS)),
                name="campaign_quiet_days_make_sense",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="campaign_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": "A campaign ends on or after the day it starts."})
        if self.quiet_days is not None and not 1 <= self.quiet_days <= MOST_QUIET_DAYS:
            raise ValidationError({"quiet_days": f"A number from 1 to {MOST_QUIET_DAYS:,} is needed, or none."})

    @property
    def demand(self) -> Demand:
        """What it asks of an address beyond the policy."""
        return Demand(f"campaign “{self.name}”", WritesTo(self.writes_to), self.quiet_days or 0)

    def get_absolute_url(self) -> str:
        return reverse("contacts:campaign", args=[self.pk])


class CampaignMember(models.Model):
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="members", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "contact"], name="campaignmember_once")]

    def __str__(self) -> str:
        return f"contact {self.contact_id} in campaign {self.campaign_id}"
