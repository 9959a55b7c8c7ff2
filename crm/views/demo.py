"""How far the demo is loaded, for the dashboard. In: a poll. Out: a part of the page; at the end the page anew."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm.models import DemoLoad


@login_required
def show_progress(request: HttpRequest) -> HttpResponse:
    row = DemoLoad.objects.filter(finished_at=None).first()
    if row is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"demo": row, "is_stopped": row.is_stopped(timezone.now())}
    return render(request, "crm/_demo_progress.html", context)
