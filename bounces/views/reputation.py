"""How well our mail arrives, and what guards have paused. In: a dimension and a period of the URL. Out: pages."""

from __future__ import annotations

from datetime import UTC

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from bounces import guards
from bounces.ids import ids_in
from bounces.models import Guard
from bounces.pauses import paused_causes
from bounces.reputation import DIMENSIONS, PERIODS, SHOWN, by_day, label_of, standings
from bounces.views.access import needs

MOST_RESUMED = 100


@needs("bounces.view_bounce")
def show_reputation(request: HttpRequest) -> HttpResponse:
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else "campaign"
    days = request.GET.get("days", "")
    chosen = int(days) if days in map(str, PERIODS) else 30
    key = request.GET.get("key", "").replace("\0", "")
    today = timezone.now().astimezone(UTC).date()
    rows = by_day(by, key, chosen, today) if key else standings(by, chosen, today)
    url = reverse("bounces:reputation")
    context = {
        "dimension": DIMENSIONS[by],
        "of": label_of(by, key),
        "unit": "month" if DIMENSIONS[by].by_month else "day",
        "days": chosen,
        "periods": PERIODS,
        "rows": rows,
        "causes": [cause for cause in paused_causes() if not key or key in cause.keys(by)],
        "is_cut": not key and len(rows) == SHOWN,
        "tabs": [
            {"label": each.label, "url": f"{url}?by={each.name}&days={chosen}", "is_current": each.name == by}
            for each in DIMENSIONS.values()
        ],
    }
    return render(request, "bounces/reputation.html", context)


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
    target = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if is_safe else reverse("bounces:reputation"))
