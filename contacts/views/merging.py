"""Merge two contacts from a contact's page. In: a contact, a search, chosen values. Out: pages, and the merge."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from bounces.views.access import needs
from contacts.access import can_change_contact, changeable_contacts, contacts_for
from contacts.merging import differences, merge
from contacts.models import Contact
from contacts.people import NotAllowed, addresses_of
from contacts.search import matching
from contacts.views.answers import allow, find, id_in
from contacts.views.merges import announce

MOST_FOUND = 10
LONGEST = 100


@needs("contacts.delete_contact")
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the other contact by search. At first, contacts with the same name are listed."""
    contact = find(contacts_for(request.user), pk)
    allow(can_change_contact(request.user, contact))
    text = request.GET.get("q", contact.name)[:LONGEST].strip()
    others = matching(changeable_contacts(request.user), text).exclude(pk=pk) if text else Contact.objects.none()
    found = others.select_related("company").prefetch_related("contact_addresses__address").order_by("pk")[:MOST_FOUND]
    return render(request, "contacts/merge_choose.html", {"contact": contact, "q": text, "found": found})


@needs("contacts.delete_contact")
def confirm(request: HttpRequest, pk: int, other_pk: int) -> HttpResponse:
    """Show where the two differ, then merge them."""
    contacts = contacts_for(request.user).select_related("company", "owner")
    kept, other = find(contacts, pk), find(contacts.exclude(pk=pk), other_pk)
    allow(can_change_contact(request.user, kept) and can_change_contact(request.user, other))
    asked = differences(kept, other)
    if request.method == "POST":
        take_other = [one.name for one in asked if id_in(request.POST.get(one.name, "")) == other.pk]
        try:
            done = merge(kept, other, take_other, by=request.user, now=timezone.now())
        except NotAllowed as error:
            messages.error(request, str(error))
        else:
            announce(request, done, kept, other)
        return redirect(kept)
    context = {"kept": kept, "other": other, "asked": asked, "moved": addresses_of(other)}
    return render(request, "contacts/merge.html", context)
