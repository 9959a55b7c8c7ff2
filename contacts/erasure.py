"""Personal erasure of a contact or an address. Stage: none; asked for by an admin.

In: a contact or an address, who asks for it and why. Out: the contact is gone with its activities, tasks and addresses;
each address is known by its keyed hash alone (`bounces/erasure.py`). An address that others share stays theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from bounces.addresses import normalise
from bounces.erasure import NoReason, erase_address, scrub
from contacts.access import User
from contacts.exporting.runs import forget_files
from contacts.models import Contact, ContactAddress
from contacts.search import index_documents

__all__ = ["Erased", "NoReason", "erase_contact", "erase_email"]

PLACES = ("contacts", "admin")  # the admin's own log names what it changed


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. The addresses are told to whoever asked, and are kept nowhere."""

    contacts: int
    addresses: list[str]
    shared: list[str]  # left, since other contacts have them too


def erase_contact(contact: Contact, by: User | None, reason: str, now: datetime) -> Erased:
    """The person, with all addresses that nobody else has. Raises NoReason."""
    with transaction.atomic():
        held = ContactAddress.objects.filter(contact=contact).select_related("address")
        emails = {one.address_id: one.address.email for one in held}
        users = ContactAddress.objects.filter(address__in=emails).order_by().values_list("address")
        shared = {pk for pk, number in users.annotate(n=Count("pk")) if number > 1}
        contact.delete()
        own = [email for pk, email in emails.items() if pk not in shared]
        for email in own:
            _erase(email, by, reason, now)
        forget_files(now)
    return Erased(1, own, [emails[pk] for pk in shared])


def erase_email(text: str, by: User | None, reason: str, now: datetime) -> Erased:
    """The address; where one contact alone has it, the whole person. Raises BadAddress, NoReason. May run twice."""
    email = normalise(text)
    with transaction.atomic():
        holders = list(Contact.objects.filter(contact_addresses__address__email=email).distinct()[:2])
        if len(holders) == 1:
            return erase_contact(holders[0], by, reason, now)
        held = ContactAddress.objects.filter(address__email=email)
        contacts = list(held.values_list("contact_id", flat=True))
        held.delete()
        _erase(email, by, reason, now)
        forget_files(now)
        index_documents(contacts)
    return Erased(0, [email], [])


def _erase(email: str, by: User | None, reason: str, now: datetime) -> None:
    erase_address(email, by, reason, now)
    scrub(email, PLACES)
