"""What follows from the facts: the policy's numbers, every change of status with its evidence, and who has news.

In: Policy rows from the admin; StatusChange and Dirty rows from `bounces/policy.py` and `bounces/recording.py`.
Out: the numbers of the evaluation, the history that pages and the API show. Source: DESIGN.md §4.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from bounces.models.address import Address
from bounces.models.constraints import choices, one_of
from bounces.policy_numbers import BY_NAME, MOST
from bounces.values import Status


def a_number(name: str, default: int) -> models.PositiveSmallIntegerField[Any, Any]:
    """A field that says of itself what `bounces/policy_numbers.py` says of it."""
    return models.PositiveSmallIntegerField(default=default, help_text=BY_NAME[name].explanation)


class Policy(models.Model):
    """One version of the numbers that decide status. The active one is used; old ones stay for the history.

    A draft has no version: numbers that somebody tried as a what-if.
    """

    version = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: a draft, tried and not in force.")
    is_active = models.BooleanField(default=False)
    hard_limit = a_number("hard_limit", 1)
    reply_grace_days = a_number("reply_grace_days", 30)
    soft_row_days = a_number("soft_row_days", 3)
    soft_row_span_days = a_number("soft_row_span_days", 14)
    soft_window_count = a_number("soft_window_count", 5)
    soft_window_days = a_number("soft_window_days", 90)
    risk_count = a_number("risk_count", 2)
    risk_window_days = a_number("risk_window_days", 30)
    silent_count = a_number("silent_count", 0)
    silent_days = a_number("silent_days", 180)
    note = models.TextField(blank=True, default="", help_text="Why this version was made.")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    NUMBERS = tuple(BY_NAME)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["version"], name="policy_version_unique"),
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="policy_one_active"),
            models.CheckConstraint(
                condition=Q(hard_limit__gte=1)
                & Q(soft_row_days__gte=2)
                & Q(soft_row_span_days__gte=1)
                & Q(soft_window_count__gte=2)
                & Q(soft_window_days__gte=1)
                & Q(risk_count__gte=1)
                & Q(risk_window_days__gte=1)
                & Q(silent_days__gte=1),
                name="policy_numbers_make_sense",
            ),
            models.CheckConstraint(
                condition=Q(**{f"{name}__lte": MOST for name in BY_NAME}), name="policy_numbers_have_an_end"
            ),
            models.CheckConstraint(
                condition=Q(soft_window_count__lte=F("soft_window_days")) & Q(risk_count__lte=F("risk_window_days")),
                name="policy_days_fit_into_their_window",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(version__isnull=False), name="policy_in_force_has_a_version"
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.version}" if self.version else "policy, a draft"

    @classmethod
    def active(cls) -> Policy:
        """The policy in force. A migration makes the first, so there always is one."""
        return cls.objects.get(is_active=True)

    @property
    def numbers(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.NUMBERS}


class StatusChange(models.Model):
    """One transition, append-only (a trigger refuses updates): from, to, the rule and what decided."""

    address = models.ForeignKey(Address, models.CASCADE, related_name="status_changes", db_index=False)
    from_status = models.TextField(choices=choices(Status))
    to_status = models.TextField(choices=choices(Status))
    rule = models.TextField()
    evidence = models.JSONField(default=dict, help_text="The counts and dates that decided.")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey("CleaningRun", models.PROTECT, null=True, blank=True, related_name="status_changes")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("from_status", Status, "statuschange_from_known"),
            one_of("to_status", Status, "statuschange_to_known"),
        ]
        indexes = [
            models.Index(fields=["address", "at"], name="statuschange_address"),
            models.Index(fields=["at", "id"], name="statuschange_at"),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status} ({self.rule})"


class Dirty(models.Model):
    """An address with news that the policy has not judged yet. One row a change; judged rows are deleted by id."""

    address_id = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "dirty"

    def __str__(self) -> str:
        return f"address {self.address_id}"
