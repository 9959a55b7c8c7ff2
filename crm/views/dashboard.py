"""The first page. In: the signed-in user. Out: how the list and the mail are doing, and what to do next."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm.dashboard import Dashboard, look
from crm.models import DemoLoad

SERIES = (("hard", "Hard", "bad"), ("soft", "Soft", "watch"), ("deferred", "Deferred", "calm"))


@login_required
def show_dashboard(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    board = look(request.user, now)
    demo = DemoLoad.objects.filter(finished_at=None).first()
    context = {
        "board": board,
        "chart": chart_of(board),
        "series": SERIES,
        "demo": demo,
        "is_stopped": demo is not None and demo.is_stopped(now),
    }
    return render(request, "crm/dashboard.html", context)


def chart_of(board: Dashboard) -> dict[str, object]:
    """What `crm/static/crm/charts.js` draws: labels, and one stacked series a kind with its tone."""
    return {
        "labels": [f"{day.day.day} {day.day:%b}" for day in board.days],
        "series": [
            {"name": name, "tone": tone, "values": [getattr(day, kind) for day in board.days]}
            for kind, name, tone in SERIES
        ],
    }
