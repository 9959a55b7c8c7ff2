"""What a cleaning run that re-judges history found: by which rules, how far, which bounces get another verdict.

In: rows written by `bounces/rejudging/` alone. Out: the preview, the report, and what taking it back goes by.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bounces.models.cleaning import CleaningRun
from bounces.models.constraints import choices, one_of
from bounces.models.facts import Bounce
from bounces.models.rules import RuleOverride
from bounces.values import Fault, Kind


class Rejudging(models.Model):
    """The part of a run that judges the stored bounces again. Its rules are kept with it: they may change meanwhile."""

    run = models.OneToOneField(CleaningRun, models.CASCADE, primary_key=True, related_name="rejudging")
    overrides = models.JSONField(default=list, help_text="The overrides that it judges by, beside the shipped rules.")
    fingerprint = models.TextField(help_text="Of all its rules: a preview is applied while these are in force.")
    tried = models.TextField(blank=True, default="", help_text="The rule that is tried; empty: the rules in force.")
    tried_row = models.ForeignKey(RuleOverride, models.SET_NULL, null=True, blank=True, related_name="+")
    until = models.BigIntegerField(default=0, editable=False, help_text="The newest bounce when it was started.")
    cursor = models.BigIntegerField(default=0, editable=False, help_text="The last bounce that was judged.")
    total = models.PositiveBigIntegerField(default=0, help_text="Bounces.")
    judged = models.PositiveBigIntegerField(default=0)
    is_judged = models.BooleanField(default=False, help_text="All are; what follows is about addresses.")
    found = models.PositiveBigIntegerField(default=0, help_text="Bounces whose kind, fault or reason changes.")
    renamed = models.PositiveBigIntegerField(default=0, help_text="Only the rule, or what is said besides, changes.")
    applied = models.PositiveBigIntegerField(default=0)
    left_out = models.PositiveBigIntegerField(default=0)
    undone = models.PositiveBigIntegerField(default=0)
    kept = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "re-judging"

    def __str__(self) -> str:
        return f"re-judging of {self.run_id}"

    @property
    def written(self) -> int:
        """The bounces that it writes anew."""
        return self.found + self.renamed

    def progress(self, stage: str) -> tuple[int, int] | None:
        """Bounces done, and all; None while its addresses are judged."""
        if stage == CleaningRun.State.APPLYING:
            return self.applied + self.left_out, self.written
        if stage == CleaningRun.State.UNDOING:
            return self.undone + self.kept, self.applied
        return None if self.is_judged else (self.judged, self.total)


class RejudgedBounce(models.Model):
    """One bounce that is judged otherwise than it was."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "Not applied"
        APPLIED = "applied", "Applied"
        LEFT_OUT = "left_out", "Left out: had news since"
        UNDONE = "undone", "Taken back"
        KEPT = "kept", "Kept: judged anew since"

    run = models.ForeignKey(CleaningRun, models.CASCADE, related_name="rejudged", db_index=False)
    bounce = models.ForeignKey(Bounce, models.CASCADE, related_name="+")
    address_id = models.BigIntegerField()
    from_kind = models.TextField(choices=choices(Kind))
    from_fault = models.TextField(choices=choices(Fault))
    from_reason = models.TextField()
    from_rule = models.TextField(blank=True, default="")
    to_kind = models.TextField(choices=choices(Kind))
    to_fault = models.TextField(choices=choices(Fault))
    to_reason = models.TextField()
    to_rule = models.TextField(blank=True, default="")
    moves = models.BooleanField(help_text="Kind, fault or reason changes.")
    decided_by = models.BigIntegerField(help_text="The piece of evidence that decides then.")
    evidence = models.JSONField(default=list, help_text="Of each piece that is judged otherwise: id, before, after.")
    outcome = models.TextField(choices=Outcome, default=Outcome.PENDING)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "bounce"], name="rejudgedbounce_once"),
            one_of("to_kind", Kind, "rejudgedbounce_kind_known"),
            one_of("to_fault", Fault, "rejudgedbounce_fault_known"),
            one_of("outcome", ("pending", "applied", "left_out", "undone", "kept"), "rejudgedbounce_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["run", "address_id", "id"], name="rejudged_pending", condition=Q(outcome="pending")),
            models.Index(fields=["run", "address_id", "id"], name="rejudged_applied", condition=Q(outcome="applied")),
        ]

    def __str__(self) -> str:
        return f"bounce {self.bounce_id}: {self.from_reason} → {self.to_reason}"
