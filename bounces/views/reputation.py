"""How well our mail arrives, and what guards have paused. In: a dimension and a period of the URL. Out: pages."""

from __future__ import annotations

from datetime import UTC

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import guards
from bounces.models import Guard
from bounces.reputation import DIMENSIONS, PERIODS, SHOWN, by_day, label_of, standings
from bounces.views.access import needs


@needs("bounces.view_bounce")
def show_reputation(request: HttpRequest) -> HttpResponse:
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else "campaign"
    days = request.GET.get("days", "")
    chosen = int(days) if days in map(str, PERIODS) else 30
    key = request.GET.get("key", "").replace("\0", "")
    today = timezone.now().astimezone(UTC).date()
    rows = by_day(by, key, chosen, today) if key else standings(by, chosen, today)
    paused = Guard.objects.filter(state=Guard.State.PAUSED)
    url = reverse("bounces:reputation")
    context = {
        "dimension": DIMENSIONS[by],
        "of": label_of(by, key),
        "unit": "month" if DIMENSIONS[by].by_month else "day",
        "days": chosen,
        "periods": PERIODS,
        "rows": rows,
        "paused": (paused.filter(dimension=by, key=key) if key else paused)[:SHOWN],
        "is_cut": not key and len(rows) == SHOWN,
        "tabs": [
            {"label": each.label, "url": f"{url}?by={each.name}&days={chosen}", "is_current": each.name == by}
            for each in DIMENSIONS.values()
        ],
    }
    return render(request, "bounces/reputation.html", context)


@require_POST
@needs("bounces.restore_address")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    guard = get_object_or_404(Guard, pk=pk)
    try:
        resumed = guards.resume(guard, request.user, request.POST.get("reason", ""), timezone.now())
    except guards.NoReason as error:
        messages.error(request, str(error))
    else:
        said = f"{guard} may go on. Its guard stays armed." if resumed else f"{guard} was not paused any more."
        (messages.success if resumed else messages.info)(request, said)
    return redirect(reverse("bounces:reputation"))
