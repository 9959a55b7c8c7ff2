"""One evaluation of many addresses: the run, which addresses it is about, and what it found.

In: rows written by `bounces/cleaning/` alone. Out: the preview, the report, and what undo goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.models.judgement import Policy
from bounces.values import Status


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly a run goes: addresses a second, and the time that its present stage still takes."""

    rate: float
    left: timedelta


class CleaningRun(models.Model):
    """One cleaning run, from the button to the report."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        EVALUATING = "evaluating", "Evaluating"
        READY = "ready", "Preview ready"
        APPLYING = "applying", "Applying"
        PAUSED = "paused", "Paused"
        UNDOING = "undoing", "Taking back"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    RUNNING = (State.QUEUED, State.EVALUATING, State.APPLYING, State.UNDOING)
    PAUSABLE = (State.QUEUED, State.EVALUATING, State.APPLYING)
    UNDOABLE = (State.DONE, State.FAILED, State.CANCELLED)

    state = models.TextField(choices=State, default=State.QUEUED)
    scope = models.TextField(default="all", help_text="All addresses, or those that its caller chose.")
    scope_label = models.TextField(default="All addresses")
    dry_run = models.BooleanField(default=False, help_text="Stop at the preview.")
    what_if = models.BooleanField(default=False, help_text="Judged by numbers that are not in force: never applied.")
    rejudges = models.BooleanField(default=False, help_text="Judges the stored bounces again before their addresses.")
    returns_to = models.TextField(blank=True, default="", help_text="The state after a pause or an undo.")
    via = models.TextField(default="page", help_text="The door: page, command, schedule, policy.")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    as_of = models.DateTimeField(null=True, blank=True, help_text="The facts up to this moment were judged.")
    total = models.PositiveBigIntegerField(default=0, help_text="Addresses in scope.")
    cursor = models.BigIntegerField(default=0, editable=False, help_text="The last address of its present stage.")
    evaluated = models.PositiveBigIntegerField(default=0)
    changes = models.PositiveBigIntegerField(default=0, help_text="Addresses whose status would move.")
    applied = models.PositiveBigIntegerField(default=0)
    left_out = models.PositiveBigIntegerField(default=0, help_text="Had news since the evaluation; judged by that.")
    before = models.JSONField(default=dict, help_text="Addresses by status, as they were when it had judged them.")
    undone = models.PositiveBigIntegerField(default=0, help_text="Taken back.")
    kept = models.PositiveBigIntegerField(default=0, help_text="Not taken back: newer facts decided since.")
    undo_reason = models.TextField(blank=True, default="")
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    pace_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Its present stage began.")
    pace_from = models.PositiveBigIntegerField(default=0, editable=False)
    error = models.TextField(blank=True, default="")
    goes_on_as = models.OneToOneField(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", help_text="The run by the next policy."
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of(
                "state",
                ("queued", "evaluating", "ready", "applying", "paused", "undoing", "done", "failed", "cancelled"),
                "run_state_known",
            ),
            one_of("scope", ("all", "chosen"), "run_scope_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["paused", "undoing"]) | ~Q(returns_to=""), name="run_knows_where_it_returns_to"
            ),
            models.CheckConstraint(
                condition=Q(what_if=False) | Q(dry_run=True, applied=0), name="run_what_if_is_never_applied"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | (Q(undone_by__isnull=False) & ~Q(undo_reason="")),
                name="run_undone_by_a_person_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"],
                name="run_running",
                condition=Q(state__in=["queued", "evaluating", "applying", "undoing"]),
            )
        ]

    def __str__(self) -> str:
        return f"cleaning run {self.pk}"

    @property
    def noun(self) -> str:
        """What people call it: "What-if" (of numbers), "Try" (of rules), "Preview", "Cleaning run"."""
        if self.what_if:
            return "Try" if self.rejudges else "What-if"
        return "Preview" if self.dry_run else "Cleaning run"

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING

    @property
    def is_earnest(self) -> bool:
        """Whether it writes what it judges: it is no preview, and the verdicts that it judges by are recorded."""
        return not (self.dry_run or self.what_if or self.rejudges)

    @property
    def writes_at_once(self) -> bool:
        """Whether its steps judge and write: those of a preview that is applied write alone."""
        return self.state == self.State.EVALUATING and self.is_earnest

    @property
    def has_lost_verdicts(self) -> bool:
        """Whether it was to judge bounces again, but the row that says by which rules is gone. It cannot go on."""
        return self.rejudges and not hasattr(self, "rejudging")

    @property
    def can_undo(self) -> bool:
        """Whether anything that it applied may still be taken back. After an undo it looks at what is left."""
        if self.has_lost_verdicts:
            return False
        done: Any = self.rejudging if self.rejudges else self
        if self.state not in self.UNDOABLE or done.applied <= done.undone + done.kept:
            return False
        left = self.rows.filter(outcome=CleaningRow.Outcome.APPLIED).exclude(from_status=F("to_status"))
        return self.undone_at is None or self.rejudges or bool(left.exists())

    @property
    def progress(self) -> tuple[int, int]:
        """How much of its present stage is done, and how much there is."""
        stage = self.returns_to if self.state == self.State.PAUSED else self.state
        if self.rejudges and not self.has_lost_verdicts:
            return self.rejudging.progress(stage) or (self.evaluated, self.total)
        if stage == self.State.APPLYING:
            return self.applied + self.left_out, self.changes
        if stage == self.State.UNDOING:
            return self.undone + self.kept, self.applied
        return self.evaluated, self.total

    @property
    def percent(self) -> int:
        """How far it is. Where applying is a stage of its own, evaluation is the first half."""
        if self.state in (self.State.DONE, self.State.READY):
            return 100
        done, whole = self.progress
        part = min(done / whole, 1.0) if whole else float(self.state == self.State.APPLYING)
        stage = self.returns_to if self.state == self.State.PAUSED else self.state
        if stage == self.State.UNDOING or (stage == self.State.EVALUATING and self.is_earnest):
            return int(100 * part)
        return int(50 * part) + (50 if stage == self.State.APPLYING else 0)

    def pace(self, now: datetime) -> Pace | None:
        """None until the present stage has come some way."""
        done, whole = self.progress
        seconds = (now - self.pace_at).total_seconds() if self.pace_at else 0.0
        if not self.is_running or seconds <= 0 or done <= self.pace_from:
            return None
        rate = (done - self.pace_from) / seconds
        return Pace(rate, timedelta(seconds=max(whole - done, 0) / rate))


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
        UNDONE = "undone", "Taken back"
        KEPT = "kept", "Kept: newer facts decided since"

    # Written by the step that has locked its run, about addresses that it has just read: the foreign keys are kept by
    # that, and by the cascades. Checked once more by the database, each row would cost more than twice as much.
    run = models.ForeignKey(CleaningRun, models.CASCADE, related_name="rows", db_index=False, db_constraint=False)
    address = models.ForeignKey(Address, models.CASCADE, related_name="+", db_constraint=False)
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
            one_of("outcome", ("pending", "applied", "left_out", "undone", "kept"), "cleaningrow_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["run", "rule", "id"], name="cleaningrow_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"

    def is_as(self, transition: Any) -> bool:
        """Whether a later judgement (`policy.Transition`) says the same."""
        return (self.to_status, self.rule) == (transition.to_status, transition.rule)
