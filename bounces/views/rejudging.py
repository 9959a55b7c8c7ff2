"""Bounces judged again: starting it, its progress, what changes. In: ids, filters. Out: pages.

What is done to such a run (apply, pause, cancel, undo) is done by the views of any run: `cleaning.py`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from bounces.cleaning import AlreadyRunning
from bounces.cleaning.report import report_of
from bounces.lists import RunRowFilter
from bounces.models import Bounce, CleaningRun, RuleOverride
from bounces.paging import capped_count, page_of
from bounces.rejudging.report import rows_of, transitions_of
from bounces.rejudging.starting import rejudge_history, work_at_once
from bounces.rejudging.working import is_outdated
from bounces.sentences import explain_change
from bounces.sight import only_seen
from bounces.views.access import needs
from bounces.views.cleaning import get_run

ROWS = 25


@needs("bounces.change_ruleoverride")
def start(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        try:
            run = rejudge_history(by=request.user, now=timezone.now())
        except AlreadyRunning as error:
            messages.error(request, str(error))
            return redirect("bounces:cleaning_run", error.run.pk)
        work_at_once(run, timezone.now)
        return redirect("bounces:rejudging", run.pk)
    last = CleaningRun.objects.filter(rejudges=True, what_if=False, state="done").select_related("started_by").first()
    context = {
        "total": capped_count(Bounce.objects.all()),
        "overrides": RuleOverride.objects.filter(is_enabled=True).count(),
        "last": last,
    }
    return render(request, "bounces/rejudge.html", context)


@needs("bounces.view_cleaningrun")
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_rejudging(pk)
    context = {"run": run, "part": run.rejudging, "rule_url": _rule_url(run)}
    if run.is_running or run.state == run.State.PAUSED:
        return render(request, "bounces/rejudging.html", context | {"pace": run.pace(timezone.now())})
    shows_addresses = request.GET.get("show") == "addresses"
    context |= {
        "tabs": _tabs(run, shows_addresses=shows_addresses),
        "shows_addresses": shows_addresses,
        "can_undo": run.can_undo and request.user.has_perm("bounces.run_cleaning"),
        "is_outdated": run.state == run.State.READY and not run.what_if and is_outdated(run),
        **(_addresses if shows_addresses else _bounces)(request, run),
    }
    return render(request, "bounces/rejudging.html", context)


@needs("bounces.view_cleaningrun")
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for every second; once the run has ended, the whole page is loaded anew."""
    run = get_rejudging(pk)
    context = {"run": run, "part": run.rejudging, "pace": run.pace(timezone.now())}
    response = render(request, "bounces/_rejudging_progress.html", context)
    if not run.is_running:
        response["HX-Refresh"] = "true"
    return response


def get_rejudging(pk: int) -> CleaningRun:
    run = get_run(pk)
    if not run.rejudges or run.has_lost_verdicts:
        raise Http404
    return run


def _bounces(request: HttpRequest, run: CleaningRun) -> dict[str, Any]:
    chosen = request.GET.get("change", "")[:300]
    after, before = request.GET.get("after"), request.GET.get("before")
    page = page_of(only_seen(rows_of(run, chosen), request.user, "address_id"), ["bounce_id"], after, before, size=ROWS)
    return {"transitions": transitions_of(run), "chosen_change": chosen, "page": page}


def _addresses(request: HttpRequest, run: CleaningRun) -> dict[str, Any]:
    form = RunRowFilter(request.GET)
    page = page_of(
        only_seen(form.rows(run), request.user), form.order(), request.GET.get("after"), request.GET.get("before")
    )
    return {
        "form": form,
        "chosen": form.chosen(),
        "moves": report_of(run).moves,
        "page": page,
        "sentences": [(row, explain_change(row)) for row in page.items],
    }


def _tabs(run: CleaningRun, *, shows_addresses: bool) -> list[dict[str, Any]]:
    url = reverse("bounces:rejudging", args=[run.pk])
    return [
        {"label": "Bounces", "url": url, "is_current": not shows_addresses, "count": run.rejudging.written},
        {"label": "Addresses", "url": f"{url}?show=addresses", "is_current": shows_addresses, "count": run.changes},
    ]


def _rule_url(run: CleaningRun) -> str:
    """Where the tried rule is written; empty for a run by the rules in force."""
    part = run.rejudging
    if not part.tried:
        return ""
    if part.tried_row_id:
        return f"{reverse('admin:bounces_ruleoverride_change', args=[part.tried_row_id])}?run={run.pk}"
    return f"{reverse('admin:bounces_ruleoverride_add')}?run={run.pk}"
