"""Guards: what stops a campaign, a sender or a sending domain whose mails come back too often.

In: rows of `bounces/guards.py` alone. Out: what the pages show and what the sender asks before it sends.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.constraints import one_of


class Guard(models.Model):
    """One guard that has paused at least once. Those without a row are armed."""

    class Dimension(models.TextChoices):
        CAMPAIGN = "campaign", "Campaign"
        SENDER = "sender", "Sender"
        SENDER_DOMAIN = "sender_domain", "Sending domain"

    class State(models.TextChoices):
        ARMED = "armed", "Armed"
        PAUSED = "paused", "Paused"

    dimension = models.TextField(choices=Dimension)
    key = models.TextField()
    state = models.TextField(choices=State)
    rule = models.TextField(help_text="Of the newest pause: first or lately.")
    bounced = models.PositiveIntegerField(help_text="Attempts that failed for good …")
    attempted = models.PositiveIntegerField(help_text="… of these.")
    paused_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True, blank=True, help_text="Attempts up to here were decided about.")
    resumed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    resume_reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dimension", "key"], name="guard_once"),
            one_of("dimension", ("campaign", "sender", "sender_domain"), "guard_dimension_known"),
            models.CheckConstraint(
                condition=Q(state="paused")
                | (Q(state="armed", resumed_at__isnull=False, resumed_by__isnull=False) & ~Q(resume_reason="")),
                name="guard_resumed_by_a_person_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_dimension_display()} {self.key}"

    @property
    def sentence(self) -> str:
        """Why it paused, as people read it."""
        if self.rule == "first":
            return f"{self.bounced} of the first {self.attempted} emails bounced (limit 3 of 50)."
        share = self.bounced / self.attempted * 100
        return f"{self.bounced} of the last {self.attempted} emails bounced ({share:.1f}%, limit 2%)."
