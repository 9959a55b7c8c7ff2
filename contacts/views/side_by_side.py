"""Show two contacts or companies side by side, with a choice for each field in which they differ.

In: a pair, the user. Out: rows for the page, in a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max

from bounces.verdict import verdicts_of
from contacts.access import User, campaigns_for, contacts_for
from contacts.countries import COUNTRIES
from contacts.duplicates.deciding import differences_of
from contacts.duplicates.queue import sides_of
from contacts.duplicates.scoring import in_words
from contacts.merging import CUSTOM, FIELDS, PRIMARY
from contacts.merging.companies import FIELDS as COMPANY_FIELDS
from contacts.models import Activity, Contact, ContactAddress, CustomField, DuplicatePair
from contacts.people import primary_emails

MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One row. `name`: the field's name in the form; empty if there is nothing to choose."""

    label: str
    name: str
    first: Any
    second: Any

    @property
    def is_same(self) -> bool:
        return bool(self.first == self.second)


@dataclass(frozen=True, slots=True)
class Columns:
    """`kept`: the default side to keep. `facts`: one value per side. `lists`: several values per side."""

    first: Any
    second: Any
    kept: Any
    facts: list[Fact]
    lists: list[Fact] = field(default_factory=list)
    addresses: tuple[list[tuple[Any, Any]], list[tuple[Any, Any]]] | None = None


def columns_of(pair: DuplicatePair, kept: Any, user: User, now: datetime) -> Columns:
    first, second = sides_of(pair)
    asked = {one.name for one in differences_of(first, second)}
    if pair.is_of_companies:
        return _of_companies(first, second, kept, asked, user)
    return _of_contacts(first, second, kept, asked, user, now)


def _of_companies(first: Any, second: Any, kept: Any, asked: set[str], user: User) -> Columns:
    facts = [
        Fact(label, name if name in asked else "", getattr(first, name), getattr(second, name))
        for name, label in COMPANY_FIELDS.items()
    ]
    contacts = [contacts_for(user).filter(company=each).count() for each in (first, second)]
    return Columns(first, second, kept, [*_said(facts), Fact("Contacts", "", *contacts)])


def _of_contacts(first: Any, second: Any, kept: Any, asked: set[str], user: User, now: datetime) -> Columns:
    both = [first, second]
    facts = [
        Fact(label, name if name in asked else "", *(_value(one, name) for one in both))
        for name, label in FIELDS.items()
    ]
    labels = dict(CustomField.objects.values_list("key", "label"))
    keys = dict.fromkeys([*first.custom, *second.custom])
    facts += [
        Fact(
            labels.get(key, key),
            name if (name := f"{CUSTOM}{key}") in asked else "",
            *(one.custom.get(key) for one in both),
        )
        for key in keys
    ]
    addresses = _addresses(both, now)
    if PRIMARY in asked:
        facts.append(Fact("Primary address", PRIMARY, *(str(listed[0][0].address) for listed in addresses)))
    facts = _said(facts)
    last = dict(Activity.objects.filter(contact__in=both).order_by().values_list("contact").annotate(last=Max("at")))
    facts.append(Fact("Source", "", first.source, second.source))
    facts.append(Fact("Last activity", "", *(last.get(one.pk) for one in both)))
    facts.append(Fact("Created", "", first.created_at, second.created_at))
    lists = [
        Fact("Tags", "", *(list(one.tags.all()[:MOST_LISTED]) for one in both)),
        Fact("Campaigns", "", *(list(campaigns_for(user).filter(members__contact=one)[:MOST_LISTED]) for one in both)),
    ]
    return Columns(first, second, kept, facts, [each for each in lists if each.first or each.second], addresses)


def _value(contact: Contact, name: str) -> Any:
    value = getattr(contact, name)
    return COUNTRIES.get(value, value) if name == "country" else value


def _said(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if any(value not in (None, "") for value in (fact.first, fact.second))]


def _addresses(both: Sequence[Contact], now: datetime) -> Any:
    """The addresses of each contact with their verdicts, the primary one first."""
    held = ContactAddress.objects.filter(contact__in=both).select_related("address").order_by("-is_primary", "id")
    verdicts = verdicts_of([one.address_id for one in held], now)
    return tuple([(one, verdicts[one.address_id]) for one in held if one.contact_id == contact.pk] for contact in both)


def rows_of(pairs: Sequence[DuplicatePair]) -> list[dict[str, Any]]:
    """Rows of a list of pairs: both sides with their primary addresses, and the reasons."""
    contacts = [pk for pair in pairs for pk in (pair.first_contact_id, pair.second_contact_id) if pk]
    emails = primary_emails(contacts)
    rows = []
    for pair in pairs:
        first, second = sides_of(pair)
        row = {"pair": pair, "reasons": in_words(pair.reasons)}
        row["sides"] = [(side, "" if pair.is_of_companies else emails.get(side.pk, "")) for side in (first, second)]
        rows.append(row)
    return rows
