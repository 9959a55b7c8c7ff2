"""The inbox: everything that arrived, and what became of it. In: filters, ids. Out: pages; retry, release, discard."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import inbox
from bounces.lists import InboxFilter, count_inbox, count_states
from bounces.models import Bounce, Complaint, Evidence, InboundItem
from bounces.paging import page_of
from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm

MOST_PRODUCTS = 100


@needs("bounces.view_inbounditem")
def show_list(request: HttpRequest) -> HttpResponse:
    form = InboxFilter(request.GET)
    page = page_of(form.rows(), ["-id"], request.GET.get("after"), request.GET.get("before"))
    counts = count_inbox()
    context = {"form": form, "page": page, "counts": counts, "total": sum(counts.values())}
    return render(request, "bounces/inbox.html", context)


@needs("bounces.view_inbounditem")
def show_item(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(InboundItem.objects.select_related("by", "released_by"), pk=pk)
    children = InboundItem.objects.filter(parent_id=item.pk)
    produced = Evidence.objects.filter(inbound_item_id=item.pk).values("bounce_id")
    context = {
        "item": item,
        "parent": InboundItem.objects.filter(pk=item.parent_id).first() if item.parent_id else None,
        "bounces": Bounce.objects.filter(pk__in=produced).select_related("address").order_by("pk")[:MOST_PRODUCTS],
        "complaints": Complaint.objects.filter(inbound_item_id=item.pk).select_related("address")[:MOST_PRODUCTS],
        "child_counts": count_states(children),
        "children": page_of(children, ["id"], request.GET.get("after"), request.GET.get("before")),
    }
    return render(request, "bounces/item.html", context)


@require_POST
@needs("bounces.change_inbounditem")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(InboundItem, pk=pk)
    if inbox.retry(item, request.user):
        messages.success(request, "It waits to be read again.")
    else:
        messages.error(request, "It cannot be read again: it waits already, or nothing of it was kept. Upload it anew.")
    return redirect("bounces:item", pk)


@needs("bounces.change_inbounditem")
def release(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(InboundItem, pk=pk)
    form = ReasonForm("release_item", request.POST or None)
    if request.method == "POST" and form.is_valid():
        if inbox.release([item.pk], request.user, form.cleaned_data["reason"]):
            messages.success(request, "Released: it is read again, and counts.")
        else:
            messages.error(request, "Only what is unverified can be released.")
        return redirect("bounces:item", pk)
    return render(request, "bounces/release.html", {"item": item, "form": form})


@needs("bounces.change_inbounditem")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(InboundItem, pk=pk)
    form = ReasonForm("discard_item", request.POST or None)
    if request.method == "POST" and form.is_valid():
        if inbox.discard(item, request.user, form.cleaned_data["reason"], timezone.now()):
            messages.success(request, "Set aside for good.")
        else:
            messages.error(request, "Only what is quarantined or unverified can be discarded.")
        return redirect("bounces:item", pk)
    return render(request, "bounces/discard.html", {"item": item, "form": form})
