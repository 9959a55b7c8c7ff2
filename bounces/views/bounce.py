"""The list of bounces, one bounce with its evidence, and complaints. In: filters, ids. Out: pages."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from bounces.classification import Rule, load_reasons, load_rules
from bounces.classification.overrides import Effect
from bounces.lists import BounceFilter, ComplaintFilter, count_faults
from bounces.models import Attempt, InboundItem, RuleOverride
from bounces.paging import both_ways, capped_count, page_for, page_of, sort_for
from bounces.sentences import explain_bounce
from bounces.sight import bounces_for, only_seen, readable_of
from bounces.verdict import verdicts_of
from bounces.views.access import needs

MOST_EVIDENCE = 100
# The orders of the list: the first one, newest first, is what people get.
ORDERS = both_ways(
    {
        "-when": ("-occurred_at", "-id"),
        "address": ("address__email", "occurred_at", "id"),
        "kind": ("kind", "occurred_at", "id"),
        "reason": ("reason", "occurred_at", "id"),
        "fault": ("fault", "occurred_at", "id"),
        "codes": ("smtp_code", "enhanced_code", "id"),
    }
)


def tabs(current: str) -> list[dict[str, Any]]:
    named = {"list": "Bounces", "complaints": "Complaints"}
    return [
        {"label": label, "url": reverse(f"bounces:{name}"), "is_current": name == current}
        for name, label in named.items()
    ]


@needs("bounces.view_bounce")
def show_list(request: HttpRequest) -> HttpResponse:
    form = BounceFilter(request.GET)
    rows = only_seen(form.rows(), request.user)
    sort = sort_for(request, ORDERS)
    context = {
        "form": form,
        "page": page_for(request, rows, ORDERS[sort]),
        "sort": sort,
        "faults": count_faults(only_seen(form.failures(), request.user)),
        "total": capped_count(rows),
        "tabs": tabs("list"),
    }
    return render(request, "bounces/list.html", context)


@needs("bounces.view_bounce")
def show_complaints(request: HttpRequest) -> HttpResponse:
    form = ComplaintFilter(request.GET)
    rows = only_seen(form.rows(), request.user)
    page = page_of(rows, ["-id"], request.GET.get("after"), request.GET.get("before"))
    context = {"form": form, "page": page, "total": capped_count(rows), "tabs": tabs("complaints")}
    return render(request, "bounces/complaints.html", context)


@needs("bounces.view_bounce")
def show_bounce(request: HttpRequest, pk: int) -> HttpResponse:
    override = RuleOverride.objects.filter(name=OuterRef("rule")).values("pk")[:1]
    bounce = get_object_or_404(bounces_for(request.user).annotate(override_id=Subquery(override)), pk=pk)
    own = vars(bounce)["override_id"]
    row = RuleOverride.objects.filter(pk=own).first() if own else None
    evidence = list(bounce.evidence.order_by("-rank", "pk")[:MOST_EVIDENCE])
    items = InboundItem.objects.in_bulk([one.inbound_item_id for one in evidence if one.inbound_item_id])
    context = {
        "bounce": bounce,
        "sentence": explain_bounce(bounce),
        "reason": load_reasons().get(bounce.reason),
        "rule": find_rule(bounce.rule, row),
        "rule_url": url_of_rule(bounce.rule, row),
        "evidence": [(one, items.get(one.inbound_item_id or 0)) for one in evidence],
        "readable": readable_of(request.user, items),
        "attempt": Attempt.objects.filter(pk=bounce.attempt_id).first() if bounce.attempt_id else None,
        "verdict": verdicts_of([bounce.address_id], timezone.now())[bounce.address_id],
    }
    return render(request, "bounces/bounce.html", context)


def find_rule(name: str, row: RuleOverride | None) -> Rule | None:
    """The rule of that name as it is in force: a verdict keeps the name of the rule it was made by."""
    shipped = next((rule for rule in load_rules().rules if rule.name == name), None)
    if row is None or not row.is_enabled:
        return shipped
    override = row.as_override()
    if override.effect is Effect.ADD:
        return override.rule
    return override.changed(shipped) if shipped and override.effect is Effect.CHANGE else None


def url_of_rule(name: str, row: RuleOverride | None) -> str:
    """Where an admin sees it: its row, where it is ours or changed by us; else the list of all rules."""
    if row is not None:
        return reverse("admin:bounces_ruleoverride_change", args=[row.pk])
    return f"{reverse('admin:bounces_ruleoverride_in_force')}#{name}"
