"""Repair: what one provider's error made invalid is looked at first, then taken back in one go.

In: a provider, two moments, a reason of the bounces. Out: pages; `bounces/repair.py` does it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces import repair
from bounces.classification import load_reasons
from bounces.ids import id_in
from bounces.models import Bounce, Incident
from bounces.providers import provider_name
from bounces.views.access import needs

SHOWN = 50
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
        label="Why", max_length=500, required=False, help_text="Others read it later. Needed to restore, not to look."
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
    refused = Bounce.objects.filter(kind="hard", fault="recipient").order_by().values_list("provider", flat=True)
    names = [(provider, provider_name(provider)) for provider in refused.distinct()[:MOST_PROVIDERS] if provider]
    return sorted(names, key=lambda pair: pair[1].lower())


@needs("bounces.restore_address")
def show_repair(request: HttpRequest) -> HttpResponse:
    """GET shows what would be taken back; POST takes it back."""
    asked = "provider" in request.GET or request.method == "POST"
    form = ScopeForm((request.POST or request.GET) if asked else None, initial=first_guess(request))
    found: list[repair.Repairable] = []
    if asked and form.is_valid():
        if request.method == "POST" and form.cleaned_data["why"].strip():
            number = repair.repair(form.scope(), request.user, form.cleaned_data["why"], timezone.now())
            messages.success(request, f"{number:,} addresses were judged again. It stands below Decided.")
            return redirect("bounces:review")
        if request.method == "POST":
            form.add_error("why", "Say why, so that others can read it later.")
        found = repair.preview(form.scope())
    becomes = repair.outlook(found, request.user, timezone.now()) if found else {}
    context = {
        "form": form,
        "looked": asked and not (set(form.errors) - {"why"}),
        "found": [(each, becomes[each.address_id]) for each in found[:SHOWN]],
        "becomes": sorted(Counter(becomes.values()).items()),
        "looked_at": len(becomes),
        "number": len(found),
    }
    return render(request, "bounces/repair.html", context)


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
