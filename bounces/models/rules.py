"""Rules of an admin's own, and changes to those that ship with Rebound.

In: rows written by the admin's form, which has them checked by `bounces/classification/overrides.py`. Out: what
`bounces/rules_in_force.py` puts before the shipped rules.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.classification.overrides import MOST_PATTERNS, Effect, Override
from bounces.classification.ruleset import WRITABLE
from bounces.models.constraints import choices, one_of
from bounces.models.facts import DIAGNOSTIC_LENGTH
from bounces.values import Fault, Kind


class RuleOverride(models.Model):
    """An own rule, or a change to the shipped rule of that name. What was judged before stays until it is re-judged."""

    EFFECTS = (
        (Effect.ADD.value, "A rule of our own"),
        (Effect.CHANGE.value, "Change a rule of Rebound’s"),
        (Effect.OFF.value, "Switch a rule of Rebound’s off"),
    )
    ARRAYS = ("patterns", "commands", "statuses")
    TEXTS = ("name", "table", "code", "host", "reason", "kind", "fault", "example", "example_host", "note")

    name = models.TextField(help_text="Stored with every bounce that it decides. Of a rule of Rebound’s: its name.")
    effect = models.TextField("what it does", choices=EFFECTS, default=Effect.ADD.value)
    table = models.TextField("looks at", choices=choices(WRITABLE), blank=True, default="", db_column="looks_at")
    patterns = ArrayField(models.TextField(), blank=True, default=list)
    together = models.BooleanField("all of them in one clause", default=False, db_default=False)
    code = models.TextField(blank=True, default="")
    host = models.TextField("hosts", blank=True, default="")
    commands = ArrayField(models.TextField(), verbose_name="only where refused", blank=True, default=list)
    statuses = ArrayField(models.TextField(), verbose_name="only with the enhanced codes", blank=True, default=list)
    reason = models.TextField(blank=True, default="")
    kind = models.TextField(choices=choices((Kind.HARD, Kind.SOFT)), blank=True, default="")
    fault = models.TextField(choices=choices(Fault), blank=True, default="")
    example = models.TextField(blank=True, default="")
    example_host = models.TextField("refused by", blank=True, default="")
    note = models.TextField("why", blank=True, default="")
    is_enabled = models.BooleanField("in force", default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "rule of ours"
        verbose_name_plural = "rules of ours"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="ruleoverride_name_unique"),
            models.CheckConstraint(condition=Q(name__regex=r"^[a-z0-9]+([.-][a-z0-9]+)*$"), name="ruleoverride_slug"),
            one_of("effect", Effect, "ruleoverride_effect_known"),
            one_of("table", ("", *WRITABLE), "ruleoverride_table_known"),
            one_of("kind", ("", Kind.HARD, Kind.SOFT), "ruleoverride_kind_known"),
            one_of("fault", ("", *Fault), "ruleoverride_fault_known"),
            models.CheckConstraint(
                condition=Q(effect=Effect.OFF.value) | (~Q(reason="") & ~Q(note="")),
                name="ruleoverride_says_reason_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(effect=Effect.ADD.value)
                | (~Q(example="") & Q(table__in=["providers", "phrases"], code="", patterns__len__gte=1))
                | (~Q(example="") & Q(table__in=["enhanced_codes", "reply_codes", "commands"], patterns__len=0))
                & ~Q(code=""),
                name="ruleoverride_looks_at_words_or_a_code",
            ),
            models.CheckConstraint(
                condition=Q(effect=Effect.ADD.value)
                | Q(table="", code="", host="", patterns__len=0, commands__len=0, statuses__len=0),
                name="ruleoverride_of_a_shipped_rule_has_no_words",
            ),
            models.CheckConstraint(
                condition=Q(together=False) | Q(table__in=["providers", "phrases"], patterns__len__gte=2),
                name="ruleoverride_together_are_several_words",
            ),
            models.CheckConstraint(
                condition=Q(patterns__len__lte=MOST_PATTERNS) & Q(example__length__lte=DIAGNOSTIC_LENGTH),
                name="ruleoverride_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def as_override(self) -> Override:
        """The value that the classification knows. Raises ValueError for an effect that it does not have."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.TEXTS}
        given |= {name: tuple(getattr(self, name) or ()) for name in self.ARRAYS}
        return Override(effect=Effect(self.effect), together=self.together, **given)
