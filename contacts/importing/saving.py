"""A batch of rows -> tables, set by set: the number of queries does not grow with the batch.

In: Writes, each a row with its contact and what it changes. Out: contacts with their company, addresses, tags, search
document and a line in their timeline. Runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from bounces.addresses import keep_addresses
from contacts.access import User
from contacts.fields import LABELS
from contacts.importing.columns import Row
from contacts.importing.matching import Changes
from contacts.models import Activity, Company, Contact, ContactAddress, Tag
from contacts.search import index_documents

PLAIN = ("first_name", "last_name", "title", "owner", "phone", "country", "source", "external_id")
GROWING = ["bounces_address", "contacts_contact", "contacts_contactaddress"]
WRITTEN = [*PLAIN, "company", "custom", "updated_at"]


@dataclass(frozen=True, slots=True)
class Write:
    """One row that creates its contact (which has no id yet) or changes it."""

    row: Row
    contact: Contact
    changes: Changes
    is_new: bool


def write(batch: Sequence[Write], *, by: User | None, origin: str, now: datetime) -> None:
    companies = ids_by_name(Company, _said(batch, "company"))
    for each in batch:
        _set_columns(each, companies, now)
    Contact.objects.bulk_create([each.contact for each in batch if each.is_new])
    _update([each.contact for each in batch if not each.is_new])
    _write_addresses([each for each in batch if "addresses" in each.changes])
    _write_tags([each for each in batch if "tags" in each.changes])
    _write_activities(batch, by, origin, now)
    index_documents([each.contact.pk for each in batch])


def tell_planner() -> None:
    """Counts tables that PostgreSQL still takes for empty. May run twice.

    Autovacuum does it a minute later; until then each row's search document scanned whole tables: 20,000 rows into an
    empty database took 26 s there instead of 1.3 s.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r' AND reltuples < 1000", [GROWING]
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def _said(batch: Iterable[Write], word: str) -> set[str]:
    return {each.changes[word][1] for each in batch if word in each.changes and each.changes[word][1]}


def _set_columns(each: Write, companies: Mapping[str, int], now: datetime) -> None:
    contact = each.contact
    for word in PLAIN:
        if word in each.changes:
            setattr(contact, word, each.changes[word][1])
    if "company" in each.changes:
        contact.company_id = companies.get(each.changes["company"][1])
    if "custom" in each.changes:
        contact.custom = each.changes["custom"][1]
    contact.updated_at = now


def ids_by_name(model: type[Company] | type[Tag], names: set[str]) -> dict[str, int]:
    """The id of each name in any case, rows made where they are missing. Compared as the unique index does."""
    known = _known_ids(model, names)
    missing = sorted(names - known.keys())
    if missing:
        rows: list[Any] = [model(name=name) for name in missing]
        model._default_manager.bulk_create(rows, ignore_conflicts=True)
        known |= _known_ids(model, set(missing))
    return known


def _known_ids(model: type[Company] | type[Tag], names: set[str]) -> dict[str, int]:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT said.name, known.id FROM unnest(%s::text[]) AS said(name) "  # noqa: S608 -- the table is ours
            f"JOIN {table} AS known ON lower(known.name) = lower(said.name)",
            [sorted(names)],
        )
        return dict(cursor.fetchall())


def _update(contacts: Sequence[Contact]) -> None:
    """One INSERT … ON CONFLICT DO UPDATE: bulk_update would send a CASE of every row for every column."""
    if contacts:
        Contact.objects.bulk_create(contacts, update_conflicts=True, unique_fields=["pk"], update_fields=WRITTEN)


def _write_addresses(batch: Sequence[Write]) -> None:
    """Adds what is missing; the first address given becomes the primary one. None is taken away."""
    then = {each.contact.pk: each.changes["addresses"][1] for each in batch}
    ids = keep_addresses(email for emails in then.values() for email in emails)
    # First: only one may be primary at any moment.
    ContactAddress.objects.filter(contact__in=then, is_primary=True).update(is_primary=False)
    ContactAddress.objects.bulk_create(
        [
            ContactAddress(contact_id=pk, address_id=ids[email], is_primary=email == emails[0])
            for pk, emails in then.items()
            for email in emails
        ],
        update_conflicts=True,
        unique_fields=["contact", "address"],
        update_fields=["is_primary"],
    )


def _write_tags(batch: Sequence[Write]) -> None:
    names = {each.contact.pk: each.changes["tags"][1] for each in batch}
    ids = ids_by_name(Tag, {name for tags in names.values() for name in tags})
    tagged = Contact.tags.through
    tagged.objects.bulk_create(
        [tagged(contact_id=pk, tag_id=tag) for pk, tags in names.items() for tag in {ids[name] for name in tags}],
        ignore_conflicts=True,
    )


def _write_activities(batch: Sequence[Write], by: User | None, origin: str, now: datetime) -> None:
    Activity.objects.bulk_create(
        Activity(contact=each.contact, kind=Activity.Kind.IMPORTED, text=_sentence(each, origin), by=by, at=now)
        for each in batch
    )


def _sentence(each: Write, origin: str) -> str:
    where = f"From {origin}, row {each.row.number}"
    return f"{where}." if each.is_new else f"{where}: changed {', '.join(LABELS[word] for word in each.changes)}."
