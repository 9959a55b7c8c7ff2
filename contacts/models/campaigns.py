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

from contacts.models.people import Contact


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
