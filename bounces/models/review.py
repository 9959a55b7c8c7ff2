"""What people asked and decided where the facts alone leave a question open.

In: rows of `bounces/review.py` alone. Out: the review queue's history, and what undo goes by. What is open is mostly
not stored: it follows from the facts (`questions.py`), so that it closes by itself when newer facts answer it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from bounces.models.address import Address
from bounces.models.constraints import one_of


class ReviewItem(models.Model):
    """One question that somebody asked, or one decision about one or many."""

    class Cause(models.TextChoices):
        ASKED = "asked", "Somebody asks to restore it"
        CONFLICT = "conflict", "It bounced for good, and seems to live"
        UNKNOWN = "unknown", "Nobody’s rule understood why"
        UNPROVED = "unproved", "Not proved to be about our mail"

    class Decision(models.TextChoices):
        OPEN = "", "Open"
        RESTORE = "restore", "Restored"
        REFUSE = "refuse", "Refused"
        KEEP = "keep", "Left as it is"
        COUNT = "count", "Counted"
        DISCARD = "discard", "Discarded"

    cause = models.TextField(choices=Cause)
    key = models.TextField(blank=True, default="", help_text="The group, of what was decided for many.")
    address = models.ForeignKey(Address, models.CASCADE, null=True, blank=True, related_name="review_items")
    note = models.TextField(blank=True, default="", help_text="Why it was asked.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(choices=Decision, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="Why it was decided so.")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    number = models.PositiveIntegerField(default=1, help_text="How many bounces, items or addresses it was about.")
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="Of what was left as it is: the newest fact that was looked at."
    )
    effects = models.JSONField(default=dict, editable=False, help_text="What it changed, by ids: undo goes by them.")
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("cause", ("asked", "conflict", "unknown", "unproved"), "reviewitem_cause_known"),
            one_of("decision", ("", "restore", "refuse", "keep", "count", "discard"), "reviewitem_decision_known"),
            models.CheckConstraint(
                condition=Q(decision="", cause="asked", asked_by__isnull=False, asked_at__isnull=False)
                | (~Q(decision="") & ~Q(reason="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="reviewitem_asked_or_decided_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(undone_by__isnull=False), name="reviewitem_undone_by_a_person"
            ),
            models.CheckConstraint(
                condition=~Q(decision="keep") | Q(seen_at__isnull=False), name="reviewitem_kept_names_what_was_seen"
            ),
            models.UniqueConstraint(
                fields=["address"], condition=Q(cause="asked", decision=""), name="reviewitem_asked_once"
            ),
        ]
        indexes = [
            models.Index(fields=["cause", "key"], name="reviewitem_key", condition=Q(undone_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.get_decision_display()}"

    @property
    def about(self) -> str:
        """How many of what: `36 bounces`."""
        words = {self.Cause.UNKNOWN: ("bounce", "bounces"), self.Cause.UNPROVED: ("mail or event", "mails or events")}
        one, many = words.get(self.Cause(self.cause), ("address", "addresses"))
        return f"{self.number:,} {one if self.number == 1 else many}"

    @property
    def can_undo(self) -> bool:
        return self.undone_at is None and self.decision != self.Decision.OPEN
