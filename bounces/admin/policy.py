"""The policy: every change makes a new version, the old ones stay as they were. Its history is to be read."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from bounces.admin.bases import STATUS_LABEL, FormAdmin, ReadOnlyAdmin, label_of
from bounces.cleaning import AlreadyRunning, start_run
from bounces.models import Dirty, Policy, StatusChange
from bounces.policy_numbers import MOST, NUMBERS, faults_of
from bounces.policy_versions import make_version
from bounces.sentences import explain_change


class PolicyForm(forms.ModelForm):
    """The limits of `bounces/policy_numbers.py`, said by field."""

    class Meta:
        model = Policy
        fields = (*Policy.NUMBERS, "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in NUMBERS:
            if number.name in self.fields:
                self.fields[number.name].widget.attrs |= {"min": number.least, "max": MOST}
        if "note" in self.fields:
            self.fields["note"].required = True
            self.initial["note"] = ""

    def clean(self) -> dict[str, Any]:
        numbers = super().clean() or {}
        for name, sentence in faults_of(numbers).items():
            self.add_error(name, sentence)
        return numbers

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
        ("Silent addresses: caution", {"fields": (("silent_count", "silent_days"),)}),
        ("Why", {"fields": ("note",)}),
    )
    readonly_fields = ("explanation",)
    long_fields = ("note",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        """Drafts are numbers that somebody tried: their what-if's page has them."""
        return super().get_queryset(request).filter(version__isnull=False)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a version is made by changing the active one

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.is_active) and bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Policy, form: forms.ModelForm, change: bool) -> None:
        made = make_version(form.cleaned_data, by=request.user, note=form.cleaned_data["note"])
        obj.__dict__.update(made.__dict__)

    def response_change(self, request: HttpRequest, obj: Policy) -> HttpResponse:
        """Applying a version is a cleaning run."""
        text = f"Policy {obj.version} is in force."
        try:
            run = start_run(via="policy", now=timezone.now(), by=request.user)
        except AlreadyRunning as error:
            messages.warning(
                request, f"{text} {error} It hands its own addresses over to this version; a run over all applies it."
            )
        else:
            messages.success(request, f"{text} Cleaning run {run.pk} applies it to all addresses.")
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
            f"{policy.soft_row_days} over {policy.soft_row_span_days} days, "
            f"or {policy.soft_window_count} in {policy.soft_window_days}"
        )

    @display(description="Soft: at risk")
    def risk_rule(self, policy: Policy) -> str:
        return f"{policy.risk_count} in {policy.risk_window_days} days"

    @display(description="How it works")
    def explanation(self, policy: Policy) -> str:
        if policy.is_active:
            following = (policy.version or 0) + 1
            text = f"Policy {policy.version} is in force. Saving makes policy {following}; this one is kept."
            return format_html("{} {}", text, _link_to_what_if())
        return f"Policy {policy.version} is kept, because status changes name it. It cannot be changed."


def _link_to_what_if() -> str:
    """`contacts` has the page, since its scopes are segments; this app goes without."""
    try:
        url = reverse("contacts:what_if")
    except NoReverseMatch:
        return ""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">See first what other numbers would move</a>', url
    )


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
