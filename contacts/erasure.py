"""Personal erasure of a contact or an address. Stage: none; asked for by an admin.

In: a contact or an address, who asks for it and why. Out: the contact is gone with its activities, tasks and addresses;
each address is known by its keyed hash alone (`bounces/erasure.py`). An address that others share stays theirs.
Contacts that were merged into it are the same person, and go too, with the record of the merge: no undo brings it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, QuerySet

from bounces import policy
from bounces.addresses import normalise
from bounces.conflicts import retried
from bounces.erasure import ERASED, NoReason, erase_addresses, file_names
from bounces.models import Address
from bounces.traces import Traces
from contacts.access import User
from contacts.duplicates.keeping import write_keys
from contacts.exporting.runs import forget_files
from contacts.importing import forgetting
from contacts.merging.undoing import forget_merges, merged_into
from contacts.models import Contact, ContactAddress

__all__ = ["Erased", "NoReason", "erase_contact", "erase_email"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. The addresses are told to whoever asked, and are kept nowhere."""

    contacts: int
    addresses: list[str]
    shared: list[str]  # left, since other contacts have them too


@retried
def erase_contact(contact: Contact, by: User | None, reason: str, now: datetime) -> Erased:
    """The person, with all addresses that nobody else has. Raises NoReason."""
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        _hold_addresses(Address.objects.filter(contact_addresses__contact=contact))
        held = ContactAddress.objects.filter(contact=contact).select_related("address")
        emails = {one.address_id: one.address.email for one in held}
        users = ContactAddress.objects.filter(address__in=emails).order_by().values_list("address")
        shared = {pk for pk, number in users.annotate(n=Count("pk")) if number > 1}
        own = [email for pk, email in emails.items() if pk not in shared]
        gone = [contact.pk, *merged_into(contact.pk)]
        _forget_log(gone)
        forget_merges(gone)
        Contact.objects.filter(pk__in=gone).delete()  # not the caller's, which a second try needs as it is
        _erase(own, gone, by, reason, now)
    return Erased(1, own, [emails[pk] for pk in shared])


@retried
def erase_email(text: str, by: User | None, reason: str, now: datetime) -> Erased:
    """The address; where one contact alone has it, the whole person. Raises BadAddress, NoReason. May run twice."""
    email = normalise(text)
    with transaction.atomic():
        _hold_addresses(Address.objects.filter(email=email))
        holders = list(Contact.objects.filter(contact_addresses__address__email=email).distinct()[:2])
        if len(holders) == 1:
            return erase_contact(holders[0], by, reason, now)
        held = ContactAddress.objects.filter(address__email=email)
        contacts = list(held.values_list("contact_id", flat=True))
        held.delete()
        _erase([email], [], by, reason, now)
        write_keys(contacts)  # their hashes were of the address, too
    return Erased(0, [email], [])


def _hold_addresses(addresses: QuerySet[Address]) -> None:
    """Nobody gets one of them while it is erased; before any contact is locked, as everywhere."""
    policy.keep_runs_out()
    ids = list(addresses.order_by("pk").values_list("pk", flat=True))
    list(Address.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))


def _erase(emails: Sequence[str], contacts: Sequence[int], by: User | None, reason: str, now: datetime) -> None:
    """`contacts`: the ids of those who went, too: what imports keep of their rows goes."""
    names = chain.from_iterable([*file_names(email), *forgetting.file_names(email)] for email in emails)
    traces = Traces(emails, names)
    forgetting.forget_rows(contacts, traces)
    if emails:
        forgetting.forget_files(traces, now)
        erase_addresses(emails, by, reason, now, traces)
    forget_files(now)


def _forget_log(contacts: Sequence[int]) -> None:
    """The admin's log calls people by their names."""
    kind = ContentType.objects.get_for_model(Contact)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=[str(pk) for pk in contacts])
    entries.update(object_repr=ERASED, change_message="")
