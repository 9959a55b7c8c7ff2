"""How well our mail arrives, and what guards have paused. In: a dimension and a period of the URL. Out: pages."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import guards
from bounces.advice import Tally, advise, tally, under
from bounces.came_from import came_from
from bounces.ids import ids_in
from bounces.models import Guard
from bounces.pauses import paused_causes
from bounces.reputation import BOUNCE_LINES, DIMENSIONS, PERIODS, SHOWN, by_day, label_of, standings
from bounces.sight import hidden_campaigns
from bounces.trend import Point, trend
from bounces.views.access import needs

MOST_RESUMED = 100


SERIES = (("hard", "Hard bounces", "bad"), ("soft", "Soft bounces", "watch"), ("complaints", "Complaints", "info"))
CAUSES_SHOWN = 5  # the others unfold, so that the rates below stay in sight


@needs("bounces.view_bounce")
def show_reputation(request: HttpRequest) -> HttpResponse:
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else "campaign"
    days = request.GET.get("days", "")
    chosen = int(days) if days in map(str, PERIODS) else 30
    key = request.GET.get("key", "").replace("\0", "")
    hidden = hidden_campaigns(request.user)
    if by == "campaign" and key in hidden:
        raise Http404
    now = timezone.now()
    today = now.astimezone(UTC).date()
    rows = by_day(by, key, chosen, today) if key else standings(by, chosen, today, hidden)
    tallies = tally(now - timedelta(days=chosen))
    url = reverse("bounces:reputation")
    has_own_trend = key and not DIMENSIONS[by].by_month
    points = trend(by, key, chosen, today) if has_own_trend else trend("all", "", chosen, today)
    context = {
        "dimension": DIMENSIONS[by],
        "of": label_of(by, key),
        "unit": "month" if DIMENSIONS[by].by_month else "day",
        "days": chosen,
        "periods": PERIODS,
        "rows": rows,
        **_causes(tallies, by, key, hidden),
        "advice": advise(under(tallies, [(by, key)]) if key else tallies),
        "points": points,
        "chart": chart_of(points),
        "series": SERIES,
        "is_cut": not key and len(rows) == SHOWN,
        "tabs": [
            {"label": each.label, "url": f"{url}?by={each.name}&days={chosen}", "is_current": each.name == by}
            for each in DIMENSIONS.values()
        ],
    }
    return render(request, "bounces/reputation.html", context)


def _causes(tallies: list[Tally], by: str, key: str, hidden: set[str]) -> dict[str, Any]:
    """What is paused, each with advice of its own; of one key what stops it."""
    causes = [
        (cause, advise(under(tallies, [(guard.dimension, guard.key) for guard in cause.guards])))
        for cause in paused_causes(hidden)
        if not key or key in cause.keys(by)
    ]
    return {"causes": causes[:CAUSES_SHOWN], "more_causes": causes[CAUSES_SHOWN:], "number_paused": len(causes)}


def chart_of(points: list[Point]) -> dict[str, Any]:
    """What `crm/static/crm/charts.js` draws: one line a rate, in per cent, and the lines at 1% and 2%."""
    return {
        "kind": "rates",
        "labels": [f"{point.day.day} {point.day:%b}" for point in points],
        "series": [
            {"name": name, "tone": tone, "values": [_per_cent(getattr(point, word)) for point in points]}
            for word, name, tone in SERIES
        ],
        "limits": [
            {"name": "1%: watch", "tone": "watch", "value": 100 * BOUNCE_LINES[0]},
            {"name": "2%: stop", "tone": "bad", "value": 100 * BOUNCE_LINES[1]},
        ],
        "is_empty": not any(point.attempted for point in points),
    }


def _per_cent(rate: float | None) -> float | None:
    return None if rate is None else round(100 * rate, 3)


@require_POST
@needs("bounces.restore_address")
def resume(request: HttpRequest) -> HttpResponse:
    """Resume the ticked guards, all with one reason: guards of one cause are resumed together."""
    chosen = Guard.objects.filter(pk__in=ids_in(request.POST.getlist("pk")[:MOST_RESUMED]))
    try:
        reason, now = request.POST.get("reason", ""), timezone.now()
        resumed = [guard for guard in chosen if guards.resume(guard, request.user, reason, now)]
    except guards.NoReason as error:
        messages.error(request, str(error))
    else:
        names = ", ".join(guard.key for guard in resumed)
        if resumed:
            messages.success(request, f"Sending resumed for {names}. The guard stays armed.")
        else:
            messages.info(request, "There is nothing to resume: no guard is paused here.")
    return redirect(came_from(request, reverse("bounces:reputation")))
