"""The contacts of a filter as a file. In: the words of the list's URL. Out: CSV, streamed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from bounces.views.access import needs
from contacts.exporting.people import csv_of
from contacts.filters import demand_in, find_contacts, read_filter
from contacts.models import Contact


@require_GET
@needs("contacts.export_contact")
def export_contacts(request: HttpRequest) -> HttpResponseBase:
    """A filter that makes no sense exports nothing, rather than everything."""
    words, errors = read_filter(request.GET, request.user)
    if errors:
        messages.error(request, " ".join(errors.values()))
        return redirect("contacts:list")
    now = timezone.now()
    chosen = Contact.objects.filter(pk__in=find_contacts(request.user, words).order_by().values("pk"))
    lines = csv_of(chosen, now, demand_in(words, request.user))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="contacts-{now:%Y-%m-%d}.csv"'
    return response
