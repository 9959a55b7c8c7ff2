"""Decisions: rulings to read, suppressions to add and to lift (with a reason), never to edit or delete."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bounces import suppressions
from bounces.addresses import BadAddress, keep_addresses
from bounces.admin.bases import ReadOnlyAdmin, ReasonForm, TableAdmin, reason_form
from bounces.lists import find_addresses
from bounces.models import Address, Ruling, Suppression
from bounces.reason_examples import reason_help
from bounces.suppression_lists import read_target


@admin.register(Ruling)
class RulingAdmin(ReadOnlyAdmin):
    list_display = ("at", "address", "kind_label", "reason", "by", "lifted_at")
    list_select_related = ("address", "by")
    list_filter = ("kind",)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."

    @display(
        description="Kind",
        label={"restore": "success", "waive": "info", "hold": "warning", "uphold": "danger"},
        ordering="kind",
    )
    def kind_label(self, ruling: Ruling) -> tuple[str, str]:
        return ruling.kind, ruling.kind.capitalize()


class InForceFilter(admin.SimpleListFilter):
    title = "in force"
    parameter_name = "in_force"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "In force"), ("no", "Lifted or expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        active = suppressions.active(timezone.now()).values("pk")
        return queryset.filter(pk__in=active) if self.value() == "yes" else queryset.exclude(pk__in=active)


class SuppressionForm(forms.ModelForm):
    """An address or a domain, typed. What it becomes is `bounces/suppressions.py`'s affair."""

    what = forms.CharField(
        label="Address or domain",
        max_length=254,
        help_text="ada@example.org, or example.org (also *@example.org) for everyone there.",
        widget=UnfoldAdminTextInputWidget,
    )
    note = forms.CharField(
        label="Why",
        max_length=2000,
        help_text=reason_help("suppress"),
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
    )
    expires_at = forms.SplitDateTimeField(
        label="Until",
        required=False,
        help_text="UTC. Empty: until a person lifts it.",
        widget=UnfoldAdminSplitDateTimeWidget,
    )

    class Meta:
        model = Suppression
        fields = ("note", "expires_at")

    def clean_what(self) -> str:
        try:
            return read_target(self.cleaned_data["what"])
        except BadAddress as error:
            raise ValidationError(str(error)) from error

    def clean_expires_at(self) -> Any:
        until = self.cleaned_data["expires_at"]
        if until and until <= timezone.now():
            raise ValidationError("That moment has passed: choose a later one, or leave it empty.")
        return until

    def _post_clean(self) -> None:
        """The row is not made from the form: the domain's function makes it."""


@admin.register(Suppression)
class SuppressionAdmin(TableAdmin):
    form = SuppressionForm
    list_display = ("created_at", "target", "reason_label", "source", "note", "expires_at", "state")
    list_select_related = ("address",)
    list_filter = ("reason", "scope", InForceFilter)
    search_fields = ("domain",)
    search_help_text = "The beginning of an address, or of a domain."
    fields = ("what", "note", "expires_at")
    actions_detail = ("lift",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        return (
            "target",
            "reason",
            "source",
            "note",
            ("created_at", "created_by"),
            "expires_at",
            "state",
            ("lifted_at", "lifted_by"),
            "lift_reason",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("target", "state")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.replace("\x00", "").strip().lower()
        if not term:
            return queryset, False
        of_addresses = queryset.filter(address__in=find_addresses(term))
        return of_addresses | queryset.filter(domain__startswith=term), False

    def save_model(self, request: HttpRequest, obj: Suppression, form: forms.ModelForm, change: bool) -> None:
        what, now = form.cleaned_data["what"], timezone.now()
        given: dict[str, Any] = {
            "by": request.user,
            "note": form.cleaned_data["note"],
            "expires_at": form.cleaned_data["expires_at"],
            "now": now,
        }
        if "@" in what:
            address = Address.objects.get(pk=keep_addresses([what])[what])
            made = suppressions.suppress_address(address, Suppression.Reason.MANUAL, "admin", **given)
        else:
            made = suppressions.suppress_domain(what, Suppression.Reason.MANUAL, "admin", **given)
        obj.__dict__.update(made.__dict__)  # what the admin goes on with: its log entry and its message

    @display(description="Address or domain")
    def target(self, suppression: Suppression) -> str:
        if suppression.scope == Suppression.Scope.DOMAIN:
            return f"everyone at {suppression.domain}"
        return str(suppression.address) if suppression.address else "an erased address"

    @display(
        description="Reason",
        label={
            "complaint": "danger",
            "unsubscribe": "warning",
            "bounce": "warning",
            "manual": "info",
            "cleaning": "info",
        },
        ordering="reason",
    )
    def reason_label(self, suppression: Suppression) -> tuple[str, str]:
        return suppression.reason, suppression.get_reason_display()

    @display(description="State", label={"in force": "danger", "lifted": "success", "expired": "info"})
    def state(self, suppression: Suppression) -> str:
        if suppression.lifted_at:
            return "lifted"
        return "expired" if suppression.expires_at and suppression.expires_at <= timezone.now() else "in force"

    @action(
        description="Lift",
        icon="lock_open",
        dialog={
            "title": "Lift this suppression",
            "description": "Its address, or its domain, may be written to again where nothing else forbids it.",
            "form_class": reason_form("lift"),
            "form_submit_text": "Lift",
        },
    )
    def lift(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        suppression = Suppression.objects.get(pk=object_id)
        if suppression.lifted_at:
            messages.info(request, "It was lifted before; the first lift stands.")
        else:
            suppressions.lift(suppression, request.user, form.cleaned_data["reason"], timezone.now())
            messages.success(request, "The suppression is lifted.")
        return HttpResponseClientRefresh()
