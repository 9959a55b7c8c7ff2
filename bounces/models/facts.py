"""What happened: attempts, bounces with their evidence, complaints, and the identity of every event.

In: rows written by `bounces/recording.py`. Out: what `bounces/evaluation.py` judges and the pages show.
Facts are never edited by people; a bounce's verdict may change only by better evidence or by its standing.

Ready to be partitioned by month: ids grow with time, uniqueness across months is EventKey's, and nothing has a
foreign key to Attempt or InboundItem (plain ids). Vocabulary: `bounces/values.py`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now

from bounces.conditions import COUNTED_HARD, COUNTED_SOFT, COUNTS, HARD
from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.values import Event, Fault, Kind, Standing, Trust

models.TextField.register_lookup(Length, "length")

DIAGNOSTIC_LENGTH = 2000
CLAIMED = "The date it gave, where that cannot be: before 1990, or after we heard of it. It orders nothing."


class Attempt(models.Model):
    """One message sent to one address, by us or by a tool that tells us: the denominator of every rate.

    What became of it is kept as dates, each the earliest (opens and clicks as counts), so that any order of events
    gives the same row.
    """

    address = models.ForeignKey(Address, models.CASCADE, related_name="attempts", db_index=False)
    sender = models.TextField(blank=True, default="", help_text="Who sent it: a mailbox or a tool.")
    campaign_key = models.TextField(blank=True, default="", help_text="The campaign, as its sender names it.")
    provider = models.TextField(
        blank=True, default="", help_text="Who receives there, as known when the message was first told of."
    )
    message_id = models.TextField(blank=True, default="", help_text="Message-ID without angle brackets.")
    provider_id = models.TextField(blank=True, default="", help_text="The sending provider's own id.")
    sent_at = models.DateTimeField()
    newest_at = models.DateTimeField(null=True, blank=True, help_text="The newest that a tool told of it.")
    delivered_at = models.DateTimeField(null=True, blank=True)
    deferred_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    bounce_standing = models.TextField(
        choices=choices(Standing),
        default=Standing.COUNTED,
        db_default=Standing.COUNTED.value,
        help_text="Whether its failure counts: the standing of its bounce.",
    )
    complained_at = models.DateTimeField(null=True, blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)
    opens = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [one_of("bounce_standing", Standing, "attempt_bounce_standing_known")]
        indexes = [
            models.Index(fields=["address", "sent_at"], name="attempt_address"),
            models.Index(fields=["message_id"], name="attempt_message", condition=~Q(message_id="")),
            models.Index(fields=["provider_id"], name="attempt_provider", condition=~Q(provider_id="")),
            models.Index(fields=["campaign_key", "sent_at"], name="attempt_campaign", condition=~Q(campaign_key="")),
            models.Index(fields=["sender", "sent_at"], name="attempt_sender", condition=~Q(sender="")),
            models.Index(fields=["provider", "sent_at"], name="attempt_receiver"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"

    @property
    def outcome(self) -> str:
        """What became of it, the gravest first: a bounce after a delivery is still a bounce."""
        for word in ("complained", "bounced", "replied", "delivered", "deferred"):
            if getattr(self, f"{word}_at"):
                return word
        return "sent"


class MergedAttempt(models.Model):
    """Which attempt took the place of one that turned out to be the same message: return paths may still name it."""

    attempt_id = models.BigIntegerField(primary_key=True)
    into_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["into_id"], name="merged_into")]

    def __str__(self) -> str:
        return f"attempt {self.attempt_id} is attempt {self.into_id}"


class Bounce(models.Model):
    """One failed attempt. The same failure told by several channels is one Bounce with several pieces of Evidence."""

    address = models.ForeignKey(Address, models.CASCADE, related_name="bounces", db_index=False)
    attempt_id = models.BigIntegerField(null=True, blank=True)
    campaign_key = models.TextField(blank=True, default="", help_text="The campaign it is counted under.")
    sender = models.TextField(blank=True, default="", help_text="The sender it is counted under.")
    provider = models.TextField(
        blank=True, default="", help_text="Who refused: by the remote MTA, else the domain’s receiver, else the domain."
    )
    kind = models.TextField(choices=choices(Kind))
    fault = models.TextField(choices=choices(Fault))
    reason = models.TextField(help_text="A slug of the reasons' list, such as userunknown.")
    standing = models.TextField(choices=choices(Standing), default=Standing.COUNTED)
    smtp_code = models.PositiveSmallIntegerField(null=True, blank=True)
    enhanced_code = models.TextField(blank=True, default="")
    diagnostic = models.TextField(blank=True, default="")
    remote_mta = models.TextField(blank=True, default="")
    forwarded_to = models.TextField(
        blank=True, db_default="", help_text="Where the address’s mail is forwarded to; it failed there."
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    failure_key = models.BinaryField(max_length=32, editable=False)
    rule = models.TextField(blank=True, default="", help_text="The classification rule that decided.")
    evidence_rank = models.TextField(default="", editable=False, help_text="Orders evidence; the greatest decides.")
    incident_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["failure_key"], name="bounce_failure_key_unique"),
            one_of("kind", Kind, "bounce_kind_known"),
            one_of("fault", Fault, "bounce_fault_known"),
            one_of("standing", Standing, "bounce_standing_known"),
            models.CheckConstraint(
                condition=Q(smtp_code__isnull=True) | Q(smtp_code__range=(200, 599)),
                name="bounce_smtp_code_range",
            ),
            models.CheckConstraint(
                condition=Q(diagnostic__length__lte=DIAGNOSTIC_LENGTH), name="bounce_diagnostic_bounded"
            ),
        ]
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="bounce_list"),
            models.Index(fields=["reason", "occurred_at", "id"], name="bounce_by_reason"),
            models.Index(fields=["kind", "occurred_at", "id"], name="bounce_by_kind"),
            models.Index(fields=["fault", "occurred_at", "id"], name="bounce_by_fault"),
            models.Index(fields=["smtp_code", "enhanced_code", "id"], name="bounce_by_code"),
            models.Index(
                fields=["standing", "occurred_at", "id"],
                name="bounce_by_standing",
                condition=~COUNTS,
            ),
            models.Index(fields=["address", "occurred_at"], name="bounce_address"),
            models.Index(
                fields=["address", "occurred_at"],
                name="bounce_hard",
                condition=COUNTED_HARD,
            ),
            models.Index(
                fields=["address", "occurred_at"],
                include=["fault", "reason"],
                name="bounce_soft",
                condition=COUNTED_SOFT,
            ),
            models.Index(
                fields=["provider", "occurred_at"],
                name="bounce_provider",
                condition=HARD,
            ),
            models.Index(fields=["attempt_id"], name="bounce_attempt", condition=Q(attempt_id__isnull=False)),
            models.Index(fields=["address"], name="bounce_unlinked", condition=Q(attempt_id__isnull=True)),
            models.Index(
                fields=["incident_id", "standing", "occurred_at"],
                name="bounce_incident",
                condition=Q(incident_id__isnull=False),
            ),
            models.Index(
                fields=["recorded_at"],
                name="bounce_not_understood",
                condition=Q(rule="default") & COUNTS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} bounce: {self.reason}"


class Evidence(models.Model):
    """What one source said of one failure: all that the rules look at, so that it can be judged again."""

    bounce = models.ForeignKey(Bounce, models.CASCADE, related_name="evidence")
    inbound_item_id = models.BigIntegerField(null=True, blank=True)
    source = models.TextField(help_text="The door it came through.")
    trust = models.TextField(choices=choices(Trust))
    kind = models.TextField(choices=choices(Kind))
    fault = models.TextField(choices=choices(Fault))
    reason = models.TextField()
    smtp_code = models.PositiveSmallIntegerField(null=True, blank=True)
    enhanced_code = models.TextField(blank=True, default="")
    diagnostic = models.TextField(blank=True, default="")
    command = models.TextField(blank=True, default="", help_text="The SMTP command that was refused.")
    remote_mta = models.TextField(blank=True, default="")
    forwarded_to = models.TextField(
        blank=True, db_default="", help_text="Where the address’s mail is forwarded to; it failed there."
    )
    reporting_mta = models.TextField(blank=True, default="")
    provider = models.TextField(blank=True, default="", help_text="Who receives there, as known when this was told.")
    reader = models.TextField(blank=True, default="")
    rule = models.TextField(blank=True, default="")
    rank = models.TextField()
    occurred_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True, help_text=CLAIMED)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            one_of("kind", Kind, "evidence_kind_known"),
            one_of("fault", Fault, "evidence_fault_known"),
            one_of("trust", Trust, "evidence_trust_known"),
        ]
        indexes = [
            models.Index(fields=["inbound_item_id"], name="evidence_item"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"

    @property
    def is_proved(self) -> bool:
        """Whether it counts: by the word of its source, or by a token or an attempt (which its rank tells)."""
        return self.trust == Trust.TRUSTED or self.rank.startswith("1")


class Complaint(models.Model):
    """The recipient pressed "spam" (RFC 5965, or an event of a tool). Not a bounce; suppresses at once."""

    address = models.ForeignKey(Address, models.CASCADE, related_name="complaints")
    attempt_id = models.BigIntegerField(null=True, blank=True)
    campaign_key = models.TextField(blank=True, default="", help_text="The campaign it is counted under.")
    sender = models.TextField(blank=True, default="", help_text="The sender it is counted under.")
    provider = models.TextField(blank=True, default="", help_text="Who receives there, as known when it was told.")
    inbound_item_id = models.BigIntegerField(null=True, blank=True)
    source = models.TextField()
    standing = models.TextField(choices=choices(Standing), default=Standing.COUNTED)
    feedback_type = models.TextField(default="abuse")
    occurred_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True, help_text=CLAIMED)
    recorded_at = models.DateTimeField(db_default=Now())
    complaint_key = models.BinaryField(max_length=32, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint_key"], name="complaint_key_unique"),
            one_of("standing", Standing, "complaint_standing_known"),
        ]
        indexes = [models.Index(fields=["inbound_item_id"], name="complaint_item")]

    def __str__(self) -> str:
        return f"complaint: {self.feedback_type}"


class EventKey(models.Model):
    """The identity of an event that was recorded: the same event twice changes nothing the second time."""

    source = models.TextField()
    key = models.TextField()
    event = models.TextField(choices=choices(Event))
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="eventkey_unique")]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"
