"""A repair: what became invalid because of one provider, between two moments, for one reason, is taken back in one run.

In: rows of `bounces/repair.py` alone. Out: its page: how far it is, how many it brought back, and its undo.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.constraints import one_of


class Repair(models.Model):
    class State(models.TextChoices):
        RESTORING = "restoring", "Bringing back"
        DONE = "done", "Done"
        UNDOING = "undoing", "Taking back"
        UNDONE = "undone", "Taken back"
        FAILED = "failed", "Failed"

    RUNNING = (State.RESTORING, State.UNDOING)

    provider = models.TextField(help_text="As in Bounce.provider.")
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.TextField(blank=True, default="", help_text="A slug of the reasons; empty: any.")
    why = models.TextField()
    state = models.TextField(choices=State, default=State.RESTORING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    cursor = models.BigIntegerField(default=0, editable=False, help_text="The last address that it looked at.")
    total = models.PositiveBigIntegerField(default=0, help_text="Addresses that were found when it was started.")
    restored = models.PositiveBigIntegerField(default=0, help_text="Addresses that were judged again.")
    undone = models.PositiveBigIntegerField(default=0, help_text="Those of them that were taken back.")
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("state", ("restoring", "done", "undoing", "undone", "failed"), "repair_state_known"),
            models.CheckConstraint(condition=~Q(why=""), name="repair_reason_given"),
            models.CheckConstraint(
                condition=~Q(state__in=["undoing", "undone"]) | Q(undone_by__isnull=False, undone_at__isnull=False),
                name="repair_undone_by_a_person",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="repair_running", condition=Q(state__in=["restoring", "undoing"])),
        ]

    def __str__(self) -> str:
        return f"repair {self.pk}"

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING

    @property
    def can_undo(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED) and self.restored > self.undone

    @property
    def progress(self) -> tuple[int, int]:
        """How much of its present stage is done, and how much there is."""
        if self.state in (self.State.UNDOING, self.State.UNDONE):
            return self.undone, self.restored
        return self.restored, self.total

    @property
    def percent(self) -> int:
        done, whole = self.progress
        return min(100, 100 * done // whole) if whole else 100
