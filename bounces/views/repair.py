"""Repair: what one provider's error made invalid is looked at first, then taken back in one run, which can be undone.

In: a provider, two moments, a reason of the bounces; a run's id. Out: pages; `bounces/repair.py` does it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import repair
from bounces.classification import load_reasons
from bounces.conditions import HARD
from bounces.ids import id_in
from bounces.models import Bounce, Incident, Repair
from bounces.paging import page_of
from bounces.providers import provider_name
from bounces.reason_examples import reason_help
from bounces.views.access import needs
from bounces.views.verdicts import add_verdicts

SHOWN = 50
LATEST = 20
MOST_PROVIDERS = 200


class ScopeForm(forms.Form):
    """Whose error, and when. With `why` it is done, without it is looked at."""

    provider = forms.ChoiceField(label="Provider")
    since = forms.DateTimeField(
        label="From", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateTimeField(
        label="To", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.ChoiceField(label="What it said", required=False)
    why = forms.CharField(
        label="Why",
        max_length=500,
        required=False,
        help_text=f"Needed to restore, not to look. {reason_help('repair')}",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["provider"].choices = providers()  # type: ignore[attr-defined]  # it has choices
        reasons = [(name, reason.definition) for name, reason in load_reasons().items() if reason.hard]
        self.fields["reason"].choices = [("", "Anything for good"), *reasons]  # type: ignore[attr-defined]  # likewise

    def clean(self) -> dict[str, Any] | None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", "The end lies before the beginning.")
        return super().clean()

    def scope(self) -> repair.Scope:
        given = self.cleaned_data
        return repair.Scope(given["provider"], given["since"], given["until"], given["reason"])


def providers() -> list[tuple[str, str]]:
    """Who refused somebody for good, by name."""
    refused = Bounce.objects.filter(HARD).order_by().values_list("provider", flat=True)
    names = [(provider, provider_name(provider)) for provider in refused.distinct()[:MOST_PROVIDERS] if provider]
    return sorted(names, key=lambda pair: pair[1].lower())


@needs("bounces.restore_address")
def show_repair(request: HttpRequest) -> HttpResponse:
    """GET shows what would be taken back; POST lets a job do it."""
    asked = "provider" in request.GET or request.method == "POST"
    form = ScopeForm((request.POST or request.GET) if asked else None, initial=first_guess(request))
    found: list[repair.Repairable] = []
    number = 0
    if asked and form.is_valid():
        if request.method == "POST" and form.cleaned_data["why"].strip():
            started = repair.start(form.scope(), request.user, form.cleaned_data["why"], timezone.now())
            return redirect("bounces:repair_run", started.pk)
        if request.method == "POST":
            form.add_error("why", "Say why, so that others can read it later.")
        found, number = repair.preview(form.scope()), repair.count(form.scope())
    becomes = repair.outlook(found, request.user, timezone.now()) if found else {}
    context = {
        "form": form,
        "looked": asked and not (set(form.errors) - {"why"}),
        "found": [(each, becomes[each.address_id]) for each in found[:SHOWN]],
        "becomes": sorted(Counter(becomes.values()).items()),
        "looked_at": len(becomes),
        "number": number,
        "repairs": [(each, provider_name(each.provider)) for each in Repair.objects.select_related("by")[:LATEST]],
    }
    return render(request, "bounces/repair.html", context)


@needs("bounces.restore_address")
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Repair.objects.select_related("by", "undone_by"), pk=pk)
    rulings = run.rulings.select_related("address")
    page = page_of(rulings, ["id"], request.GET.get("after"), request.GET.get("before"), size=SHOWN)
    add_verdicts(ruling.address for ruling in page.items)
    reason = load_reasons().get(run.reason)
    context = {
        "run": run,
        "provider": provider_name(run.provider),
        "reason": reason.definition if reason else "anything for good",
        "page": page,
    }
    return render(request, "bounces/repair_run.html", context)


@needs("bounces.restore_address")
def show_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for every second; once it has ended, the whole page is loaded anew."""
    run = get_object_or_404(Repair, pk=pk)
    response = render(request, "bounces/_repair_progress.html", {"run": run})
    if not run.is_running:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@needs("bounces.restore_address")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Repair, pk=pk)
    if not repair.undo(run, request.user, timezone.now()):
        messages.error(request, "There is nothing to take back here, or somebody was faster.")
    return redirect("bounces:repair_run", pk)


def first_guess(request: HttpRequest) -> dict[str, Any]:
    """Of an incident from whose page somebody came."""
    text = request.GET.get("incident", "")
    incident = Incident.objects.filter(pk=id_in(text)).first()
    if incident is None:
        return {}
    return {
        "provider": incident.provider,
        "since": incident.began_at,
        "until": incident.ended_at or timezone.now(),
    }
