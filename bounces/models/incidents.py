"""An incident: a receiving provider that suddenly refuses mailboxes which worked yesterday.

In: rows of `bounces/incidents.py` alone. Out: what the pages show, and which bounces are held (`Bounce.incident_id`).
GoodFailure and GoodMail are rolling counts of `bounces/noticing.py`: what it has worked out of the last days.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from bounces.models.constraints import one_of


class Incident(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "Waits for a decision"
        CONFIRMED = "confirmed", "Confirmed, going on"
        PASSED = "passed", "Confirmed and over"
        DISMISSED = "dismissed", "Dismissed"

    HOLDING = (State.OPEN, State.CONFIRMED)

    provider = models.TextField(help_text="As in Bounce.provider.")
    state = models.TextField(choices=State, default=State.OPEN)
    began_at = models.DateTimeField(help_text="Bounces from here on are held.")
    opened_at = models.DateTimeField(help_text="When it was noticed.")
    last_bounce_at = models.DateTimeField()
    look_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When it is looked at again whether it is over."
    )
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: it goes on. Bounces up to here belong to it."
    )
    window_hours = models.PositiveSmallIntegerField(help_text="Of the window that gave it away.")
    window_ends_at = models.DateTimeField()
    good_attempted = models.PositiveIntegerField(help_text="Recently good addresses written to in the window.")
    good_bounced = models.PositiveIntegerField(help_text="Those of them that came back as permanent failures.")
    usual_share = models.FloatField(help_text="The share that is usual at this provider.")
    chance = models.FloatField(help_text="How likely that is where nothing is wrong.")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, default="", help_text="Why it was decided so.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When managers were told by mail.")
    told_over_at = models.DateTimeField(null=True, blank=True, help_text="Likewise that it is over.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("state", ("open", "confirmed", "passed", "dismissed"), "incident_state_known"),
            models.UniqueConstraint(
                fields=["provider"],
                condition=Q(ended_at__isnull=True, state__in=["open", "confirmed"]),
                name="incident_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="incident_decided_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk} at {self.provider}"

    @property
    def is_going_on(self) -> bool:
        return self.ended_at is None and self.state in self.HOLDING

    @property
    def proposes(self) -> bool:
        """Whether it is over, and its addresses miss what they were sent: unless people believed the provider."""
        return self.ended_at is not None and self.state != self.State.DISMISSED

    @property
    def share(self) -> float:
        return self.good_bounced / self.good_attempted if self.good_attempted else 0.0


class GoodFailure(models.Model):
    """A hard bounce of an address that was recently good. Written when its address has news; of the last days alone."""

    bounce_id = models.BigIntegerField(primary_key=True)
    address_id = models.BigIntegerField()
    provider = models.TextField()
    hour = models.DateTimeField(help_text="In which the mail was sent.")

    class Meta:
        indexes = [
            models.Index(fields=["provider", "hour"], name="goodfailure_hour"),
            models.Index(fields=["address_id"], name="goodfailure_address"),
        ]

    def __str__(self) -> str:
        return f"bounce {self.bounce_id} at {self.provider}"


class GoodMail(models.Model):
    """How many good addresses a provider's mails of one window went to, at least: as counted when it was looked at."""

    provider = models.TextField()
    hours = models.PositiveSmallIntegerField(help_text="The window's length.")
    ends_at = models.DateTimeField()
    addresses = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "hours", "ends_at"], name="goodmail_once")]

    def __str__(self) -> str:
        return f"{self.addresses} at {self.provider}"
