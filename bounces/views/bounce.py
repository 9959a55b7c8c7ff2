"""The list of bounces, one bounce with its evidence, and complaints. In: filters, ids. Out: pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from bounces.classification import load_reasons, load_rules
from bounces.lists import BounceFilter, ComplaintFilter, count_faults
from bounces.models import Attempt, Bounce, InboundItem
from bounces.paging import capped_count, page_of
from bounces.sentences import explain_bounce
from bounces.verdict import verdicts_of
from bounces.views.access import needs

MOST_EVIDENCE = 100


def tabs(current: str) -> list[dict[str, Any]]:
    named = {"list": "Bounces", "complaints": "Complaints"}
    return [
        {"label": label, "url": reverse(f"bounces:{name}"), "is_current": name == current}
        for name, label in named.items()
    ]


@needs("bounces.view_bounce")
def show_list(request: HttpRequest) -> HttpResponse:
    form = BounceFilter(request.GET)
    rows = form.rows()
    page = page_of(rows, ["-occurred_at", "-id"], request.GET.get("after"), request.GET.get("before"))
    context = {
        "form": form,
        "page": page,
        "faults": count_faults(form.failures()),
        "total": capped_count(rows),
        "tabs": tabs("list"),
    }
    return render(request, "bounces/list.html", context)


@needs("bounces.view_bounce")
def show_complaints(request: HttpRequest) -> HttpResponse:
    form = ComplaintFilter(request.GET)
    rows = form.rows()
    page = page_of(rows, ["-id"], request.GET.get("after"), request.GET.get("before"))
    context = {"form": form, "page": page, "total": capped_count(rows), "tabs": tabs("complaints")}
    return render(request, "bounces/complaints.html", context)


@needs("bounces.view_bounce")
def show_bounce(request: HttpRequest, pk: int) -> HttpResponse:
    bounce = get_object_or_404(Bounce.objects.select_related("address"), pk=pk)
    evidence = list(bounce.evidence.order_by("-rank", "pk")[:MOST_EVIDENCE])
    items = InboundItem.objects.in_bulk([one.inbound_item_id for one in evidence if one.inbound_item_id])
    context = {
        "bounce": bounce,
        "sentence": explain_bounce(bounce),
        "reason": load_reasons().get(bounce.reason),
        "rule": find_rule(bounce.rule),
        "evidence": [(one, items.get(one.inbound_item_id or 0)) for one in evidence],
        "attempt": Attempt.objects.filter(pk=bounce.attempt_id).first() if bounce.attempt_id else None,
        "verdict": verdicts_of([bounce.address_id], timezone.now())[bounce.address_id],
    }
    return render(request, "bounces/bounce.html", context)


def find_rule(name: str) -> Any:
    """The rule of that name, where it still exists: a verdict keeps the name of the rule it was made by."""
    return next((rule for rule in load_rules().rules if rule.name == name), None)
