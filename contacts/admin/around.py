"""What stands around contacts: companies, tags, custom fields, segments, campaigns, and what happened."""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from bounces.admin.bases import FormAdmin, ReadOnlyAdmin, TableAdmin, label_of
from bounces.admin.verdicts import ShowsVerdict, VerdictFilter
from contacts import guarding
from contacts.filters import WORDS as FILTER_WORDS
from contacts.filters import read_words
from contacts.models import (
    Activity,
    Campaign,
    CampaignMember,
    Company,
    ContactAddress,
    ContactExternalId,
    CustomField,
    Export,
    ExportPiece,
    Segment,
    SourceCount,
    Tag,
)
from contacts.search import companies_matching
from contacts.stored_filters import UnknownName, recall, store


@admin.register(Company)
class CompanyAdmin(TableAdmin):
    list_display = ("name", "domain", "country", "owner", "created_at")
    list_select_related = ("owner",)
    list_filter = ("owner",)
    search_fields = ("name",)
    autocomplete_fields = ("owner",)
    long_fields = ("notes",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return companies_matching(queryset, search_term), False


@admin.register(ContactAddress)
class ContactAddressAdmin(ShowsVerdict, ReadOnlyAdmin):
    list_display = ("address", "verdict", "contact", "is_primary", "created_at")
    list_select_related = ("address", "contact")
    list_filter = (VerdictFilter, "is_primary")
    fields = ("contact", "address", "verdict", "is_primary", "created_at")
    readonly_fields = ("verdict",)
    address_path = "address"
    search_help_text = "The beginning of an address, or of its domain."


@admin.register(ContactExternalId)
class ContactExternalIdAdmin(ReadOnlyAdmin):
    list_display = ("external_id", "tool", "contact")
    list_select_related = ("contact",)
    list_filter = ("tool",)
    search_fields = ("external_id",)
    search_help_text = "Part of an id."


@admin.register(Tag)
class TagAdmin(FormAdmin):
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(CustomField)
class CustomFieldAdmin(FormAdmin):
    list_display = ("label", "key", "type", "position")
    list_filter = ("type",)
    search_fields = ("label", "key")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "type") if obj else ()  # values are kept by the key, in the form of the type


class SegmentForm(forms.ModelForm):
    """Takes a filter by names, too, and stores ids."""

    def clean_filter(self) -> dict[str, Any]:
        given = self.cleaned_data["filter"]
        if not isinstance(given, dict):
            raise forms.ValidationError("Enter an object with the words of a filter, such as {“status”: [“invalid”]}.")
        words, errors = read_words(recall(given)[0])
        unknown = [f"“{word}” is not a word of a filter." for word in given if word not in FILTER_WORDS]
        if errors or unknown:
            raise forms.ValidationError([*unknown, *errors.values()])
        try:
            return store(words, None)
        except UnknownName as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Segment)
class SegmentAdmin(FormAdmin):
    form = SegmentForm
    list_display = ("name", "owner", "filter", "created_at")
    list_select_related = ("owner",)
    list_filter = ("owner",)
    search_fields = ("name",)
    autocomplete_fields = ("owner",)


STATE_TONES = {
    "draft": "info",
    "running": "success",
    "paused_by_guard": "danger",
    "paused": "warning",
    "finished": "info",
}


class ShownStateFilter(admin.SimpleListFilter):
    """By the state that every page shows."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(guarding.STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return guarding.in_state(queryset, self.value() or "")


class CampaignForm(forms.ModelForm):
    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        is_to_run = state == Campaign.State.RUNNING and "state" in self.changed_data and self.instance.pk
        if is_to_run and (why := guarding.refusal(self.instance)):
            raise forms.ValidationError(why)
        return state


@admin.register(Campaign)
class CampaignAdmin(TableAdmin):
    form = CampaignForm
    list_display = ("name", "state_label", "owner", "starts_on", "ends_on", "key")
    list_select_related = ("owner",)
    list_filter = (ShownStateFilter, "owner")
    search_fields = ("name", "key")
    autocomplete_fields = ("owner",)
    long_fields = ("description",)
    fields = (
        "name",
        "key",
        "owner",
        ("state", "shown_state"),
        "description",
        ("writes_to", "quiet_days"),
        ("starts_on", "ends_on"),
    )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else {"key": ("name",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "shown_state") if obj else ("shown_state",)  # attempts name the campaign by its key

    def prepare_rows(self, rows: Iterable[Campaign]) -> None:
        listed: list[Any] = list(rows)
        shown = guarding.shown_states(listed)
        for campaign in listed:
            campaign.shown = shown[campaign.pk]

    @display(description="State", label=STATE_TONES, ordering="state")
    def state_label(self, campaign: Any) -> tuple[str, str]:
        return label_of(campaign.shown.state, campaign.shown.label)

    @display(description="Shown as")
    def shown_state(self, campaign: Campaign) -> str:
        if campaign.pk is None:
            return "Draft"
        shown = guarding.shown_state(campaign)
        reasons = " ".join(f"{guard}: {guard.sentence}" for guard in shown.guards)
        return f"{shown.label}. {reasons}".strip() if reasons else shown.label


@admin.register(CampaignMember)
class CampaignMemberAdmin(ReadOnlyAdmin):
    list_display = ("campaign", "contact", "added_at")
    list_select_related = ("campaign", "contact")
    list_filter = ("campaign",)


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Who exported what. The files are for those who asked for them."""

    list_display = ("created_at", "by", "subject", "form", "label", "state", "done", "size", "expires_at")
    list_select_related = ("by",)
    list_filter = ("state", "subject")


@admin.register(ExportPiece)
class ExportPieceAdmin(ReadOnlyAdmin):
    """Which pieces there are; what is in them nobody reads here."""

    list_display = ("id", "export_id", "position")
    fields = ("export_id", "position")
    search_fields = ("=export__id",)
    search_help_text = "The number of an export."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")


@admin.register(SourceCount)
class SourceCountAdmin(ReadOnlyAdmin):
    """When the rates by source were counted; the page "Sources" shows them."""

    list_display = ("days", "counted_at", "asked_at")
    search_fields = ("=days",)
    search_help_text = "The days of a period."


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "contact", "kind", "text", "by")
    list_select_related = ("contact", "by")
    list_filter = ("kind",)
