"""Duplicates and merges, read only. People decide on the pages, which check and record each decision."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bounces.admin.bases import ReadOnlyAdmin
from contacts.models import DuplicatePair, DuplicateSearch, Merge, MergeRun


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "score", "is_certain", "state", "found_at", "decided_by")
    list_select_related = ("decided_by",)
    list_filter = ("state", "kind", "is_certain")


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    """Leaves out the recorded rows, which only the undo needs."""

    list_display = ("at", "subject", "kept_id", "other_id", "state", "by", "undone_by")
    list_select_related = ("by", "undone_by")
    list_filter = ("state", "subject")
    exclude = ("changes",)
    search_fields = ("=kept_id", "=other_id")
    search_help_text = "The id of a contact or a company."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merge]:
        return super().get_queryset(request).defer("changes")


@admin.register(MergeRun)
class MergeRunAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "by", "state", "total", "merged", "skipped", "undone")
    list_select_related = ("by",)
    list_filter = ("state",)


@admin.register(DuplicateSearch)
class DuplicateSearchAdmin(ReadOnlyAdmin):
    """How far the search is."""

    list_display = ("id", "is_full", "cursor", "began_at", "finished_at", "compared_until")
