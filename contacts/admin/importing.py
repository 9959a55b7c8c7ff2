"""Imports in the admin: who brought which file in, and the mappings that were kept. Rows are on the run's own page,
which each import links to: a million of them have no place in a list of the admin (and no key that it could show)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from bounces.admin.bases import ReadOnlyAdmin, TableAdmin, label_of
from contacts.models import ImportChunk, ImportRun, SavedMapping

STATE_LABEL = {"done": "success", "failed": "danger", "held": "warning", "applying": "info", "undone": ""}


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Who imported what, through which door, and who let a list in that looked bought."""

    list_display = ("created_at", "name", "state_label", "total", "via", "started_by", "quarantine", "released_by")
    list_select_related = ("started_by", "released_by")
    list_filter = ("state", "via")
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of the file's name."

    @display(description="State", label=STATE_LABEL, ordering="state")
    def state_label(self, run: ImportRun) -> tuple[str, str]:
        return label_of(run.state, run.get_state_display())


@admin.register(ImportChunk)
class ImportChunkAdmin(ReadOnlyAdmin):
    """Which pieces of files are kept until their import has ended; what is in them nobody reads here."""

    list_display = ("id", "run_id", "position")
    fields = ("run_id", "position")
    search_fields = ("=run_id",)
    search_help_text = "The number of an import."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")


@admin.register(SavedMapping)
class SavedMappingAdmin(TableAdmin):
    list_display = ("name", "by", "created_at")
    list_select_related = ("by",)
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of its name."
    readonly_fields = ("by", "created_at")
