"""A manager's import in two steps. In: a file. Out: a preview that changes nothing, then the import itself.

The body is read only after its length, the sign-in and the permission were looked at. Between the steps the file
waits in `contacts/importing/waiting.py`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from bounces.views.access import needs
from contacts.importing import waiting
from contacts.importing.formats import SheetDataset
from contacts.importing.reading import LARGEST_FILE, MOST_ROWS, UnreadableFile, form_of, read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import COLUMNS, ContactResource
from contacts.models import CustomField

ENVELOPE = 1024 * 1024  # what the form around the file may weigh


@csrf_exempt  # `take_step` checks the token, once it is known that the body may be read
@needs("contacts.import_contact")
def import_contacts(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return show_form(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FILE + ENVELOPE:
        megabytes = LARGEST_FILE // 1024 // 1024
        return show_form(request, f"The file is larger than {megabytes} MB. Nothing was read. Split it.", 413)
    try:
        request.FILES  # noqa: B018 -- reads the body
    except MultiPartParserError:
        return show_form(request, "The upload arrived broken. Nothing was imported. Send it again.", 400)
    return take_step(request)


@csrf_protect
def take_step(request: HttpRequest) -> HttpResponse:
    try:
        return confirm(request) if "token" in request.POST else preview(request)
    except UnreadableFile as error:
        return show_form(request, str(error), 400)
    except waiting.NoLongerWaiting as error:
        return show_form(request, str(error), 409)


def preview(request: HttpRequest) -> HttpResponse:
    upload = request.FILES.get("file")
    if upload is None:
        return show_form(request, "No file was chosen. Choose a CSV, TSV or JSON file.", 400)
    body, name = upload.read(), upload.name or "a file"
    report = run(request.user, name, body, is_preview=True)
    token = waiting.keep(name, body, request.user.pk) if report.writes and not report.fault else ""
    return render(request, "contacts/import_preview.html", {"report": report, "name": name, "token": token})


def confirm(request: HttpRequest) -> HttpResponse:
    found = waiting.take(request.POST["token"], request.user.pk)
    report = run(request.user, found.name, found.body, is_preview=False)
    status = 500 if report.fault else 200
    return render(request, "contacts/import_done.html", {"report": report, "name": found.name}, status=status)


def run(user: Any, name: str, body: bytes, *, is_preview: bool) -> ImportReport:
    """Raises UnreadableFile."""
    dataset = SheetDataset(read_sheet(body, form_of(name)))
    resource = ContactResource(by=user, source=name, origin=name, now=timezone.now())
    return resource.report(resource.import_data(dataset, dry_run=is_preview))


def show_form(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "error": error,
        "columns": COLUMNS,
        "custom_fields": CustomField.objects.all(),
        "largest": LARGEST_FILE,
        "most_rows": MOST_ROWS,
    }
    return render(request, "contacts/import.html", context, status=status)
