"""The policy: every change makes a new version, the old ones stay as they were. Its history is to be read."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from bounces.admin.bases import STATUS_LABEL, FormAdmin, ReadOnlyAdmin, label_of
from bounces.models import Dirty, Policy, StatusChange
from bounces.sentences import explain_change

LEAST = {
    "hard_limit": 1,
    "soft_row_days": 2,
    "soft_row_span_days": 1,
    "soft_window_count": 2,
    "soft_window_days": 1,
    "risk_count": 1,
    "risk_window_days": 1,
    "reply_grace_days": 0,
}
MOST = 3650  # days; counts that nobody reaches in ten years switch a rule off in disguise


class PolicyForm(forms.ModelForm):
    """The same limits as the database's constraint, said by field."""

    class Meta:
        model = Policy
        fields = (*Policy.NUMBERS, "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in Policy.NUMBERS:
            if name in self.fields:
                self.fields[name].widget.attrs |= {"min": LEAST[name], "max": MOST}
        if "note" in self.fields:
            self.fields["note"].required = True
            self.initial["note"] = ""

    def clean(self) -> dict[str, Any]:
        numbers = super().clean() or {}
        for name in Policy.NUMBERS:
            number = numbers.get(name)
            if number is not None and not LEAST[name] <= number <= MOST:
                self.add_error(name, f"A number from {LEAST[name]} to {MOST:,} is needed.")
        self._check_days(numbers, "soft_window_count", "soft_window_days")
        self._check_days(numbers, "risk_count", "risk_window_days")
        return numbers

    def _check_days(self, numbers: dict[str, Any], count: str, window: str) -> None:
        """Bounce days are days: a window cannot hold more of them than it has."""
        if count in numbers and window in numbers and numbers[count] > numbers[window]:
            sentence = (
                f"{numbers[count]} bounce days do not fit into {numbers[window]} days: the rule would never apply."
            )
            self.add_error(count, ValidationError(sentence))

    def validate_constraints(self) -> None:
        """Version and activity are set when it is saved, as a new row."""


@admin.register(Policy)
class PolicyAdmin(FormAdmin):
    form = PolicyForm
    list_display = (
        "version_name",
        "state",
        "hard_limit",
        "soft_rules",
        "risk_rule",
        "note",
        "created_by",
        "created_at",
    )
    list_select_related = ("created_by",)
    ordering = ("-version",)
    fieldsets = (
        (None, {"fields": ("explanation",)}),
        ("Hard bounces", {"fields": (("hard_limit", "reply_grace_days"),)}),
        (
            "Soft bounces: invalid",
            {"fields": (("soft_row_days", "soft_row_span_days"), ("soft_window_count", "soft_window_days"))},
        ),
        ("Soft bounces: at risk", {"fields": (("risk_count", "risk_window_days"),)}),
        ("Why", {"fields": ("note",)}),
    )
    readonly_fields = ("explanation",)
    long_fields = ("note",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a version is made by changing the active one

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_active) and bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Policy, form: forms.ModelForm, change: bool) -> None:
        made = make_version(form.cleaned_data, by=request.user)
        obj.__dict__.update(made.__dict__)

    def response_change(self, request: HttpRequest, obj: Policy) -> HttpResponse:
        messages.success(
            request,
            f"Policy {obj.version} is in force. Addresses with news are judged by it from now on; "
            "a cleaning run judges all of them.",
        )
        return HttpResponseRedirect(reverse("admin:bounces_policy_changelist"))

    @display(description="Version", ordering="version", header=True)
    def version_name(self, policy: Policy) -> list[str]:
        return [f"Policy {policy.version}", ""]

    @display(description="State", label={"in force": "success", "kept for the history": "info"})
    def state(self, policy: Policy) -> str:
        return "in force" if policy.is_active else "kept for the history"

    @display(description="Soft: invalid")
    def soft_rules(self, policy: Policy) -> str:
        return (
            f"{policy.soft_row_days} in a row over {policy.soft_row_span_days} days, "
            f"or {policy.soft_window_count} in {policy.soft_window_days}"
        )

    @display(description="Soft: at risk")
    def risk_rule(self, policy: Policy) -> str:
        return f"{policy.risk_count} in {policy.risk_window_days} days"

    @display(description="How it works")
    def explanation(self, policy: Policy) -> str:
        if policy.is_active:
            following = (policy.version or 0) + 1
            return f"Policy {policy.version} is in force. Saving makes policy {following}; this one is kept."
        return f"Policy {policy.version} is kept, because status changes name it. It cannot be changed."


def make_version(numbers: dict[str, Any], *, by: Any) -> Policy:
    """A new active version; the one before stays, read-only. Two admins at once make two, one after the other."""
    with transaction.atomic():
        list(Policy.objects.select_for_update().order_by("pk"))
        newest = Policy.objects.aggregate(newest=Max("version"))["newest"] or 0
        Policy.objects.filter(is_active=True).update(is_active=False)
        given = {name: numbers[name] for name in (*Policy.NUMBERS, "note")}
        return Policy.objects.create(version=newest + 1, is_active=True, created_by=by, **given)


@admin.register(StatusChange)
class StatusChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "address", "from_label", "to_label", "sentence", "policy", "run", "actor")
    list_select_related = ("address", "policy", "run", "actor")
    list_filter = ("to_status", "from_status")
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."
    fields = ("address", ("from_status", "to_status"), "sentence", "rule", "evidence", "policy", ("run", "actor"), "at")
    readonly_fields = ("sentence",)

    @display(description="From", label=STATUS_LABEL, ordering="from_status")
    def from_label(self, change: StatusChange) -> tuple[str, str]:
        return label_of(change.from_status, change.get_from_status_display())

    @display(description="To", label=STATUS_LABEL, ordering="to_status")
    def to_label(self, change: StatusChange) -> tuple[str, str]:
        return label_of(change.to_status, change.get_to_status_display())

    @display(description="Why")
    def sentence(self, change: StatusChange) -> str:
        return explain_change(change)


@admin.register(Dirty)
class DirtyAdmin(ReadOnlyAdmin):
    list_display = ("id", "address_id")
