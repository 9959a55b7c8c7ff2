"""Suppressions: the list, adding one or many with a preview, lifting the chosen ones, CSV. In: forms. Out: pages."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Case, IntegerField, QuerySet, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces import suppressions
from bounces.exporting import SUPPRESSION_COLUMNS, suppression_rows
from bounces.ids import ids_in
from bounces.intake.exported.opening import reopen
from bounces.intake.upload import keep_upload_as, layout_in, targets_in
from bounces.lists import Day, SuppressionFilter
from bounces.models import Suppression
from bounces.paging import both_ways, capped_count, page_for, sort_for
from bounces.reason_examples import reason_help
from bounces.spreadsheet import csv_lines
from bounces.suppression_lists import (
    LARGEST,
    Outlook,
    SuppressionList,
    TooLarge,
    look_at,
    read_list,
    suppress_list,
    without_held,
)
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm

MAY = "bounces.change_suppression"
SOURCE = "page"
MOST_CHOSEN = 1000
MOST_BAD_SHOWN = 50


# The orders of the list: the first one, newest first, is what people get.
ORDERS = both_ways(
    {
        "-since": ("-created_at", "-id"),
        "target": ("whom", "id"),
        "reason": ("reason", "id"),
        "state": ("state_rank", "id"),
        "by": ("created_by__name", "id"),
    }
)


def _with_state(rows: QuerySet[Suppression], now: datetime) -> QuerySet[Suppression]:
    """With the columns that only sorting needs: whom it is about, and in force before expired before lifted."""
    rank = Case(
        When(lifted_at__isnull=False, then=2), When(expires_at__lte=now, then=1), default=0, output_field=IntegerField()
    )
    return rows.annotate(whom=Coalesce("address__email", "domain"), state_rank=rank)


def filter_of(request: HttpRequest) -> SuppressionFilter:
    """What is in force, unless the URL says otherwise."""
    return SuppressionFilter({"state": "in_force", **request.GET.dict()})


@needs(MAY)
def show_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    form = filter_of(request)
    rows = form.rows(now)
    sort = sort_for(request, ORDERS)
    page = page_for(request, _with_state(rows, now), ORDERS[sort])
    context = {
        "form": form,
        "sort": sort,
        "page": page,
        "rows": [(one, one.state_at(now)) for one in page.items],
        "total": capped_count(rows),
    }
    return render(request, "bounces/suppressions.html", context)


class SuppressForm(forms.Form):
    """Whom: typed or as a file. Between preview and deed the list is carried by the form itself."""

    targets = forms.CharField(
        label="Addresses or domains",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="One a line: <code>ada@example.org</code>, or <code>example.org</code> for everyone there. "
        "<code>*@example.org</code> means the same.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        help_text="A text file or a CSV with a column “email” or “domain”, up to 1 MB. Lists that Mailchimp, HubSpot, "
        "SendGrid and other tools export open as what they are: each row keeps its own reason and date.",
    )
    note = forms.CharField(
        label="Why",
        max_length=500,
        help_text=reason_help("suppress"),
        error_messages={"required": "Say why: others read it before they lift it."},
    )
    until = forms.DateField(
        label="Until", required=False, widget=Day(), help_text="The last day, in UTC. Empty: until a person lifts it."
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST:
            raise forms.ValidationError("The file is larger than 1 MB. Nothing was read. Split it.")
        return file

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until and until < datetime.now(UTC).date():
            raise forms.ValidationError("That day has passed: choose a later one, or leave it empty.")
        return until

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            cleaned["listed"] = read_list(self._text(cleaned))
        except UnicodeDecodeError:
            self.add_error("file", "This is not a text file. Save the list as CSV (UTF-8) and choose that.")
        except TooLarge as error:
            self.add_error("targets", str(error))
        else:
            if not cleaned["listed"] and not cleaned["listed"].bad:
                self.add_error("targets", "Name at least one address or domain, or choose a file.")
        return cleaned

    def _text(self, cleaned: dict[str, Any]) -> str:
        typed = str(cleaned.get("targets") or "")
        file = cleaned.get("file")
        return f"{typed}\n{targets_in(file, layout_in(file))}".strip() if file else typed

    @property
    def expires_at(self) -> datetime | None:
        """The end of the chosen day."""
        until = self.cleaned_data["until"]
        return datetime.combine(until + timedelta(days=1), time.min, UTC) if until else None


@needs(MAY)
def add(request: HttpRequest) -> HttpResponse:
    """One address is added at once; a list, a domain, or what has a mistake in it, after a preview."""
    file = request.FILES.get("file")
    if isinstance(file, UploadedFile) and (opened := open_list_of(file, request)):
        return opened
    form = SuppressForm(request.POST or None, request.FILES or None, initial={"targets": request.GET.get("q", "")})
    if request.method != "POST" or not form.is_valid():
        return render(request, "bounces/suppressions_add.html", {"form": form})
    now = timezone.now()
    listed: SuppressionList = without_held(form.cleaned_data["listed"], now)
    is_one_address = not file and len(listed.emails) == 1 and not listed.domains and not listed.bad
    if not (is_one_address or ("confirmed" in request.POST and len(listed))):
        return render(request, "bounces/suppressions_preview.html", preview(form, look_at(listed, now)))
    note = form.cleaned_data["note"].strip()
    new = suppress_list(listed, SOURCE, by=request.user, note=note, expires_at=form.expires_at, now=now)
    messages.success(request, said(new, len(listed) - new))
    return redirect("bounces:suppressions")


def open_list_of(file: UploadedFile, request: HttpRequest) -> HttpResponse | None:
    """A list of another tool that says why its people are on it opens as what it is; None of addresses alone."""
    layout = layout_in(file)
    if layout is None or not layout.tells or not request.user.has_perm("bounces.upload_bounces"):
        return None
    kept = keep_upload_as(file, request.user, timezone.now())
    reopen([kept.item_id])
    return redirect("bounces:provider_list", kept.item_id)


def preview(form: SuppressForm, outlook: Outlook) -> dict[str, Any]:
    bad = outlook.listed.bad
    return {
        "form": form,
        "outlook": outlook,
        "bad": bad[:MOST_BAD_SHOWN],
        "more_bad": max(0, len(bad) - MOST_BAD_SHOWN),
    }


def said(new: int, already: int) -> str:
    now_suppressed = f"{new:,} {'is' if new == 1 else 'are'} suppressed now."
    return f"{now_suppressed} {already:,} {'was' if already == 1 else 'were'} already." if already else now_suppressed


@needs(MAY)
def lift_chosen(request: HttpRequest) -> HttpResponse:
    """Asks why, once for all that were ticked, then lifts them."""
    sent = request.POST if request.method == "POST" else request.GET
    ids = ids_in(sent.getlist("pk")[:MOST_CHOSEN])
    form = ReasonForm("lift_many", request.POST or None)
    chosen = Suppression.objects.filter(pk__in=ids, lifted_at__isnull=True).select_related("address").order_by("-pk")
    if not chosen:
        messages.info(request, "Tick the suppressions to lift first. Those that are lifted already stay so.")
        return redirect("bounces:suppressions")
    if request.method == "POST" and form.is_valid():
        lifted = suppressions.lift_many(ids, request.user, form.cleaned_data["reason"], timezone.now())
        messages.success(request, f"{lifted:,} {'suppression is' if lifted == 1 else 'suppressions are'} lifted.")
        return redirect("bounces:suppressions")
    asked = [one for one in chosen if one.reason in ("complaint", "unsubscribe")]
    return render(request, "bounces/suppressions_lift.html", {"chosen": chosen, "asked": asked, "form": form})


@needs(MAY)
def export(request: HttpRequest) -> HttpResponseBase:
    """What the page's filter shows, all of it, streamed."""
    now = timezone.now()
    rows = suppression_rows(filter_of(request).rows(now), now)
    headers = {"Content-Disposition": f'attachment; filename="suppressions-{now:%Y-%m-%d}.csv"'}
    lines = csv_lines(list(SUPPRESSION_COLUMNS.values()), rows)
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
