"""Exports: choosing what and how, the person's own with their progress, downloads. In: a list's URL. Out: files.

Small ones are sent at once; the others are made by a worker, and are handed out to whoever asked for them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from bounces.paging import CappedCount, capped_count, page_for
from bounces.views.access import needs
from contacts.exporting.files import TYPES, Unwritable
from contacts.exporting.presets import PROTECTED, TOOL, presets, targets
from contacts.exporting.runs import DIRECT, TooManyOpen, begin, body_of, stream
from contacts.exporting.subjects import SUBJECTS, BadFilter, Params, Subject
from contacts.models import Export

SEE = "contacts.view_contact"  # everyone who works with contacts has exports of their own
BACK = {
    "contacts": "contacts:list",
    "bounces": "bounces:list",
    "suppressions": "bounces:suppressions",
    "campaigns": "contacts:campaigns",
}

# Descriptions on the page; presets have their own.
SAID = {
    PROTECTED: "Safe to open in a spreadsheet: cells that it would run as a formula start with an apostrophe.",
    TOOL: "Cells are written unchanged, without apostrophes. Do not open this file in a spreadsheet if contacts come "
    "from strangers: a cell could run as a formula.",
}


class ExportForm(forms.Form):
    form = forms.ChoiceField(label="Format", choices=Export.Form.choices, initial=Export.Form.CSV)
    preset = forms.ChoiceField(label="For", required=False)
    columns = forms.MultipleChoiceField(label="Columns", required=False)

    def __init__(self, subject: Subject, what: str, data: Any = None) -> None:
        super().__init__(data)
        purpose = self.fields["preset"]
        assert isinstance(purpose, forms.ChoiceField)
        purpose.choices = list(purposes_of(what).items())
        columns = subject.columns()
        field = self.fields["columns"]
        assert isinstance(field, forms.MultipleChoiceField)
        labels = subject.labels()
        field.choices = [(key, labels.get(key, header)) for key, header in columns.items()]
        self.initial["columns"] = list(columns)

    def clean(self) -> dict[str, Any]:
        """Ignore the chosen columns if there is a preset, which has its own."""
        chosen = super().clean() or {}
        if chosen.get("preset") in presets():
            chosen["columns"] = []
        elif not chosen.get("columns") and "columns" not in self.errors:
            self.add_error("columns", "Choose at least one column.")
        return chosen


def purposes_of(what: str) -> dict[str, str]:
    """The tools a file can be made for. Only contacts have presets."""
    return {key: name for key, name in targets().items() if what == "contacts" or key not in presets()}


@needs(SEE)
def create(request: HttpRequest) -> HttpResponseBase:
    """What a list's filter finds, as a file: sent at once, or left to a worker where it is long."""
    what = request.GET.get("what", "contacts")
    subject = subject_for(request.user, what)
    try:
        params = subject.read(request.GET, request.user)
    except BadFilter as error:
        messages.error(request, str(error))
        return redirect(BACK.get(what, "bounces:cleaning"))
    size = capped_count(subject.find(params, request.user, timezone.now()), DIRECT)
    form = ExportForm(subject, what, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return make(request, what, form, params, size)
    context = {
        "form": form,
        "chosen": request.POST.getlist("columns") if form.is_bound else form.initial["columns"],
        "chosen_form": form.data.get("form") if form.is_bound else Export.Form.CSV,
        "chosen_preset": form.data.get("preset", "") if form.is_bound else "",
        "purposes": [(key, name, SAID.get(key) or presets()[key].said) for key, name in purposes_of(what).items()],
        "subject": subject,
        "described": subject.describe(params, request.user),
        "size": size,
        "back": back_to(what, request),
    }
    return render(request, "contacts/export_new.html", context)


def make(request: HttpRequest, what: str, form: ExportForm, params: Params, size: CappedCount) -> HttpResponseBase:
    kind, keys, preset, now = *(form.cleaned_data[name] for name in ("form", "columns", "preset")), timezone.now()
    if not size.is_capped:
        name = f"{'-'.join(filter(None, [what, preset]))}-{now:%Y-%m-%d}.{kind}"
        try:
            return sent(stream(what, kind, params, keys, request.user, now, preset), name, TYPES[kind])
        except Unwritable as error:
            messages.error(request, str(error))
            return redirect(request.get_full_path())
    try:
        begin(what, kind, params, keys, request.user, now, preset)
    except (TooManyOpen, BadFilter) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The file is being made. It appears below when it is ready.")
    return redirect("contacts:exports")


def subject_for(user: Any, what: str) -> Subject:
    if what not in SUBJECTS:
        raise Http404
    if not user.has_perm(SUBJECTS[what].permission):
        raise PermissionDenied
    return SUBJECTS[what]


def back_to(what: str, request: HttpRequest) -> str:
    if what == "cleaning":
        return reverse("bounces:cleaning_run", args=[int(request.GET["run"])])
    query = request.GET.copy()
    query.pop("what", None)
    return f"{reverse(BACK[what])}?{query.urlencode()}".rstrip("?")


@needs(SEE)
def show_list(request: HttpRequest) -> HttpResponse:
    own = Export.objects.filter(by=request.user.pk)
    page = page_for(request, own, ["-id"], size=25)
    return render(request, "contacts/exports.html", {"page": page, "is_open": any(one.is_open for one in page.items)})


@require_GET
@needs(SEE)
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    export = get_object_or_404(Export, pk=pk, by=request.user)
    subject_for(request.user, export.subject)
    if not export.is_ready or (export.expires_at and export.expires_at <= timezone.now()):
        messages.info(request, "There is no file to download: it is not ready yet, or it has expired. Export again.")
        return redirect("contacts:exports")
    return sent(body_of(export), export.file_name, TYPES[export.form], export.size)


@require_POST
@needs(SEE)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Export, pk=pk, by=request.user).delete()
    messages.success(request, "The export is deleted.")
    return redirect("contacts:exports")


def sent(pieces: Iterator[bytes], name: str, kind: str, size: int | None = None) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    if size is not None:
        response["Content-Length"] = str(size)
    return response
