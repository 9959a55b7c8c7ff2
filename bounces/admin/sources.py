"""The admin of the sources from which mails and events come.

In: what an admin types. Out: IntakeSource rows. Secrets are written and never shown again.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's and Unfold's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from bounces.admin.bases import FormAdmin, ReadOnlyAdmin
from bounces.models import IntakeSource, SourceSeen


@admin.register(IntakeSource)
class IntakeSourceAdmin(FormAdmin):
    list_display = ("name", "kind", "trust", "is_enabled", "last_seen", "last_error")
    list_select_related = ("seen",)
    list_filter = ("kind", "is_enabled", "trust")
    search_fields = ("name",)
    fields = ("name", "kind", "trust", "is_enabled", "options")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("name", "kind")  # its items and evidence carry both

    def save_model(self, request: HttpRequest, obj: IntakeSource, form: forms.ModelForm, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]  # signed in
        super().save_model(request, obj, form, change)
        SourceSeen.objects.get_or_create(source=obj)

    @display(description="Last seen", empty_value="never")
    def last_seen(self, source: IntakeSource) -> Any:
        seen = getattr(source, "seen", None)
        return seen and seen.last_seen_at

    @display(description="Error", empty_value="none")
    def last_error(self, source: IntakeSource) -> str:
        seen = getattr(source, "seen", None)
        return seen.last_error if seen else ""


@admin.register(SourceSeen)
class SourceSeenAdmin(ReadOnlyAdmin):
    list_display = ("source", "last_seen_at", "received", "refused", "last_error", "last_error_at")
    list_select_related = ("source",)
    ordering = ("source__name",)
