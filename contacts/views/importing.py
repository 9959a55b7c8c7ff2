"""The import in steps: a file, its columns, the preview, the import itself, its report, and taking it back.

In: a file, forms, ids. Out: pages; `contacts/importing/runs.py` decides. The body of an upload is read only after its
length, the sign-in and the permission were looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from bounces.ids import id_in
from bounces.paging import page_for
from bounces.rulings import NoReason
from bounces.spreadsheet import csv_lines
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm
from contacts.importing import batches, pasted, runs, suppressing
from contacts.importing.erased import sentence_of
from contacts.importing.holding import LOST, held_preview
from contacts.importing.mapping import apply_saved, best_saved, guess_columns, mapping_of, save_mapping
from contacts.importing.outcomes import (
    early_rows,
    failed_headers,
    failed_rows,
    kept_rows,
    outcome_of,
    refusals,
)
from contacts.importing.reading import Manner, UnreadableFile
from contacts.importing.rows import first_lines
from contacts.importing.stored import CHUNK
from contacts.importing.turns import is_left_alone, place_of
from contacts.importing.undoing import preview_undo, would_stay
from contacts.importing.waiting import VIA
from contacts.models import ImportOutcome, ImportRow, ImportRun, SavedMapping
from contacts.views.import_forms import ColumnsForm
from contacts.views.import_manner import MannerForm
from contacts.views.import_preview import preview_context

ENVELOPE = 1024 * 1024  # what the form around the file may weigh
STAYING = 20  # rows a page of what undo would leave
State = ImportRun.State


# --- a file ---------------------------------------------------------------------------------------


@csrf_exempt  # `take` checks the token, once it is known that the body may be read
@needs("contacts.import_contact")
def import_contacts(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return show_form(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.IMPORT_CAP + ENVELOPE:
        megabytes = settings.IMPORT_CAP // 1024 // 1024
        return show_form(request, f"The file is larger than {megabytes} MB. Nothing was read. Split it.", 413)
    try:
        request.FILES  # noqa: B018 -- reads the body
    except MultiPartParserError:
        return show_form(request, "The upload arrived broken. Nothing was imported. Send it again.", 400)
    except RequestDataTooBig:
        return show_form(request, pasted.TOO_LONG, 413)
    return take(request)


@csrf_protect
def take(request: HttpRequest) -> HttpResponse:
    upload, text = request.FILES.get("file"), request.POST.get("pasted", "")
    form = MannerForm(request.POST)
    if upload is None and not text.strip():
        return show_form(request, "Choose a file with a column of addresses, or paste a list.", 400, form)
    if upload is not None and text.strip():
        return show_form(request, "Choose a file or paste a list: one of them at a time.", 400, form)
    if len(text) > pasted.MOST:
        return show_form(request, pasted.TOO_LONG, 413, form)
    if not form.is_valid():
        return show_form(request, status=400, manner_form=form)
    name: str
    pieces: Iterable[bytes]
    if upload is not None:
        name, pieces, manner = upload.name or "a file", upload.chunks(CHUNK), form.manner
    else:
        name, pieces, manner = pasted.NAME, [pasted.file_of(text)], replace(form.manner, encoding="")
    try:
        run = runs.take_file(pieces, name, by=request.user, via="page", now=timezone.now(), manner=manner)
    except UnreadableFile as error:
        return show_form(request, str(error), 400, form)
    return redirect("contacts:import_columns", run.pk)


def show_form(
    request: HttpRequest, error: str = "", status: int = 200, manner_form: MannerForm | None = None
) -> HttpResponse:
    imports = ImportRun.objects.exclude(via=VIA).select_related("started_by")
    context = {
        "error": error,
        "manner_form": manner_form or MannerForm(),
        "pasted": manner_form.data.get("pasted", "")[: pasted.MOST] if manner_form else "",
        "largest": settings.IMPORT_CAP,
        "page": page_for(request, imports, ["-id"], size=15),
    }
    return render(request, "contacts/import.html", context, status=status)


# --- its columns ----------------------------------------------------------------------------------


@needs("contacts.import_contact")
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever brought the file says what its columns mean."""
    run = get_object_or_404(ImportRun, pk=pk, started_by=request.user)
    if run.state not in (State.UPLOADED, State.READY):
        return redirect("contacts:import_run", pk)
    try:
        table, lines = first_lines(run)
    except UnreadableFile as error:
        return show_form(request, str(error), 400)
    guesses = guess_columns(table.headers, lines)
    form = ColumnsForm(request.POST or None, run=run, guesses=guesses, user=request.user)
    saved = _saved_for(request, run, mapping_of(guesses))
    if request.method == "POST" and form.is_valid():
        try:
            runs.begin(run, form.mapping(), form.options(form.new_fields))
        except (UnreadableFile, runs.NotReady) as error:
            form.add_error(None, str(error))
        else:
            if form.cleaned_data["save_as"]:
                save_mapping(form.cleaned_data["save_as"], run.mapping, request.user, run.headers)
            return redirect("contacts:import_run", pk)
    elif request.method != "POST":
        form.choose(apply_saved(saved.mapping, run.headers) if saved else (run.mapping or mapping_of(guesses)))
    context = {"run": run, "form": form, "saved": saved, "mappings": SavedMapping.objects.all(), "table": table}
    context["manner_form"] = MannerForm(manner=Manner(**run.manner), table=table)
    return render(request, "contacts/import_columns.html", context, status=400 if form.errors else 200)


@require_POST
@needs("contacts.import_contact")
def read_otherwise(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever brought the file says how it is read; its columns are guessed anew."""
    run = get_object_or_404(ImportRun, pk=pk, started_by=request.user)
    form = MannerForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(" ".join(map(str, said)) for said in form.errors.values()))
        return redirect("contacts:import_columns", pk)
    try:
        runs.read_otherwise(run, form.manner)
    except (UnreadableFile, runs.NotReady) as error:
        messages.error(request, f"Read so, the file makes no sense, and stays as it was: {error}")
    return redirect("contacts:import_columns", pk)


def _saved_for(request: HttpRequest, run: ImportRun, guessed: Mapping[str, str]) -> SavedMapping | None:
    """The saved mapping that was asked for, or the one that fits; none once columns were chosen by hand."""
    asked = request.GET.get("saved", "")
    if asked:
        return SavedMapping.objects.filter(pk=id_in(asked)).first()
    return best_saved(run.headers, guessed) if run.state == State.UPLOADED else None


# --- the run: progress, preview, report --------------------------------------------------------------


@needs("contacts.import_contact")
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    now = timezone.now()
    context: dict[str, Any] = {"run": run, **_progress(run, now), "is_mine": run.started_by_id == request.user.pk}
    context["erased"] = sentence_of(run.known.get("erased", 0))
    context["opt_outs"] = suppressing.sentence_of(run)
    if run.state == State.UPLOADED:
        return redirect("contacts:import_columns", pk) if context["is_mine"] else redirect("contacts:import")
    if run.state == State.STAGING:
        context["early"] = early_rows(run, now)
    elif run.state == State.READY:
        with held_preview(run) as is_there:
            if not is_there:
                messages.warning(request, LOST if run.state == State.STAGING else "This import has gone on.")
                return redirect("contacts:import_run", pk)
            context |= preview_context(run, now)
    elif not run.is_running:
        context |= _report(request, run)
    return render(request, "contacts/import_run.html", context)


def _report(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    rows = ImportOutcome.objects.filter(run_id=run.pk)
    chosen = request.GET.get("rows", "")
    met = [each for each in ImportRow.Verdict if run.counts.get(each.value) and each != ImportRow.Verdict.UNCHANGED]
    tabs = [_tab("", "All", chosen), *(_tab(each.value, each.label, chosen) for each in met)]
    if chosen in ImportRow.Verdict.values:
        rows = rows.filter(verdict=chosen)
    elif chosen == "kept":
        rows = rows.exclude(kept="")
    elif chosen == "known":
        rows = rows.exclude(known="")
    if run.known:
        tabs.append(_tab("known", "Cannot be emailed", chosen))
    if run.kept:
        tabs.append(_tab("kept", "Kept by the undo", chosen))
    page = page_for(request, rows, ["number"])
    refused = refusals([row.email for row in page.items if row.known], timezone.now())
    held = batches.share_of(run) if run.state == State.HELD else None
    return {
        "page": page,
        "rows": [outcome_of(row, refused) for row in page.items],
        "tabs": tabs,
        "held": held,
        "refusal": batches.refusal(held) if held else "",
    }


def _tab(key: str, label: str, chosen: str) -> dict[str, Any]:
    return {"label": label, "url": f"?rows={key}#rows", "is_current": key == chosen, "count": None}


@needs("contacts.import_contact")
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for every second; where the stage has ended, the whole page is loaded anew."""
    run = get_run(pk)
    response = render(request, "contacts/_import_progress.html", {"run": run, **_progress(run, timezone.now())})
    was = request.GET.get("was", "")
    has_first_rows = was == State.STAGING and request.GET.get("early") == "0" and run.total
    if not run.is_running or has_first_rows:
        response["HX-Refresh"] = "true"
    return response


def _progress(run: ImportRun, now: datetime) -> dict[str, Any]:
    ahead = place_of(run) if run.is_running else 0
    return {"pace": run.pace(now), "ahead": ahead, "is_left_alone": is_left_alone(run)}


def get_run(pk: int) -> ImportRun:
    return get_object_or_404(ImportRun.objects.select_related("started_by", "undone_by", "released_by"), pk=pk)


# --- what is done to it ---------------------------------------------------------------------------


@require_POST
@needs("contacts.import_contact")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        runs.confirm(get_run(pk), request.user, timezone.now(), request.POST.get("reason", ""))
    except (runs.NotReady, NoReason) as error:
        messages.error(request, str(error))
    return redirect("contacts:import_run", pk)


@require_POST
@needs("contacts.import_contact")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    if runs.cancel(run, request.user, timezone.now()):
        messages.success(request, "The import is cancelled. What it had written by then stays.")
    else:
        messages.info(request, f"There is nothing to cancel: this import is “{run.get_state_display()}”.")
    return redirect("contacts:import_run", pk)


@require_POST
@needs("contacts.import_contact")
def next_batch(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        runs.let_next_batch(get_run(pk), request.user)
    except runs.NotReady as error:
        messages.error(request, str(error))
    return redirect("contacts:import_run", pk)


@needs("contacts.import_contact")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what would go and what would stay, and asks why; then the job takes it back."""
    run = get_run(pk)
    form = ReasonForm("undo_import", request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            runs.undo(run, request.user, form.cleaned_data["reason"], timezone.now())
        except (runs.NotReady, NoReason) as error:
            messages.error(request, str(error))
        return redirect("contacts:import_run", pk)
    context: dict[str, Any] = {"run": run, "form": form}
    if run.can_undo:
        stay = would_stay(run, id_in(request.GET.get("after", "")) or 0, STAYING)
        context |= {"preview": preview_undo(run), "stay": stay, "rows": kept_rows(run, stay.reasons)}
    return render(request, "contacts/import_undo.html", context)


@needs("contacts.import_contact")
def download_failed(request: HttpRequest, pk: int) -> HttpResponseBase:  # noqa: ARG001 -- every view is given it
    return sent_failed(get_run(pk))


def sent_failed(run: ImportRun) -> HttpResponseBase:
    """The rows that failed, with their own columns and `error`."""
    name = run.name.rpartition(".")[0] or run.name
    headers = {"Content-Disposition": f'attachment; filename="{_plain_file_name(name)}-failed.csv"'}
    lines: Iterator[str] = csv_lines(failed_headers(run), failed_rows(run))
    return StreamingHttpResponse(lines, content_type="text/csv", headers=headers)


def _plain_file_name(name: str) -> str:
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_ .")).strip() or "import"
