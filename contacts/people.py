"""Creating, changing and deleting contacts: the one way for pages, API and imports alike.

In: fields by the words of `contacts/fields.py`, who writes them, and when. Out: the contact with its addresses, tags,
company, search document and a line in its timeline, all in one transaction; or FieldErrors, Conflict, NotAllowed.
An address that leaves a contact keeps its state: the state is the address's own.
`by=None` is the system (the demo, a command): it may write everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bounces.addresses import keep_addresses
from bounces.conflicts import retried
from bounces.models import Address
from contacts.access import User, can_change_contact, contacts_for, name_for
from contacts.external_ids import UNNAMED, Pair, having, ids_of, pairs_of, set_pairs
from contacts.fields import LABELS, FieldErrors, clean_fields, clean_note, phone_as_kept
from contacts.models import Activity, Contact, ContactAddress
from contacts.named import company_named, tags_named

NEEDED = "A contact needs a name or an address."
COLUMNS = ("first_name", "last_name", "title", "company", "owner", "phone", "country", "source", "external_id")


class Conflict(ValueError):
    """Several contacts match, or one that is somebody else: nothing is guessed. The message is for people."""

    def __init__(self, sentence: str, contacts: Iterable[Contact]) -> None:
        self.contacts = list(contacts)
        super().__init__(sentence)


class NotAllowed(PermissionError):
    """The contact belongs to somebody else. The message is for people."""


@dataclass(frozen=True, slots=True)
class Saved:
    contact: Contact
    is_new: bool
    changed: tuple[str, ...]  # words of contacts/fields.py; empty: all was so already


@retried
def save_contact(fields: Mapping[str, Any], *, by: User | None, now: datetime, source: str = "") -> Saved:
    """Updates the contact that matches, else creates one (DESIGN §5). May run twice: the second changes nothing.

    `source`: of a new one whose fields say none.
    """
    cleaned = clean_fields(fields)
    with transaction.atomic():
        ids = _hold_names(cleaned)
        contact = match_contact(ids_in(cleaned), next(iter(ids), None), by)
        if contact is None:
            return _create(cleaned, ids, by, now, source)
        return _change(contact, *_merged(contact, cleaned, ids), by, now)


@retried
def create_contact(fields: Mapping[str, Any], *, by: User | None, now: datetime, source: str = "") -> Contact:
    """A new contact, whoever else has its address: addresses may be shared."""
    cleaned = clean_fields(fields)
    with transaction.atomic():
        return _create(cleaned, _hold_names(cleaned), by, now, source).contact


@retried
def change_contact(contact: Contact, fields: Mapping[str, Any], *, by: User | None, now: datetime) -> Saved:
    """Sets the given fields. `addresses` and `tags` replace, `custom` merges (an empty value removes its key)."""
    cleaned = clean_fields(fields)
    with transaction.atomic():
        return _change(contact, cleaned, _hold_names(cleaned), by, now)


def ids_in(cleaned: Mapping[str, Any]) -> list[Pair]:
    """What the fields call the contact: the unnamed tool's id, then those of named ones."""
    own = cleaned.get("external_id")
    return [*([(UNNAMED, own)] if own else []), *cleaned.get("external_ids", [])]


def match_contact(ids: Iterable[Pair], email: str | None, by: User | None = None) -> Contact | None:
    """The contact with one of those ids; else the one with that primary address; else the one with that further
    address. Raises Conflict where there are several, or where it is known to a tool by another id.

    What it says to `by` names only contacts that they see.
    """
    present, given = Contact.objects.present(), list(ids)
    found = list(present.filter(having(given)).order_by("id")[:5]) if given else []
    if len(found) > 1:
        raise Conflict(f"These external ids are those of several contacts: {_names(found, by)}. Correct them.", found)
    if found or not email:
        return found[0] if found else None
    for is_primary in (True, False):
        reached = ContactAddress.objects.filter(address__email=email, is_primary=is_primary)
        found = list(present.filter(pk__in=reached.values("contact")).order_by("id")[:5])
        if found:
            return _only(found, given, f"{email} is {'the primary' if is_primary else 'a further'} address of", by)
    return None


def _only(found: list[Contact], ids: list[Pair], whose: str, by: User | None) -> Contact:
    """Of the contacts that have an address. Raises Conflict."""
    if len(found) > 1:
        raise Conflict(f"{whose} several contacts: {_names(found, by)}. Give an external id.", found)
    if {tool for tool, _ in ids_of(found[0])} & {tool for tool, _ in ids}:
        sentence = f"{whose} {name_for(by, found[0])}, whose external id is another one."
        raise Conflict(f"{sentence} Correct one of the two.", found)
    return found[0]


def _names(contacts: Iterable[Contact], by: User | None) -> str:
    return ", ".join(dict.fromkeys(name_for(by, contact) for contact in contacts))


def delete_contact(contact: Contact, *, by: User | None, now: datetime) -> None:
    """Hides it everywhere and frees its external id; its addresses keep their state. May run twice."""
    if by is not None and not by.has_perm("contacts.delete_contact"):
        raise NotAllowed("Only managers delete contacts.")
    Contact.objects.present().filter(pk=contact.pk).update(deleted_at=now, external_id=None, updated_at=now)


def add_note(contact: Contact, text: str, *, by: User, now: datetime) -> Activity:
    """Raises FieldErrors for an empty or endless note. Everyone who sees a contact may add notes."""
    if not text.strip():
        raise FieldErrors({"text": ["Write something first."]})
    try:
        text = clean_note(text)
    except ValueError as error:
        raise FieldErrors({"text": [str(error)]}) from error
    Contact.objects.filter(pk=contact.pk).update(updated_at=now)
    return Activity.objects.create(contact=contact, kind=Activity.Kind.NOTE, text=text, by=by, at=now)


def addresses_of(contact: Contact) -> list[ContactAddress]:
    """The primary one first."""
    return list(contact.contact_addresses.select_related("address").order_by("-is_primary", "id"))


def _create(cleaned: dict[str, Any], ids: dict[str, int], by: User | None, now: datetime, source: str) -> Saved:
    if by is not None and not by.has_perm("contacts.add_contact"):
        raise NotAllowed("You may not create contacts. Ask an admin for the right role.")
    if not (cleaned.get("first_name") or cleaned.get("last_name") or ids):
        raise FieldErrors({"": [NEEDED]})
    contact = Contact(updated_at=now)
    changed = _set_columns(contact, cleaned, by)
    contact.source = contact.source or source
    contact.custom = {key: value for key, value in cleaned.get("custom", {}).items() if value is not None}
    contact.save()
    _set_addresses(contact, ids)
    _set_external_ids(contact, cleaned, by)
    contact.tags.set(tags_named(cleaned.get("tags", [])))
    Activity.objects.create(contact=contact, kind=Activity.Kind.CREATED, by=by, at=now)
    return Saved(contact, True, changed)


def _change(contact: Contact, cleaned: dict[str, Any], ids: dict[str, int], by: User | None, now: datetime) -> Saved:
    contact = Contact.objects.present().select_for_update(no_key=True).get(pk=contact.pk)
    _refuse_others(contact, by)
    changed = list(_set_columns(contact, cleaned, by))
    merged = {**contact.custom, **cleaned.get("custom", {})}
    merged = {key: value for key, value in merged.items() if value is not None}
    if merged != contact.custom:
        contact.custom = merged
        changed.append("custom")
    said = [LABELS[word] for word in changed]
    if "addresses" in cleaned and (difference := _set_addresses(contact, ids)):
        changed.append("addresses")
        said.append(difference)
    if _set_external_ids(contact, cleaned, by):
        changed.append("external_ids")
        said.append(LABELS["external_ids"])
    if "tags" in cleaned and {name.lower() for name in _tag_names(contact)} != {tag.lower() for tag in cleaned["tags"]}:
        contact.tags.set(tags_named(cleaned["tags"]))
        changed.append("tags")
        said.append(LABELS["tags"])
    if not (contact.name or addresses_of(contact)):
        raise FieldErrors({"": [NEEDED]})
    if changed:
        contact.updated_at = now
        contact.save()
        Activity.objects.create(
            contact=contact, kind=Activity.Kind.EDITED, text=f"Changed {', '.join(said)}.", by=by, at=now
        )
    return Saved(contact, False, tuple(changed))


def _merged(contact: Contact, cleaned: dict[str, Any], ids: dict[str, int]) -> tuple[dict[str, Any], dict[str, int]]:
    """A record sent again adds addresses, tags and ids. It removes none that others added. The first source stands."""
    merged = dict(cleaned)
    if "external_ids" in merged:
        merged["external_ids"] = list(dict.fromkeys([*pairs_of(contact), *merged["external_ids"]]))
    if contact.source:
        merged.pop("source", None)
    if "tags" in merged:
        merged["tags"] = list({tag.lower(): tag for tag in [*_tag_names(contact), *merged["tags"]]}.values())
    known = {reached.address.email: reached.address_id for reached in addresses_of(contact)}
    # Found by an address, it keeps its primary one; found by an id, it gets the one that is said now.
    is_known_by_id = not set(ids_in(cleaned)).isdisjoint(ids_of(contact))
    return merged, {**ids, **known, **ids} if is_known_by_id else {**known, **ids}


def _refuse_others(contact: Contact, by: User | None) -> None:
    if by is None or can_change_contact(by, contact):
        return
    if not contacts_for(by).filter(pk=contact.pk).exists():
        raise NotAllowed("There is a contact like this that you do not see. Ask a manager.")
    raise NotAllowed(f"{contact} belongs to {contact.owner or 'somebody else'}. Ask them, or a manager, to change it.")


def _set_columns(contact: Contact, cleaned: Mapping[str, Any], by: User | None) -> tuple[str, ...]:
    changed = []
    for word in COLUMNS:
        if word not in cleaned:
            continue
        value = company_named(cleaned[word]) if word == "company" else cleaned[word]
        if word == "phone" and value != contact.phone:  # one that nobody touched stays as it was written
            value = phone_as_kept(str(value), cleaned.get("country", contact.country))
        if value != getattr(contact, word):
            setattr(contact, word, value)
            changed.append(word)
    if "external_id" in changed and contact.external_id:
        other = Contact.objects.filter(external_id=contact.external_id).exclude(pk=contact.pk).first()
        if other is not None:
            raise FieldErrors({"external_id": [f"It is the external id of {name_for(by, other)} already."]})
    return tuple(changed)


def _set_external_ids(contact: Contact, cleaned: Mapping[str, Any], by: User | None) -> bool:
    """Makes those the contact's ids in named tools, where the fields say any. Returns whether that changed anything."""
    if "external_ids" not in cleaned:
        return False
    pairs = cleaned["external_ids"]
    others = Contact.objects.present().filter(having(pairs)).exclude(pk=contact.pk) if pairs else Contact.objects.none()
    if (other := others.first()) is not None:
        raise FieldErrors({"external_ids": [f"One of them is an id of {name_for(by, other)} already."]})
    return set_pairs(contact, pairs)


def _set_addresses(contact: Contact, ids: Mapping[str, int]) -> str:
    """Makes exactly these the contact's addresses, the first one primary. Returns what changed, for people."""
    before = addresses_of(contact)
    old = [reached.address.email for reached in before]
    new = list(ids)
    if old[:1] == new[:1] and set(old) == set(new):
        return ""
    contact.contact_addresses.exclude(address__in=ids.values()).delete()
    contact.contact_addresses.update(is_primary=False)  # first: only one may be primary at any moment
    ContactAddress.objects.bulk_create(
        [ContactAddress(contact=contact, address_id=pk) for pk in ids.values()], ignore_conflicts=True
    )
    if new:
        contact.contact_addresses.filter(address_id=ids[new[0]]).update(is_primary=True)
    return f"addresses ({', '.join(old) or 'none'} → {', '.join(new) or 'none'})"


def _hold_names(cleaned: Mapping[str, Any]) -> dict[str, int]:
    """Keeps the addresses, and holds the primary one: two who save the same person wait for each other. Then makes the
    company and the tags, before a contact is locked: the order of an import's batch, so that neither waits in a circle.
    """
    emails = cleaned.get("addresses", [])
    known = keep_addresses(emails)
    if emails:
        list(Address.objects.select_for_update(no_key=True).filter(pk=known[emails[0]]).values_list("pk"))
    company_named(cleaned.get("company", ""))
    tags_named(cleaned.get("tags", []))
    return {email: known[email] for email in emails}


def _tag_names(contact: Contact) -> list[str]:
    return list(contact.tags.values_list("name", flat=True))


def primary_emails(contact_ids: Iterable[int]) -> dict[int, str]:
    """The primary address of each that has one."""
    held = ContactAddress.objects.filter(contact__in=list(contact_ids), is_primary=True)
    return dict(held.values_list("contact", "address__email"))
