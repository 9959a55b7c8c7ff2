"""Erasing a person, which admins alone may. In: a contact and a reason. Out: a page that asks, and the deed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.views.access import needs
from bounces.views.reason_form import ReasonForm
from contacts.access import contacts_for
from contacts.erasure import erase_contact
from contacts.people import addresses_of
from contacts.views.answers import find


@needs("contacts.erase_contact")
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    contact = find(contacts_for(request.user), pk)
    form = ReasonForm("erase", request.POST or None)
    if request.method == "POST" and form.is_valid():
        erased = erase_contact(contact, request.user, form.cleaned_data["reason"], timezone.now())
        messages.success(request, "The contact is erased. Its addresses stay suppressed, known by a keyed hash alone.")
        if erased.shared:
            messages.info(request, f"Other contacts have {', '.join(erased.shared)} too: that was left.")
        return redirect("contacts:list")
    context = {"contact": contact, "addresses": addresses_of(contact), "form": form}
    return render(request, "contacts/erase.html", context)
