"""Imports in the admin: who brought which file in, and the mappings that were kept. Rows are on the run's own page,
which each import links to: a million of them have no place in a list of the admin (and no key that it could show)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from bounces.admin.bases import ReadOnlyAdmin, TableAdmin, label_of
from contacts.importing.mapping import check_mapping
from contacts.importing.reading import UnreadableFile
from contacts.importing.waiting import VIA
from contacts.models import ImportChunk, ImportCorrection, ImportRun, SavedMapping

STATE_LABEL = {"done": "success", "failed": "danger", "held": "warning", "applying": "info", "undone": ""}


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Who imported what, through which door, and who let a list in that looked bought."""

    list_display = ("created_at", "name", "state_label", "total", "via", "started_by", "quarantine", "released_by")
    list_select_related = ("started_by", "released_by")
    list_filter = ("state", "via")
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of the file's name."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without what only holds a file between the admin's preview and its confirmation."""
        return super().get_queryset(request).exclude(via=VIA)

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


@admin.register(ImportCorrection)
class ImportCorrectionAdmin(ReadOnlyAdmin):
    """Corrected cells of previews, until their import has ended. The texts of the cells are not shown."""

    list_display = ("id", "run_id", "scope", "column", "row")
    fields = ("run_id", "scope", "column", "row")
    search_fields = ("=run_id",)
    search_help_text = "The number of an import."


class SavedMappingForm(forms.ModelForm):
    """What is typed in here is what files are read by: a wrong word would stop their imports, or mislead them."""

    class Meta:
        model = SavedMapping
        fields = ("name", "mapping")

    def clean_mapping(self) -> dict[str, str]:
        given = self.cleaned_data["mapping"]
        if not isinstance(given, dict) or not all(isinstance(word, str) for word in given.values()):
            raise forms.ValidationError('Write a field for each column, such as {"work mail": "email", "notes": ""}.')
        mapping = {header.lower(): word for header, word in given.items()}
        try:
            check_mapping(list(mapping), mapping)
        except UnreadableFile as error:
            raise forms.ValidationError(str(error)) from error
        return mapping


@admin.register(SavedMapping)
class SavedMappingAdmin(TableAdmin):
    form = SavedMappingForm
    list_display = ("name", "by", "created_at")
    list_select_related = ("by",)
    search_fields = ("name__istartswith",)
    search_help_text = "The beginning of its name."
    readonly_fields = ("by", "created_at")
