"""How well our mail arrives. In: a dimension and a period of the URL. Out: a page."""

from __future__ import annotations

from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from bounces.reputation import DIMENSIONS, PERIODS, SHOWN, standings
from bounces.views.access import needs


@needs("bounces.view_bounce")
def show_reputation(request: HttpRequest) -> HttpResponse:
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else "campaign"
    days = request.GET.get("days", "")
    chosen = int(days) if days in map(str, PERIODS) else 30
    rows = standings(by, chosen, timezone.now().astimezone(UTC).date())
    url = reverse("bounces:reputation")
    context = {
        "dimension": DIMENSIONS[by],
        "days": chosen,
        "periods": PERIODS,
        "rows": rows,
        "is_cut": len(rows) == SHOWN,
        "tabs": [
            {"label": each.label, "url": f"{url}?by={each.name}&days={chosen}", "is_current": each.name == by}
            for each in DIMENSIONS.values()
        ],
    }
    return render(request, "bounces/reputation.html", context)
