"""Contacts -> rows of text. In: a queryset of what a person may see. Out: one row a contact, as imports read it back.

Read in chunks by key, so that a million contacts are streamed in bounded memory. Cells that a spreadsheet would run
are defused, and restored by the import (`bounces/spreadsheet.py`). What facts decide (status, verdict) stands
at the end: imports leave it out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import tablib
from django.db.models import QuerySet
from django.utils import timezone
from import_export import resources
from import_export.fields import Field

from bounces.demands import Demand
from bounces.spreadsheet import safe_cell
from bounces.verdict import Verdict, verdicts_of
from contacts.models import Contact, CustomField

CHUNK = 1000
MOST_IN_MEMORY = 50_000  # of the admin's export, which builds its file before it sends it
COLUMNS = (
    "email", "other_emails", "first_name", "last_name", "title", "company", "owner", "phone", "country", "tags",
    "source", "external_id",
)  # fmt: skip
DERIVED = ("status", "verdict", "verdict_reason")


def columns() -> list[str]:
    """The header: our words, the custom fields by their keys, then what is derived."""
    return [*COLUMNS, *CustomField.objects.values_list("key", flat=True), *DERIVED]


def rows_of(
    contacts: QuerySet[Contact], header: Sequence[str], now: datetime, demand: Demand | None = None
) -> Iterator[list[str]]:
    """In the order of their ids. A constant number of queries for each thousand."""
    chosen = contacts.order_by("pk").select_related("company", "owner")
    chosen = chosen.prefetch_related("tags", "contact_addresses__address")
    last = 0
    while chunk := list(chosen.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        addresses = {each.address_id for contact in chunk for each in contact.contact_addresses.all()}
        verdicts = verdicts_of(sorted(addresses), now, demand)
        for contact in chunk:
            values = _values(contact, verdicts)
            yield [values.get(column, "") for column in header]


def csv_of(contacts: QuerySet[Contact], now: datetime, demand: Demand | None = None) -> Iterator[str]:
    """Lines of CSV, to be streamed. Begins with a byte order mark: by it Excel knows UTF-8."""
    header = columns()
    yield "\ufeff" + _line(header)
    for row in rows_of(contacts, header, now, demand):
        yield _line(safe_cell(cell) for cell in row)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _values(contact: Contact, verdicts: dict[int, Verdict]) -> dict[str, str]:
    reached = sorted(contact.contact_addresses.all(), key=lambda each: (not each.is_primary, each.pk))
    emails = [each.address.email for each in reached]
    values = {key: _custom(value) for key, value in contact.custom.items()}
    values |= {
        "email": emails[0] if emails else "",
        "other_emails": ", ".join(emails[1:]),
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "title": contact.title,
        "company": contact.company.name if contact.company else "",
        "owner": contact.owner.email if contact.owner else "",
        "phone": contact.phone,
        "country": contact.country,
        "tags": ", ".join(tag.name for tag in contact.tags.all()),
        "source": contact.source,
        "external_id": contact.external_id or "",
    }
    if reached and (verdict := verdicts.get(reached[0].address_id)):
        values |= {"status": str(verdict.status), "verdict": str(verdict.answer), "verdict_reason": verdict.sentence}
    return values


def _custom(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


class ContactExport(resources.ModelResource):
    """The same rows for the admin's export, where columns can be chosen."""

    class Meta:
        model = Contact
        fields = ()
        name = "Contacts"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = {column: Field(column_name=column) for column in columns()}

    def export(self, queryset: QuerySet[Contact] | None = None, **kwargs: Any) -> tablib.Dataset:
        header = list(kwargs.get("export_fields") or self.fields)
        contacts = Contact.objects.present() if queryset is None else queryset
        # The list's own prefetch is in the way of ours.
        plain = Contact.objects.filter(pk__in=contacts.order_by().values("pk"))
        rows = islice(rows_of(plain, header, timezone.now()), MOST_IN_MEMORY)
        return tablib.Dataset(*rows, headers=header)
