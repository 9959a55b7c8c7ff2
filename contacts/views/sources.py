"""How our mail arrives at the people of each source. In: a period of the URL. Out: the page, of the latest count."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from bounces.reputation import DIMENSIONS, PERIODS
from bounces.views.access import needs
from contacts.sources import KEPT, latest, sources_of


@needs("bounces.view_bounce")
def show_sources(request: HttpRequest) -> HttpResponse:
    given = request.GET.get("days", "")
    days = int(given) if given in map(str, PERIODS) else 30
    count = latest(days, timezone.now())
    rows = sources_of(count)
    url = reverse("bounces:reputation")
    tabs = [
        {"label": each.label, "url": f"{url}?by={each.name}&days={days}", "is_current": False}
        for each in DIMENSIONS.values()
    ]
    context = {
        "count": count,
        "days": days,
        "periods": PERIODS,
        "rows": rows,
        "is_cut": len(rows) == KEPT,
        "tabs": [*tabs, {"label": "Sources", "url": request.path, "is_current": True}],
    }
    return render(request, "contacts/sources.html", context)
