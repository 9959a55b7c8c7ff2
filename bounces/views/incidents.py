"""Incidents: the list, one with its numbers, confirm and dismiss, its addresses as CSV. In: ids. Out: pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import incidents
from bounces.models import Incident
from bounces.paging import capped_count, page_of
from bounces.providers import provider_name
from bounces.reason_examples import reason_help
from bounces.sight import hidden_campaigns, only_seen
from bounces.spreadsheet import csv_lines
from bounces.views.access import needs
from bounces.views.verdicts import add_verdicts

Decide = Callable[[Incident, Any, str, Any], Incident]


class NoteForm(forms.Form):
    note = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, action: str) -> None:
        """Two of them stand on one page, so their ids carry the action."""
        super().__init__(auto_id=f"{action}-%s")
        self.fields["note"].help_text = reason_help(action)


@needs("bounces.view_bounce")
def show_list(request: HttpRequest) -> HttpResponse:
    page = page_of(Incident.objects.all(), ["-id"], request.GET.get("after"), request.GET.get("before"), size=25)
    rows = [(incident, provider_name(incident.provider)) for incident in page.items]
    return render(request, "bounces/incidents.html", {"page": page, "rows": rows})


@needs("bounces.view_bounce")
def show_incident(request: HttpRequest, pk: int) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.select_related("decided_by"), pk=pk)
    bounces = only_seen(incidents.bounces_of(incident).select_related("address"), request.user)
    page = page_of(bounces, ["-occurred_at", "-id"], request.GET.get("after"), request.GET.get("before"))
    add_verdicts(bounce.address for bounce in page.items)
    hours = incidents.by_hour(incident)
    context = {
        "incident": incident,
        "provider": provider_name(incident.provider),
        "written": f"of {incident.good_attempted:,} written to in the window",
        "count": capped_count(bounces),
        "page": page,
        "hours": hours,
        "chart": {
            "labels": [f"{hour.starts_at:%d %b %H:00}" for hour in hours],
            "series": [
                {"name": "Of this incident", "tone": "bad", "values": [hour.held for hour in hours]},
                {"name": "Others", "tone": "calm", "values": [hour.others for hour in hours]},
            ],
        },
        "confirm_form": NoteForm("confirm_incident"),
        "dismiss_form": NoteForm("dismiss_incident"),
        "missed": incidents.missed(incident, hidden_campaigns(request.user)) if incident.proposes else [],
    }
    return render(request, "bounces/incident.html", context)


@require_POST
@needs("bounces.restore_address")
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    done = "Confirmed. Its bounces stay out of the count, and are discarded once it is over."
    return decide(request, pk, incidents.confirm, done)


@require_POST
@needs("bounces.restore_address")
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    done = "Dismissed. Its bounces count again; the statuses follow within seconds."
    return decide(request, pk, incidents.dismiss, done)


def decide(request: HttpRequest, pk: int, deed: Decide, done: str) -> HttpResponse:
    incident = get_object_or_404(Incident, pk=pk)
    try:
        deed(incident, request.user, request.POST.get("note", ""), timezone.now())
    except (incidents.AlreadyDecided, incidents.NoReason) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("bounces:incident", pk)


@needs("bounces.restore_address")
def export_addresses(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Whom to verify or to write to again, one row a mail that was missed; of one campaign, if the URL says which."""
    incident = get_object_or_404(Incident, pk=pk)
    bounces = incidents.bounces_of(incident)
    if "campaign" in request.GET:
        bounces = bounces.filter(campaign_key=request.GET["campaign"].replace("\x00", ""))
    rows = bounces.order_by("address__email", "pk").values_list(
        "address__email", "address__status", "address__last_delivered_at", "campaign_key", "sender", "occurred_at"
    )
    head = ["Address", "Status", "Last delivered", "Campaign", "Sender", "Bounced"]
    headers = {"Content-Disposition": f'attachment; filename="incident-{incident.pk}.csv"'}
    lines = csv_lines(head, rows.iterator(chunk_size=2000))
    return StreamingHttpResponse(lines, content_type="text/csv", headers=headers)
