"""Which row is which contact. In: cleaned rows. Out: for each the contact it updates, none (it is new), or a problem.

The rules are those of `contacts/people.py` (DESIGN §5): the external id, then the primary address; several matches
are a conflict that is reported, never guessed. All contacts that a file could mean are read beforehand, in chunks.
Addresses are compared in their normal form: a raw value would let “ADA@Example.org” in as somebody new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from contacts.access import User, can_change_contact
from contacts.importing.columns import Row
from contacts.importing.values import same_phone
from contacts.models import Contact

CHUNK = 1000
Changes = Mapping[str, tuple[Any, Any]]  # (now, then) by the words of contacts/fields.py


class Unmatched(ValueError):
    """The row cannot be given to one contact. `word` is the field that says so; the message is for people."""

    def __init__(self, word: str, sentence: str) -> None:
        self.word = word
        super().__init__(sentence)


class Matcher:
    """Answers row by row, in the order of the file, and remembers which rows came before."""

    def __init__(self, rows: Sequence[Row], by: User | None, *, lock: bool) -> None:
        self.by = by
        self.read: set[int] = set()
        self.by_external_id: dict[str, Contact] = {}
        self.by_primary: dict[str, list[Contact]] = {}
        self.seen: dict[tuple[str, Any], Row] = {}
        external_ids = {row.fields["external_id"] for row in rows if row.fields.get("external_id")}
        emails = {row.email for row in rows if row.email}
        self._read([Q(external_id__in=chunk) for chunk in _chunks(sorted(external_ids))], lock)
        primary = [
            Q(contact_addresses__is_primary=True, contact_addresses__address__email__in=chunk)
            for chunk in _chunks(sorted(emails))
        ]
        self._read(primary, lock)

    def match(self, row: Row) -> Contact | None:
        """None: the row is a new contact. Raises Unmatched."""
        contact = self._find(row)
        if contact is not None and self.by is not None and not can_change_contact(self.by, contact):
            owner = contact.owner or "somebody else"
            raise Unmatched("owner", f"{contact} belongs to {owner}. Ask them, or a manager, to change it.")
        if contact is None and not row.email and not row.fields.get("external_id"):
            raise Unmatched("email", "The address is missing. A new contact needs one, to be found again.")
        return contact

    def earlier(self, row: Row, contact: Contact | None) -> Row | None:
        """The row of this file that is about the same contact, if one came before; else this one is remembered.

        A row without an address has an external id or a contact: `match` has seen to that.
        """
        keys: list[tuple[str, Any]] = []
        if row.fields.get("external_id"):
            keys.append(("external_id", row.fields["external_id"]))
        keys.append(("contact", contact.pk) if contact is not None else ("email", row.email))
        before = next((self.seen[key] for key in keys if key in self.seen), None)
        if before is None:
            # The address too: after this row it is the contact's, whoever had it before.
            self.seen |= dict.fromkeys([*keys, ("email", row.email)], row)
        return before

    def _find(self, row: Row) -> Contact | None:
        external_id = row.fields.get("external_id")
        if external_id and external_id in self.by_external_id:
            return self.by_external_id[external_id]
        found = self.by_primary.get(row.email, []) if row.email else []
        if len(found) > 1:
            names = ", ".join(str(contact) for contact in found[:5])
            raise Unmatched(
                "email", f"{row.email} is the primary address of several contacts: {names}. Give an external id."
            )
        for contact in found:
            if external_id and contact.external_id and contact.external_id != external_id:
                raise Unmatched(
                    "external_id",
                    f"{row.email} is the primary address of {contact}, whose external id is {contact.external_id}. "
                    "Correct one of the two.",
                )
            return contact
        return None

    def _read(self, conditions: Iterable[Q], lock: bool) -> None:
        for condition in conditions:
            found = set(Contact.objects.present().filter(condition).values_list("pk", flat=True))
            contacts = Contact.objects.present().filter(pk__in=found - self.read).order_by("id")
            if lock:
                contacts = contacts.select_for_update(of=("self",), no_key=True)
            for contact in contacts.select_related("company", "owner").prefetch_related(
                "tags", "contact_addresses__address"
            ):
                self._remember(contact)

    def _remember(self, contact: Contact) -> None:
        self.read.add(contact.pk)
        if contact.external_id:
            self.by_external_id[contact.external_id] = contact
        for reached in contact.contact_addresses.all():
            if reached.is_primary:
                self.by_primary.setdefault(reached.address.email, []).append(contact)


def emails_of(contact: Contact) -> list[str]:
    """Of a contact whose addresses are read, the primary one first."""
    reached = sorted(contact.contact_addresses.all(), key=lambda each: (not each.is_primary, each.pk))
    return [each.address.email for each in reached]


def changes_of(row: Row, contact: Contact) -> dict[str, tuple[Any, Any]]:
    """What the row changes about its contact: (now, then) by word. A record sent again takes nothing away."""
    found: dict[str, tuple[Any, Any]] = {}
    for word, value in row.fields.items():
        now, then = _BEFORE_AND_AFTER.get(word, _column)(word, value, contact)
        if now != then:
            found[word] = (now, then)
    return found


def _column(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:
    return getattr(contact, word), value


def _company(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    name = contact.company.name if contact.company else ""
    return name, name if name.lower() == value.lower() else value


def _source(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    """The first source stands."""
    return contact.source, contact.source or value


def _phone(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    """The same number, written differently, is no change."""
    return contact.phone, contact.phone if same_phone(contact.phone, value) else value


def _tags(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    names = [tag.name for tag in contact.tags.all()]
    known = {name.lower() for name in names}
    return names, names + [name for name in value if name.lower() not in known]


def _addresses(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    known = emails_of(contact)
    merged = list(dict.fromkeys([*value, *known]))
    # Only which is the first matters, not the order of the others.
    return known, known if merged[:1] == known[:1] and set(merged) == set(known) else merged


def _custom(word: str, value: Any, contact: Contact) -> tuple[Any, Any]:  # noqa: ARG001 -- one signature for all
    return contact.custom, {**contact.custom, **value}


_BEFORE_AND_AFTER = {
    "company": _company,
    "source": _source,
    "phone": _phone,
    "tags": _tags,
    "addresses": _addresses,
    "custom": _custom,
}


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
