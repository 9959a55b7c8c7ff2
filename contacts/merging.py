"""Two contacts that are one person become one.

In: the contact that is kept, the other one, and which value stands where they differ. Out: the kept contact with the
addresses, tags, campaigns, tasks and history of both; the other is deleted. What is known about the addresses is
theirs, and stays as it is (`bounces`). May run twice: the second time there is nothing left to merge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bounces.conflicts import retried
from contacts.access import User, can_change_contact
from contacts.models import Activity, Contact, ContactAddress, CustomField
from contacts.people import NotAllowed, addresses_of, delete_contact
from contacts.search import index_documents

FIELDS = {
    "first_name": "First name",
    "last_name": "Last name",
    "title": "Title",
    "company": "Company",
    "owner": "Owner",
    "phone": "Phone",
    "country": "Country",
    "external_id": "External id",
}
CUSTOM = "custom_"  # before the key of a custom field
PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two contacts say differently."""

    name: str
    label: str
    kept: Any
    other: Any


def differences(kept: Contact, other: Contact) -> list[Difference]:
    """Where both say something, and not the same. What only one of them says is taken over without a question."""
    found = [Difference(name, label, getattr(kept, name), getattr(other, name)) for name, label in FIELDS.items()]
    labels = dict(CustomField.objects.values_list("key", "label"))
    found += [
        Difference(f"{CUSTOM}{key}", labels.get(key, key), kept.custom[key], other.custom[key])
        for key in kept.custom
        if key in other.custom
    ]
    found.append(Difference(PRIMARY, "Primary address", _primary(kept), _primary(other)))
    return [one for one in found if _said(one.kept) and _said(one.other) and one.kept != one.other]


def _said(value: Any) -> bool:
    return value is not None and value != ""


def _primary(contact: Contact) -> str:
    return next((one.address.email for one in addresses_of(contact) if one.is_primary), "")


@retried
def merge(kept: Contact, other: Contact, take_other: Iterable[str], *, by: User, now: datetime) -> Contact:
    """`take_other` names the differences in which the other one's word stands. Raises NotAllowed."""
    if kept.pk == other.pk or not (can_change_contact(by, kept) and can_change_contact(by, other)):
        raise NotAllowed("Choose two contacts that you may change.")
    with transaction.atomic():
        locked = Contact.objects.present().select_for_update().filter(pk__in=[kept.pk, other.pk])
        both = {contact.pk: contact for contact in locked.order_by("pk")}
        if len(both) < 2:
            raise NotAllowed("One of them was deleted in the meantime.")
        kept, other = both[kept.pk], both[other.pk]
        said = f"Merged with {other} ({', '.join(one.address.email for one in addresses_of(other)) or 'no address'})."
        _take_values(kept, other, set(take_other))
        takes_primary = PRIMARY in take_other or not _primary(kept)
        delete_contact(other, by=by, now=now)
        kept.updated_at = now
        kept.save()
        _move_rows(kept.pk, other.pk, takes_primary=takes_primary)
        Activity.objects.create(contact=kept, kind=Activity.Kind.EDITED, text=said, by=by, at=now)
        Activity.objects.create(contact=other, kind=Activity.Kind.EDITED, text=f"Merged into {kept}.", by=by, at=now)
        index_documents([kept.pk, other.pk])
    return kept


def _take_values(kept: Contact, other: Contact, take_other: set[str]) -> None:
    for name in FIELDS:
        theirs = getattr(other, name)
        if _said(theirs) and (name in take_other or not _said(getattr(kept, name))):
            setattr(kept, name, theirs)
    chosen = {key: value for key, value in other.custom.items() if f"{CUSTOM}{key}" in take_other}
    kept.custom = other.custom | kept.custom | chosen
    kept.source = kept.source or other.source


def _move_rows(kept: int, other: int, *, takes_primary: bool) -> None:
    """The primary address steps back before another steps forward: only one may be primary at any moment."""
    primary_of = other if takes_primary else kept
    held = ContactAddress.objects.filter(contact_id__in=[kept, other], is_primary=True)
    primary = list(held.filter(contact_id=primary_of).values_list("address_id", flat=True))
    held.update(is_primary=False)
    with connection.cursor() as cursor:
        for table, column in UNIQUE_ROWS.items():
            cursor.execute(MOVE.format(table=table, column=column), [kept, other, kept])
    ContactAddress.objects.filter(contact_id=other).delete()
    ContactAddress.objects.filter(contact_id=kept, address__in=primary).update(is_primary=True)


# What a contact has once a value: moved where the kept one does not have it, else left behind.
UNIQUE_ROWS = {
    "contacts_contactaddress": "address_id",
    "contacts_contact_tags": "tag_id",
    "contacts_contactexternalid": "id",
    "contacts_campaignmember": "campaign_id",
    "contacts_activity": "status_change_id",
    "contacts_task": "status_change_id",
    "contacts_deed": "id",
}
MOVE = """
UPDATE {table} AS moved SET contact_id = %s
 WHERE contact_id = %s
   AND NOT EXISTS (SELECT FROM {table} AS held WHERE held.contact_id = %s AND held.{column} = moved.{column})
"""
