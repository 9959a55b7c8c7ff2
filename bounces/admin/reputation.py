"""What we looked up and what we watch: to read."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from bounces.admin.bases import ReadOnlyAdmin, label_of
from bounces.models import Domain, GoodFailure, GoodMail, Guard, Incident, Repair, Silence


@admin.register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    list_display = ("domain", "operator", "mx_host", "looked_up_at", "failed")
    list_filter = ("failed",)
    search_fields = ("domain__startswith",)
    search_help_text = "The beginning of a domain."


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("opened_at", "provider", "state", "good_bounced", "good_attempted", "decided_by", "ended_at")
    list_select_related = ("decided_by",)
    list_filter = ("state",)
    search_fields = ("provider__startswith",)
    search_help_text = "The beginning of a provider's name."


@admin.register(GoodFailure)
class GoodFailureAdmin(ReadOnlyAdmin):
    list_display = ("hour", "provider", "bounce_id", "address_id")
    ordering = ("-bounce_id",)
    search_fields = ("provider__startswith",)
    search_help_text = "The beginning of a provider's name."


@admin.register(GoodMail)
class GoodMailAdmin(ReadOnlyAdmin):
    list_display = ("ends_at", "hours", "provider", "addresses")
    search_fields = ("provider__startswith",)
    search_help_text = "The beginning of a provider's name."


@admin.register(Guard)
class GuardAdmin(ReadOnlyAdmin):
    list_display = ("dimension", "key", "state_label", "sentence", "paused_at", "resumed_by", "resume_reason")
    list_select_related = ("resumed_by",)
    list_filter = ("state", "dimension")
    search_fields = ("key__startswith",)
    search_help_text = "The beginning of a campaign's key, a sender or a domain."

    @display(description="State", label={"paused": "danger", "armed": "success"}, ordering="state")
    def state_label(self, guard: Guard) -> tuple[str, str]:
        return label_of(guard.state, "Paused by guard" if guard.state == Guard.State.PAUSED else "Armed")


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "provider", "since", "until", "reason", "state", "restored", "undone", "by", "why")
    list_select_related = ("by",)
    list_filter = ("state",)
    search_fields = ("provider__startswith",)
    search_help_text = "The beginning of a provider's name."


@admin.register(Silence)
class SilenceAdmin(ReadOnlyAdmin):
    list_display = ("address", "delivered", "since")
    list_select_related = ("address",)
    ordering = ("-address",)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."
