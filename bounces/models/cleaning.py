"""One evaluation of many addresses: the run, which addresses it is about, and what it found.

In: rows written by `bounces/cleaning.py` alone. Out: the preview, the report, and what undo goes by.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.models.judgement import Policy
from bounces.values import Status


class CleaningRun(models.Model):
    """One cleaning run, from the button to the report."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        EVALUATING = "evaluating", "Evaluating"
        READY = "ready", "Preview ready"
        APPLYING = "applying", "Applying"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    RUNNING = (State.QUEUED, State.EVALUATING, State.APPLYING)

    state = models.TextField(choices=State, default=State.QUEUED)
    scope = models.TextField(default="all", help_text="All addresses, or those that its caller chose.")
    scope_label = models.TextField(default="All addresses")
    dry_run = models.BooleanField(default=False, help_text="Stop at the preview.")
    via = models.TextField(default="page", help_text="The door: page, command, schedule.")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    as_of = models.DateTimeField(null=True, blank=True, help_text="The facts up to this moment were judged.")
    total = models.PositiveBigIntegerField(default=0, help_text="Addresses in scope.")
    cursor = models.BigIntegerField(default=0, editable=False, help_text="The last address that was evaluated.")
    evaluated = models.PositiveBigIntegerField(default=0)
    changes = models.PositiveBigIntegerField(default=0, help_text="Addresses whose status would move.")
    applied = models.PositiveBigIntegerField(default=0)
    left_out = models.PositiveBigIntegerField(default=0, help_text="Had news since the evaluation; judged by that.")
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of(
                "state",
                ("queued", "evaluating", "ready", "applying", "done", "failed", "cancelled"),
                "run_state_known",
            ),
            one_of("scope", ("all", "chosen"), "run_scope_known"),
        ]
        indexes = [
            models.Index(
                fields=["state"],
                name="run_running",
                condition=Q(state__in=["queued", "evaluating", "applying"]),
            )
        ]

    def __str__(self) -> str:
        return f"cleaning run {self.pk}"

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING

    @property
    def percent(self) -> int:
        """How far it is: evaluation is the first half, applying the second."""
        if self.state in (self.State.DONE, self.State.READY):
            return 100
        if self.state == self.State.APPLYING:
            return 50 + (50 * (self.applied + self.left_out) // self.changes if self.changes else 50)
        return 50 * self.evaluated // self.total if self.total else 0


class CleaningTarget(models.Model):
    """One address that a run of chosen addresses is about."""

    run = models.ForeignKey(CleaningRun, models.CASCADE, related_name="targets", db_index=False)
    address = models.ForeignKey(Address, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "address"], name="cleaningtarget_once")]

    def __str__(self) -> str:
        return f"target {self.address_id} of run {self.run_id}"


class CleaningRow(models.Model):
    """One address whose status (or its reason) a run moves."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "Not applied"
        APPLIED = "applied", "Applied"
        LEFT_OUT = "left_out", "Left out: had news since"

    run = models.ForeignKey(CleaningRun, models.CASCADE, related_name="rows", db_index=False)
    address = models.ForeignKey(Address, models.CASCADE, related_name="+")
    from_status = models.TextField(choices=choices(Status))
    to_status = models.TextField(choices=choices(Status))
    rule = models.TextField()
    evidence = models.JSONField(default=dict)
    reevaluate_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(choices=Outcome, default=Outcome.PENDING)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "address"], name="cleaningrow_once"),
            one_of("to_status", Status, "cleaningrow_to_known"),
            one_of("outcome", ("pending", "applied", "left_out"), "cleaningrow_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["run", "id"], name="cleaningrow_pending", condition=Q(outcome="pending")),
            models.Index(fields=["run", "rule", "id"], name="cleaningrow_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"
