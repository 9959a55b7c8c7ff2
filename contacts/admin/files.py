"""The admin's import and export of contacts, on django-import-export.

In: a file, and what is said of it. Out: a preview, then what was done, through the pipeline of the page “Import”.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are the library's

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from import_export.admin import ImportExportMixin
from unfold.contrib.import_export.forms import SelectableFieldsExportForm

from bounces.ids import ids_in
from contacts.admin.import_form import ContactConfirmForm, ContactImportForm
from contacts.exporting.people import ContactExport
from contacts.importing.formats import EXPORT_FORMATS, IMPORT_FORMATS
from contacts.importing.health import sampled
from contacts.importing.reading import UnreadableFile
from contacts.importing.resources import BusyError, ContactResource
from contacts.importing.waiting import NoLongerWaiting, WaitingStorage
from contacts.views.import_preview import signs_of

SHOWN = 100


class ContactFiles(ImportExportMixin):
    resource_classes = [ContactResource]
    import_form_class = ContactImportForm
    confirm_form_class = ContactConfirmForm
    export_form_class = SelectableFieldsExportForm
    tmp_storage_class = WaitingStorage
    skip_admin_log = True  # each contact's timeline says where it came from
    import_template_name = "admin/contacts/contact/import.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("contacts.import_contact"))

    def get_import_formats(self) -> list[Any]:
        return IMPORT_FORMATS

    def get_export_formats(self) -> list[Any]:
        return EXPORT_FORMATS

    def get_export_resource_classes(self, request: HttpRequest) -> list[Any]:
        return [ContactExport]

    def export_action(self, request: HttpRequest) -> HttpResponse:
        """Export what the list shows. With a filter that cannot be read it would be everybody: then nothing is."""
        try:
            return super().export_action(request)
        except IncorrectLookupParameters:
            messages.error(request, "Nothing was exported: the list has no such filter. Choose the filters again.")
            return HttpResponseRedirect(reverse("admin:contacts_contact_changelist"))

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[int]:
        """Of the contacts that were ticked, those that can exist: the library's own reads the ids of all."""
        return ids_in(request.POST.getlist("export_items"))

    # --- the preview ------------------------------------------------------------------------------

    def get_import_form_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().get_import_form_kwargs(request), "user": request.user}

    def write_to_tmp_storage(self, import_file: Any, input_format: Any) -> WaitingStorage:
        storage = WaitingStorage()
        storage.save(import_file.read(), import_file.said)
        return storage

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """Of the form that brings the file, of that which confirms it, or of none, while nothing was sent."""
        cleaned = getattr(kwargs.get("form"), "cleaned_data", None) or {}
        if "import_file_name" in cleaned:
            said = WaitingStorage(name=cleaned["import_file_name"]).said()
        elif hasattr(cleaned.get("import_file"), "said"):
            said = cleaned["import_file"].said
        else:
            return {"by": request.user}
        return {"by": request.user, "options": said.options, "origin": said.name}

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if not isinstance(e, UnreadableFile):
            raise e  # ours: to be seen as such
        form.add_error("import_file", str(e))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Rows that are fine can be confirmed although others are not: those are listed and left out."""
        try:
            response = super().import_action(request, **kwargs)
        except BusyError as error:
            return _back(request, str(error))
        context = getattr(response, "context_data", None) or {}
        result = context.get("result")
        if result is None:
            return response
        if result.has_errors():
            del context["result"]
            context["form"].add_error("import_file", _said(result))
            return response
        writes = result.totals["new"] + result.totals["update"]
        run, report = result.resource.run, result.resource.reported
        context |= {
            "writes": writes,
            "shown_rows": _first_writes(result),
            "report": report,
            "unsendable": sorted((*report.dead, *report.suppressed), key=lambda each: each.row)[:SHOWN],
            "signs": signs_of(run),
            "sampled": sampled(run.total),
        }
        if writes and "confirm_form" not in context:
            context["confirm_form"] = self.create_confirm_form(request, import_form=context["form"])
        if not writes:
            context.pop("confirm_form", None)
        return response

    # --- the import -------------------------------------------------------------------------------

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not self.create_confirm_form(request).is_valid():
            return _back(request, str(NoLongerWaiting()))
        try:
            return super().process_import(request, **kwargs)
        except (NoLongerWaiting, UnreadableFile, BusyError) as error:
            return _back(request, str(error))

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        run = result.resource.run
        if result.has_errors():
            return _back(request, f"Nothing was imported. {_said(result)}")
        if run.quarantine:
            messages.warning(request, "Nothing is imported yet: say here why this list may come in.")
            return HttpResponseRedirect(run.get_absolute_url())
        return super().process_result(result, request)

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        totals, run = result.totals, result.resource.run
        counts = (
            f"Imported: {totals['new']:,} new, {totals['update']:,} updated, {totals['skip']:,} unchanged, "
            f"{totals['invalid']:,} left out."
        )
        link = '{} <a href="{}" class="underline">Every row, those that failed as a file, and undo</a>'
        messages.success(request, format_html(link, counts, run.get_absolute_url()))


def _back(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return HttpResponseRedirect(reverse("admin:contacts_contact_import"))


def _said(result: Any) -> str:
    return " ".join(str(each.error) for each in result.base_errors)


def _first_writes(result: Any) -> list[Any]:
    return [row for row in result.rows if row.is_new() or row.is_update()][:SHOWN]
