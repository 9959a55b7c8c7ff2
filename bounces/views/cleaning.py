"""Cleaning runs: the list, a run's progress and report, what is done to it, its rows as CSV. In: ids. Out: pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces.cleaning import AlreadyRunning, NotReady, apply_run, cancel_run, pause_run, resume_run
from bounces.cleaning.report import Share, report_of, silent_of
from bounces.exporting import CLEANING_COLUMNS, cleaning_rows
from bounces.lists import RunRowFilter
from bounces.models import CleaningRun, Policy, Schedule
from bounces.paging import page_of
from bounces.policy_numbers import differences
from bounces.sentences import explain_change
from bounces.sight import only_seen
from bounces.spreadsheet import csv_lines
from bounces.views.access import needs

CLEANING_TASK = "clean_all"


@needs("bounces.view_cleaningrun")
def show_list(request: HttpRequest) -> HttpResponse:
    runs = CleaningRun.objects.select_related("started_by")
    context = {
        "page": page_of(runs, ["-id"], request.GET.get("after"), request.GET.get("before"), size=25),
        "schedule": Schedule.objects.filter(task=CLEANING_TASK, is_enabled=True).order_by("next_run_at").first(),
        "policy": Policy.active(),
    }
    return render(request, "bounces/cleaning.html", context)


@needs("bounces.view_cleaningrun")
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    if run.rejudges and not run.has_lost_verdicts:
        return redirect(f"{reverse('bounces:rejudging', args=[pk])}?{request.GET.urlencode()}")
    if run.is_running or run.state == run.State.PAUSED:
        context = {"run": run, "pace": run.pace(timezone.now()), **_tried(run)}
        return render(request, "bounces/cleaning_run.html", context)
    form = RunRowFilter(request.GET)
    report = report_of(run)
    page = page_of(
        only_seen(form.rows(run), request.user), form.order(), request.GET.get("after"), request.GET.get("before")
    )
    context = {
        "run": run,
        "form": form,
        "chosen": form.chosen(),
        **_tried(run),
        "report": report,
        "moves": report.moves,
        "shares": report.shares,
        "chart": chart_of(report.shares),
        "can_undo": run.can_undo and request.user.has_perm("bounces.run_cleaning"),
        "page": page,
        "sentences": [(row, explain_change(row)) for row in page.items],
    }
    return render(request, "bounces/cleaning_run.html", context)


def _tried(run: CleaningRun) -> dict[str, Any]:
    """Of a what-if: which numbers it tries instead of those in force, and what that does to silent addresses."""
    if not run.what_if:
        return {}
    in_force = Policy.active().numbers
    return {"differences": differences(in_force, run.policy.numbers), "silent": silent_of(run, in_force)}


TONES = {"valid": "good", "at_risk": "watch", "invalid": "bad", "unverified": "calm"}


def chart_of(shares: list[Share]) -> dict[str, Any]:
    """What `crm/charts.js` draws: a bar before, a bar after, each stacked by status."""
    order = {share.status: share for share in shares}
    return {
        "labels": ["Before", "After"],
        "horizontal": True,
        "series": [
            {
                "name": status.replace("_", " ").capitalize(),
                "tone": tone,
                "values": [order[status].before, order[status].after],
            }
            for status, tone in TONES.items()
            if status in order
        ],
    }


@needs("bounces.view_cleaningrun")
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for every second; once the run has ended, the whole page is loaded anew."""
    run = get_run(pk)
    response = render(request, "bounces/_run_progress.html", {"run": run, "pace": run.pace(timezone.now())})
    if not run.is_running:
        response["HX-Refresh"] = "true"
    return response


def get_run(pk: int) -> CleaningRun:
    return get_object_or_404(CleaningRun.objects.select_related("started_by", "undone_by", "policy"), pk=pk)


@require_POST
@needs("bounces.run_cleaning")
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    try:
        apply_run(run, request.user)
    except (NotReady, AlreadyRunning) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The changes are being applied.")
    return redirect("bounces:cleaning_run", pk)


@require_POST
@needs("bounces.run_cleaning")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    if cancel_run(run, request.user, timezone.now()):
        messages.success(request, "The run is cancelled. What it had applied by then stays.")
    else:
        messages.info(request, f"There is nothing to cancel: this run is “{run.get_state_display()}”.")
    return redirect("bounces:cleaning_run", pk)


@require_POST
@needs("bounces.run_cleaning")
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_run(pk)
    if pause_run(run):
        messages.success(request, "The run is paused. It goes on when somebody resumes it.")
    else:
        messages.info(request, f"There is nothing to pause: this run is “{run.get_state_display()}”.")
    return redirect("bounces:cleaning_run", pk)


@require_POST
@needs("bounces.run_cleaning")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        resume_run(get_run(pk))
    except (NotReady, AlreadyRunning) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The run goes on.")
    return redirect("bounces:cleaning_run", pk)


@needs("bounces.view_cleaningrun")
def export_rows(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that the page's filter shows, all of them, streamed."""
    run = get_run(pk)
    form = RunRowFilter(request.GET)
    name = run.noun.lower().replace(" ", "-")
    headers = {"Content-Disposition": f'attachment; filename="{name}-{run.pk}.csv"'}
    return StreamingHttpResponse(
        csv_lines(list(CLEANING_COLUMNS.values()), cleaning_rows(only_seen(form.rows(run), request.user))),
        content_type="text/csv",
        headers=headers,
    )
