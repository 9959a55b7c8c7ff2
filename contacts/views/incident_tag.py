"""The contacts of an incident's addresses are tagged, to be written to again. In: an incident's id. Out: their list."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bounces import incidents
from bounces.models import Incident
from bounces.providers import provider_name
from bounces.views.access import needs
from contacts import bulk
from contacts.access import changeable_contacts
from contacts.models import ContactAddress, Tag
from contacts.views.answers import counted


@require_POST
@needs("bounces.restore_address")
@needs("contacts.change_contact")
def tag_affected(request: HttpRequest, pk: int) -> HttpResponse:
    incident = get_object_or_404(Incident, pk=pk)
    used = ContactAddress.objects.filter(is_primary=True, address__in=incidents.affected(incident))
    name = f"Missed mail: {provider_name(incident.provider)}, incident {incident.pk}"
    tag = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
    try:
        ids = bulk.ids_of(changeable_contacts(request.user).filter(pk__in=used.values("contact")))
    except bulk.TooMany as error:
        messages.error(request, str(error))
        return redirect("bounces:incident", pk)
    number = bulk.add_tag(ids, tag, by=request.user, now=timezone.now())
    messages.success(request, f"{counted(number, 'contact', 'contacts')} tagged “{tag}”.")
    return redirect(f"{reverse('contacts:list')}?{urlencode({'tag': tag.name})}")
