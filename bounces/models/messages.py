"""What is known of messages beyond their attempts: other names, and what became of those that no tool has told of yet.

In: rows of `bounces/recording/`. Out: the same facts whatever was told first.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.values import Event


class SameMessage(models.Model):
    """Two names of one message that no attempt keeps both: whatever bears either of them is about that message."""

    address = models.ForeignKey(Address, models.CASCADE, related_name="+", db_index=False)
    message_id = models.TextField(help_text="Message-ID without angle brackets.")
    provider_id = models.TextField(help_text="The sending provider's own id, or the envelope's.")
    is_sure = models.BooleanField(
        help_text="Told by a tool or with a token. Others are believed while the provider's id has one Message-ID."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["address", "message_id", "provider_id"], name="samemessage_once")
        ]

    def __str__(self) -> str:
        return f"{self.message_id} is {self.provider_id}"


class EarlyOutcome(models.Model):
    """What became of a message before any tool told of it. Its attempt takes it over when it comes."""

    address = models.ForeignKey(Address, models.CASCADE, related_name="+")
    name = models.TextField(help_text="m: and a Message-ID, or p: and a provider's id.")
    event = models.TextField(choices=choices(Event))
    occurred_at = models.DateTimeField()
    sender = models.TextField(blank=True, default="")
    campaign_key = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [one_of("event", Event, "earlyoutcome_event_known")]
        indexes = [models.Index(fields=["recorded_at"], name="earlyoutcome_recorded")]

    def __str__(self) -> str:
        return f"{self.event} {self.name}"
