"""One address: its verdict, history and decisions; restoring it, lifting a suppression. In: ids, forms. Out: pages."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import questions, rulings, suppressions
from bounces.came_from import came_from
from bounces.models import Evidence, Ruling, Suppression
from bounces.sentences import explain_change
from bounces.sight import addresses_for
from bounces.verdict import verdicts_of
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm

SHOWN = 20


@needs("bounces.view_bounce")
def show_address(request: HttpRequest, pk: int) -> HttpResponse:
    address = get_object_or_404(addresses_for(request.user).select_related("silence"), pk=pk)
    now = timezone.now()
    changes = address.status_changes.select_related("address", "policy", "actor").order_by("-at", "-id")[:SHOWN]
    misdated = Evidence.objects.filter(bounce=OuterRef("pk"), claimed_at__isnull=False)
    asked = questions.newest_asks([pk]).get(pk)
    decided = list(address.rulings.select_related("by").order_by("-at")[:SHOWN])
    context = {
        "address": address,
        "verdict": verdicts_of([pk], now)[pk],
        "silence": getattr(address, "silence", None),
        "suppressions": suppressions.active_for([pk], now)[pk],
        "changes": [(change, explain_change(change)) for change in changes],
        "bounces": address.bounces.annotate(is_misdated=Exists(misdated)).order_by("-occurred_at", "-id")[:SHOWN],
        "is_held": any(one.kind == Ruling.Kind.HOLD and one.lifted_at is None for one in decided),
        "complaints": address.complaints.order_by("-occurred_at")[:SHOWN],
        "rulings": decided,
        "asked": asked,
        "is_asked": asked is not None and not asked.decision,
    }
    return render(request, "bounces/address.html", context)


@needs("bounces.restore_address")
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks why, then restores. `next` is where the person came from."""
    address = get_object_or_404(addresses_for(request.user), pk=pk)
    form = ReasonForm("restore", request.POST or None)
    back = came_from(request, reverse("bounces:address", args=[pk]))
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        rulings.restore(address, request.user, form.cleaned_data["reason"], now)
        messages.success(request, f"{address} is restored. {verdicts_of([pk], now)[pk].sentence}")
        return redirect(back)
    verdict = verdicts_of([pk], timezone.now())[pk]
    return render(request, "bounces/restore.html", {"address": address, "verdict": verdict, "form": form, "back": back})


@needs("bounces.restore_address")
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks why, then nobody writes there until it is released."""
    address = get_object_or_404(addresses_for(request.user), pk=pk)
    form = ReasonForm("hold", request.POST or None)
    if request.method == "POST" and form.is_valid():
        rulings.hold(address, request.user, form.cleaned_data["reason"], timezone.now())
        messages.success(request, f"{address} is held: nobody writes there until it is released.")
        return redirect("bounces:address", pk)
    return render(request, "bounces/hold.html", {"address": address, "form": form})


@require_POST
@needs("bounces.restore_address")
def release(request: HttpRequest, pk: int) -> HttpResponse:
    address = get_object_or_404(addresses_for(request.user), pk=pk)
    now = timezone.now()
    if rulings.release(address, request.user, now):
        messages.success(request, f"{address} is released. {verdicts_of([pk], now)[pk].sentence}")
    else:
        messages.info(request, f"{address} is not held.")
    return redirect("bounces:address", pk)


@needs("bounces.change_suppression")
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks why, then lifts a suppression that is in force."""
    suppression = get_object_or_404(Suppression.objects.select_related("address", "created_by"), pk=pk)
    form = ReasonForm("lift", request.POST or None)
    back = came_from(request, home_of(suppression))
    if suppression.lifted_at:
        messages.info(request, "This suppression was lifted already.")
        return redirect(back)
    if request.method == "POST" and form.is_valid():
        suppressions.lift(suppression, request.user, form.cleaned_data["reason"], timezone.now())
        messages.success(request, f"The suppression of {suppressed(suppression)} is lifted.")
        return redirect(back)
    context = {"suppression": suppression, "suppressed": suppressed(suppression), "form": form, "back": back}
    return render(request, "bounces/lift.html", context)


def suppressed(suppression: Suppression) -> Any:
    return suppression.address or suppression.domain or "an erased address"


def home_of(suppression: Suppression) -> str:
    if suppression.address_id:
        return reverse("bounces:address", args=[suppression.address_id])
    return reverse("bounces:list")
