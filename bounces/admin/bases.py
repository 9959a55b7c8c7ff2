"""What the admin classes share. In: models of any size. Out: lists whose cost does not grow with them.

A list counts to 10,000 and stops, searches by what an index begins with, and asks a constant number of queries.
Every change that is not a form is a dialog: Unfold runs a plain action on GET, which a link could do.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are Django's

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import BaseDialogForm
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bounces.lists import find_addresses
from bounces.paging import COUNT_CAP
from bounces.reason_examples import reason_help
from bounces.values import Fault, Kind, Standing, Status

PAGE_SIZE = 50

STATUS_LABEL = {
    Status.VALID.value: "success",
    Status.AT_RISK.value: "warning",
    Status.INVALID.value: "danger",
    Status.UNVERIFIED.value: "",
}
KIND_LABEL = {Kind.HARD.value: "danger", Kind.SOFT.value: "warning", Kind.DEFERRED.value: "info"}
FAULT_LABEL = {
    Fault.RECIPIENT.value: "danger",
    Fault.SENDER.value: "warning",
    Fault.INFRASTRUCTURE.value: "info",
    Fault.UNKNOWN.value: "info",
}
STANDING_LABEL = {
    Standing.COUNTED.value: "success",
    Standing.UNVERIFIED.value: "warning",
    Standing.HELD.value: "warning",
    Standing.DISCARDED.value: "info",
}


class CappedPaginator(Paginator):
    """Counts to 10,000; what lies beyond is reached by search and filters, not by leafing."""

    template_name = "admin/pagination_capped.html"

    @cached_property
    def _count(self) -> int:
        if not isinstance(self.object_list, QuerySet):
            return len(self.object_list)
        return int(self.object_list.order_by()[: COUNT_CAP + 1].count())

    @property
    def count(self) -> int:
        return min(self._count, COUNT_CAP)

    @property
    def is_capped(self) -> bool:
        return self._count > COUNT_CAP


class SafeChangeList(ChangeList):
    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Turn a filter away whose text PostgreSQL cannot hold, as Django does with others that cannot be read."""
        found = super().get_filters_params(params)
        if any("\x00" in text for texts in found.values() for text in texts):
            raise IncorrectLookupParameters("A filter holds a NUL character.")
        return found


class CappedChangeList(SafeChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Beside the title Django would count once more what the pages have counted."""
        super().get_results(request)
        self.full_result_count = self.result_count
        if prepare := getattr(self.model_admin, "prepare_rows", None):
            prepare(self.result_list)


class FormAdmin(ModelAdmin):
    """Texts are one line, unless they are named here: our columns are TextFields whatever their length."""

    long_fields: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SafeChangeList

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Refuse keys that no row can have: Django looks them up as they come."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.get_prep_value(key)
                if "\x00" in key:
                    raise ValueError(key)
        except (TypeError, ValueError):
            messages.error(request, "Nothing was done: a ticked row has no valid key. Tick the rows again.")
            return None
        return super().response_action(request, queryset)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        is_line = isinstance(db_field, models.TextField) and db_field.name not in self.long_fields
        if is_line and not db_field.choices and "widget" not in kwargs:
            kwargs["widget"] = UnfoldAdminTextInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class TableAdmin(FormAdmin):
    """A table of any size."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = PAGE_SIZE
    list_disable_select_all = True
    list_filter_submit = False
    ordering: tuple[str, ...] = ("-id",)
    address_path = ""  # where the address stands: its rows are then searched by the beginning of an address or domain

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CappedChangeList

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("address",) if self.address_path else tuple(super().get_search_fields(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Django's own search wraps the column in UPPER(), which no index of ours has."""
        term = search_term.replace("\x00", "").strip()
        if not self.address_path:
            return super().get_search_results(request, queryset, term)
        return queryset.filter(**{f"{self.address_path}__in": find_addresses(term)}) if term else queryset, False


class ReadOnly:
    """Rows that people look at and nobody edits."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, TableAdmin):
    pass


class ReadOnlyInline(ReadOnly, TabularInline):
    extra = 0
    show_change_link = True


class ReasonForm(BaseDialogForm):
    """Why a person decides. Shown in a dialog, kept with the decision. Unfold takes a class: one an action."""

    reason = forms.CharField(label="Reason", max_length=2000, widget=UnfoldAdminTextareaWidget({"rows": 3}))
    action = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = reason_help(self.action)


def reason_form(action: str) -> type[ReasonForm]:
    """`action`: a name of `EXAMPLES`."""
    return type("ReasonForm", (ReasonForm,), {"action": action})


def badge(value: str, text: str, tones: dict[str, str]) -> str:
    """The same label on a page of one row, where Unfold shows what a method returns."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tones.get(value, "")})


def label_of(value: str, text: str) -> tuple[str, str]:
    """What Unfold's `@display(label=…)` wants: the word that chooses the colour, and the text."""
    return value, text
