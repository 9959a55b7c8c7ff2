"""What people decided, and what complaints and unsubscribes decided for them.

In: rows written by `bounces/rulings.py` and `bounces/suppressions.py` alone. Out: facts like any other.
A suppression is keyed by a keyed hash of its address, so that it survives the address' erasure; it is lifted by a
person with a reason, never by a machine (a constraint holds that).
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.address import Address
from bounces.models.constraints import one_of


class Ruling(models.Model):
    """A person's decision about an address."""

    class Kind(models.TextChoices):
        RESTORE = "restore", "Restore: older bounces count no more"
        WAIVE = "waive", "Waive: this rule, on evidence up to then, does not apply"
        HOLD = "hold", "Hold: do not write until released"
        UPHOLD = "uphold", "Uphold: this status stands, on evidence up to then"

    address = models.ForeignKey(Address, models.CASCADE, related_name="rulings")
    kind = models.TextField(choices=Kind)
    rule = models.TextField(blank=True, default="", help_text="Of a waive: the policy rule that does not apply.")
    status = models.TextField(blank=True, default="", help_text="Of an uphold: the stricter status that stands.")
    until = models.DateTimeField(null=True, blank=True, help_text="Of an uphold: when the status would have passed.")
    evidence = models.JSONField(default=dict, blank=True, help_text="Of an uphold: what had decided its status.")
    effective_at = models.DateTimeField(help_text="Evidence up to here is what was decided about.")
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    run = models.ForeignKey("CleaningRun", models.SET_NULL, null=True, blank=True, related_name="+")
    repair = models.ForeignKey("Repair", models.SET_NULL, null=True, blank=True, related_name="rulings", db_index=False)
    at = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            one_of("kind", ("restore", "waive", "hold", "uphold"), "ruling_kind_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="ruling_reason_given"),
            models.CheckConstraint(condition=~Q(kind="waive") | ~Q(rule=""), name="ruling_waive_names_its_rule"),
            models.CheckConstraint(
                condition=Q(kind="uphold", status__in=["at_risk", "invalid"]) & ~Q(rule="")
                | (~Q(kind="uphold") & Q(status="", until__isnull=True)),
                name="ruling_uphold_names_what_stands",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | Q(lifted_by__isnull=False),
                name="ruling_lifted_by_a_person",
            ),
        ]
        indexes = [
            models.Index(fields=["address"], name="ruling_uphold", condition=Q(kind="uphold")),
            models.Index(fields=["repair", "id"], name="ruling_repair", condition=Q(repair__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class Suppression(models.Model):
    """Never send here: an address or a whole domain, organisation-wide."""

    class Scope(models.TextChoices):
        ADDRESS = "address", "Address"
        DOMAIN = "domain", "Domain"

    class Reason(models.TextChoices):
        COMPLAINT = "complaint", "Complaint"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribed"
        BOUNCE = "bounce", "Bounced in another tool"
        MANUAL = "manual", "Set by hand"
        CLEANING = "cleaning", "Set by cleaning"

    scope = models.TextField(choices=Scope, default=Scope.ADDRESS)
    address = models.ForeignKey(Address, models.SET_NULL, null=True, blank=True, related_name="suppressions")
    address_key = models.BinaryField(max_length=32, null=True, editable=False)
    domain = models.TextField(blank=True, default="")
    reason = models.TextField(choices=Reason)
    source = models.TextField(help_text="The door or person that said so.")
    note = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    lift_reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            one_of("reason", ("complaint", "unsubscribe", "bounce", "manual", "cleaning"), "suppression_reason_known"),
            models.CheckConstraint(
                condition=Q(scope="address", address_key__isnull=False, domain="")
                | (Q(scope="domain", address_key__isnull=True, address__isnull=True) & ~Q(domain="")),
                name="suppression_address_or_domain",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | (Q(lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="suppression_lifted_by_a_person_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | ~Q(reason__in=["complaint", "unsubscribe"]),
                name="suppression_asked_for_has_no_end",
            ),
            models.UniqueConstraint(
                fields=["address_key", "reason"],
                condition=Q(lifted_at__isnull=True, scope="address"),
                name="suppression_address_once",
            ),
            models.UniqueConstraint(
                fields=["domain", "reason"],
                condition=Q(lifted_at__isnull=True, scope="domain"),
                name="suppression_domain_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.scope})"

    @property
    def target(self) -> str:
        """Whom it is about, as people read it. Reads the address."""
        if self.scope == self.Scope.DOMAIN:
            return f"everyone at {self.domain}"
        return self.address.email if self.address else "an erased address"

    def state_at(self, now: datetime) -> str:
        """in_force, expired or lifted."""
        if self.lifted_at:
            return "lifted"
        return "expired" if self.expires_at and self.expires_at <= now else "in_force"
