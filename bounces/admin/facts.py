"""Facts: to be read, never written here. Decisions about an address are dialogs that call the domain's functions."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from unfold.decorators import action, display

from bounces import rulings, suppressions
from bounces.admin.bases import (
    FAULT_LABEL,
    KIND_LABEL,
    STANDING_LABEL,
    ReadOnlyAdmin,
    ReadOnlyInline,
    ReasonForm,
    label_of,
    reason_form,
)
from bounces.admin.verdicts import ShowsVerdict, VerdictFilter
from bounces.classification import load_reasons
from bounces.models import Address, Attempt, Bounce, Complaint, DailyStat, EventKey, Evidence, StatusChange, Suppression
from bounces.sentences import explain_bounce, explain_change


class ReasonFilter(admin.SimpleListFilter):
    """The list of reasons is known: no scan for the distinct ones."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in load_reasons()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class BounceInline(ReadOnlyInline):
    model = Bounce
    fields = ("occurred_at", "kind", "fault", "reason", "standing", "enhanced_code", "diagnostic")
    readonly_fields = fields
    ordering = ("-occurred_at",)
    tab = True
    per_page = 20


class StatusChangeInline(ReadOnlyInline):
    model = StatusChange
    fields = ("at", "from_status", "to_status", "sentence")
    readonly_fields = fields
    ordering = ("-at",)
    tab = True
    per_page = 20

    @display(description="Why")
    def sentence(self, change: StatusChange) -> str:
        return explain_change(change)


class AddressVerdictFilter(VerdictFilter):
    def of(self, rows: QuerySet[Any], addresses: QuerySet[Address]) -> QuerySet[Any]:
        return rows.filter(pk__in=addresses.values("pk"))


@admin.register(Address)
class AddressAdmin(ShowsVerdict, ReadOnlyAdmin):
    list_display = ("email", "verdict", "status_changed_at", "last_bounce_at", "last_delivered_at")
    list_filter = (AddressVerdictFilter, "status")
    address_path = "pk"
    search_help_text = "The beginning of an address, or of its domain."
    inlines = (BounceInline, StatusChangeInline)
    fieldsets = (
        (None, {"fields": ("email", "verdict", "status", "status_rule", "status_changed_at", "reevaluate_at")}),
        (
            "Dates",
            {
                "fields": (
                    ("last_bounce_at", "last_delivered_at"),
                    ("last_reply_at", "last_click_at"),
                    ("restored_at", "created_at"),
                    ("verified_at", "verified_ok"),
                )
            },
        ),
    )
    readonly_fields = ("verdict",)
    actions_detail = ("restore", "hold", "release", "suppress")

    def address_id_of(self, row: Address) -> int:
        return row.pk

    @action(
        description="Restore",
        icon="restart_alt",
        dialog={
            "title": "Restore this address",
            "description": "Bounces up to now count no more. It is judged again at once.",
            "form_class": reason_form("restore"),
            "form_submit_text": "Restore",
        },
    )
    def restore(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        address = Address.objects.get(pk=object_id)
        rulings.restore(address, request.user, form.cleaned_data["reason"], timezone.now())
        return self._done(request, f"{address} is restored: it is {address.get_status_display().lower()} now.")

    @action(
        description="Hold",
        icon="pause",
        dialog={
            "title": "Hold this address",
            "description": "Nobody writes to it until it is released.",
            "form_class": reason_form("hold"),
            "form_submit_text": "Hold",
        },
    )
    def hold(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        address = Address.objects.get(pk=object_id)
        rulings.hold(address, request.user, form.cleaned_data["reason"], timezone.now())
        return self._done(request, f"{address} is held.")

    @action(
        description="Release",
        icon="play_arrow",
        dialog={
            "title": "Release this address",
            "description": "Ends the holds that people put on it.",
            "form_class": None,
            "form_submit_text": "Release",
        },
    )
    def release(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        address = Address.objects.get(pk=object_id)
        ended = rulings.release(address, request.user, timezone.now())
        return self._done(request, f"{address} is released." if ended else f"{address} was not held.")

    @action(
        description="Suppress",
        icon="block",
        dialog={
            "title": "Suppress this address",
            "description": "It is never written to, whatever its status, until a person lifts that.",
            "form_class": reason_form("suppress"),
            "form_submit_text": "Suppress",
        },
    )
    def suppress(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        address = Address.objects.get(pk=object_id)
        suppressions.suppress_address(
            address,
            Suppression.Reason.MANUAL,
            "admin",
            by=request.user,
            note=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        return self._done(request, f"{address} is suppressed.")

    def _done(self, request: HttpRequest, sentence: str) -> HttpResponse:
        messages.success(request, sentence)
        return HttpResponseClientRefresh()


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("sent_at", "address", "sender", "campaign_key", "outcome")
    list_select_related = ("address",)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."

    @display(
        description="Outcome",
        label={
            "complained": "danger",
            "bounced": "danger",
            "deferred": "warning",
            "delivered": "success",
            "replied": "success",
        },
    )
    def outcome(self, attempt: Attempt) -> str:
        return attempt.outcome


class EvidenceInline(ReadOnlyInline):
    model = Evidence
    fields = (
        "recorded_at",
        "source",
        "trust",
        "kind",
        "fault",
        "reason",
        "smtp_code",
        "enhanced_code",
        "diagnostic",
        "rule",
    )
    readonly_fields = fields
    ordering = ("-rank", "id")
    verbose_name_plural = "evidence: what each source said, the strongest first"


@admin.register(Bounce)
class BounceAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "address", "kind_label", "fault_label", "reason", "standing_label", "enhanced_code")
    list_select_related = ("address",)
    list_filter = ("kind", "fault", "standing", ReasonFilter)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."
    inlines = (EvidenceInline,)
    fieldsets = (
        (None, {"fields": ("sentence", "address", "occurred_at", "recorded_at")}),
        ("Verdict", {"fields": (("kind", "fault"), ("reason", "definition"), ("standing", "rule"))}),
        (
            "What the remote system said",
            {
                "fields": (
                    ("smtp_code", "enhanced_code"),
                    "diagnostic",
                    "remote_mta",
                    "forwarded_to",
                    ("attempt_id", "incident_id"),
                )
            },
        ),
    )
    readonly_fields = ("sentence", "definition")

    @display(description="Kind", label=KIND_LABEL, ordering="kind")
    def kind_label(self, bounce: Bounce) -> tuple[str, str]:
        return label_of(bounce.kind, bounce.get_kind_display())

    @display(description="Fault", label=FAULT_LABEL, ordering="fault")
    def fault_label(self, bounce: Bounce) -> tuple[str, str]:
        return label_of(bounce.fault, bounce.get_fault_display())

    @display(description="Standing", label=STANDING_LABEL, ordering="standing")
    def standing_label(self, bounce: Bounce) -> tuple[str, str]:
        return label_of(bounce.standing, bounce.get_standing_display())

    @display(description="In one sentence")
    def sentence(self, bounce: Bounce) -> str:
        return explain_bounce(bounce)

    @display(description="Reason’s definition")
    def definition(self, bounce: Bounce) -> str:
        reason = load_reasons().get(bounce.reason)
        return reason.definition if reason else "Not in the list of reasons."


@admin.register(Evidence)
class EvidenceAdmin(ReadOnlyAdmin):
    list_display = ("recorded_at", "source", "trust", "kind", "fault", "reason", "enhanced_code", "rule")
    list_filter = ("trust", "kind", "fault", ReasonFilter)


@admin.register(Complaint)
class ComplaintAdmin(ReadOnlyAdmin):
    list_display = ("occurred_at", "address", "feedback_type", "source", "standing_label")
    list_select_related = ("address",)
    list_filter = ("standing",)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."

    @display(description="Standing", label=STANDING_LABEL, ordering="standing")
    def standing_label(self, complaint: Complaint) -> tuple[str, str]:
        return label_of(complaint.standing, complaint.get_standing_display())


@admin.register(EventKey)
class EventKeyAdmin(ReadOnlyAdmin):
    list_display = ("recorded_at", "source", "event", "key")
    list_filter = ("event",)


@admin.register(DailyStat)
class DailyStatAdmin(ReadOnlyAdmin):
    list_display = (
        "day",
        "dimension",
        "key",
        "attempted",
        "delivered",
        "bounced",
        "hard",
        "soft",
        "blocked",
        "complaints",
        "held",
    )
    list_filter = ("dimension",)
    ordering = ("-day", "dimension", "key")
