"""A provider's list, looked at before it is recorded. In: what its rows are. Out: a page; the word to go on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from bounces.intake.exported.opening import decide
from bounces.intake.exported.preview import MOST_ROWS, preview_of
from bounces.models import InboundItem
from bounces.views.access import needs


@needs("bounces.upload_bounces")
def look(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(InboundItem, pk=pk, form=InboundItem.Form.LIST)
    if item.state != InboundItem.State.QUARANTINED:
        return redirect("bounces:item", pk)
    if request.method == "POST":
        return record(request, item)
    preview = preview_of(item, request.GET.get("tells", ""))
    context = {"item": item, "preview": preview, "most_rows": MOST_ROWS}
    return render(request, "bounces/provider_list.html", context)


def record(request: HttpRequest, item: InboundItem) -> HttpResponse:
    if decide(item.pk, request.POST.get("tells", ""), request.user):
        messages.success(request, "It is being recorded. You may leave this page.")
        return redirect(f"{reverse('bounces:upload_progress')}?item={item.pk}")
    messages.error(request, "Say first what its rows are.")
    return redirect("bounces:provider_list", item.pk)
