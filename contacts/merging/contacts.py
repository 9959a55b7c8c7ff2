"""Merge two contacts of the same person.

In: the contact to keep, the other one, and the fields to take from the other. Out: the kept contact with the addresses,
tags, campaigns, tasks and history of both, and a record of the changes. The other contact is deleted. The status of an
address belongs to the address and does not change (`bounces`). A second call finds nothing left to merge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces.conflicts import retried
from contacts.access import User, can_change_contact
from contacts.merging.recording import changes_between, move, snapshot, tables_of
from contacts.merging.settling import settle_merged
from contacts.models import Activity, Contact, ContactAddress, CustomField, Merge, MergeRun
from contacts.people import NotAllowed, addresses_of, delete_contact

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
    """One field in which the two differ."""

    name: str
    label: str
    kept: Any
    other: Any


def differences(kept: Contact, other: Contact) -> list[Difference]:
    """Fields that both fill with different values. Values that only one of them has are kept without asking."""
    found = [Difference(name, label, getattr(kept, name), getattr(other, name)) for name, label in FIELDS.items()]
    labels = dict(CustomField.objects.values_list("key", "label"))
    found += [
        Difference(f"{CUSTOM}{key}", labels.get(key, key), kept.custom[key], other.custom[key])
        for key in kept.custom
        if key in other.custom
    ]
    found.append(Difference(PRIMARY, "Primary address", _primary(kept), _primary(other)))
    return [one for one in found if is_said(one.kept) and is_said(one.other) and one.kept != one.other]


def is_said(value: Any) -> bool:
    return value is not None and value != ""


def _primary(contact: Contact) -> str:
    return next((one.address.email for one in addresses_of(contact) if one.is_primary), "")


@retried
def merge(
    kept: Contact,
    other: Contact,
    take_other: Iterable[str],
    *,
    by: User,
    now: datetime,
    reason: str = "",
    run: MergeRun | None = None,
) -> Merge:
    """`take_other`: the names of the differences in which the other contact's value is kept. Raises NotAllowed."""
    if kept.pk == other.pk or not (can_change_contact(by, kept) and can_change_contact(by, other)):
        raise NotAllowed("Choose two different contacts that you may change.")
    with transaction.atomic():
        kept, other = _lock(kept, other)
        before = snapshot(Contact, [kept.pk, other.pk])
        _make_one(kept, other, set(take_other), by, now)
        changes = changes_between(before, snapshot(Contact, [kept.pk, other.pk]))
        merged = Merge.objects.create(
            subject=Merge.Subject.CONTACT, kept_id=kept.pk, other_id=other.pk, reason=reason.strip(),
            run=run, by=by, at=now, changes=changes,
        )  # fmt: skip
        settle_merged(merged)
    return merged


def _lock(kept: Contact, other: Contact) -> tuple[Contact, Contact]:
    locked = Contact.objects.present().select_for_update().filter(pk__in=[kept.pk, other.pk])
    both = {contact.pk: contact for contact in locked.order_by("pk")}
    if len(both) < 2:
        raise NotAllowed("One of the two contacts has been deleted.")
    return both[kept.pk], both[other.pk]


def _make_one(kept: Contact, other: Contact, take_other: set[str], by: User, now: datetime) -> None:
    said = f"Merged with {other} ({', '.join(one.address.email for one in addresses_of(other)) or 'no address'})."
    _take_values(kept, other, take_other)
    takes_primary = PRIMARY in take_other or not _primary(kept)
    delete_contact(other, by=by, now=now)
    kept.updated_at = now
    kept.save()
    _move_rows(kept.pk, other.pk, takes_primary=takes_primary)
    Activity.objects.create(contact=kept, kind=Activity.Kind.EDITED, text=said, by=by, at=now)
    Activity.objects.create(contact=other, kind=Activity.Kind.EDITED, text=f"Merged into {kept}.", by=by, at=now)


def _take_values(kept: Contact, other: Contact, take_other: set[str]) -> None:
    for name in FIELDS:
        theirs = getattr(other, name)
        if is_said(theirs) and (name in take_other or not is_said(getattr(kept, name))):
            setattr(kept, name, theirs)
    chosen = {key: value for key, value in other.custom.items() if f"{CUSTOM}{key}" in take_other}
    kept.custom = other.custom | kept.custom | chosen
    kept.source = kept.source or other.source


def _move_rows(kept: int, other: int, *, takes_primary: bool) -> None:
    """No address is primary while rows move, because a contact may have only one primary address at a time."""
    primary_of = other if takes_primary else kept
    held = ContactAddress.objects.filter(contact_id__in=[kept, other], is_primary=True)
    primary = list(held.filter(contact_id=primary_of).values_list("address_id", flat=True))
    held.update(is_primary=False)
    for table in tables_of(Contact):
        move(table, kept, other)
    ContactAddress.objects.filter(contact_id=other).delete()
    ContactAddress.objects.filter(contact_id=kept, address__in=primary).update(is_primary=True)
