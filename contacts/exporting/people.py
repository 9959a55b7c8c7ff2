"""Contacts -> rows of text. In: a queryset of what a person may see. Out: one row a contact, as imports read it back.

What facts decide (verdict, status) stands at the end: imports leave it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import tablib
from django.db.models import QuerySet
from django.utils import timezone
from import_export import resources
from import_export.fields import Field

from bounces.demands import Demand
from bounces.plain_names import plain_name
from bounces.verdict import Verdict, verdicts_of
from contacts.importing.columns import CUSTOM, DERIVED, FIELD_WORDS
from contacts.models import Contact, ContactAddress, ContactExternalId, CustomField

CHUNK = 2000
MOST_IN_MEMORY = 50_000  # of the admin's export, which builds its file before it sends it
COLUMNS = FIELD_WORDS
JUDGED = ("verdict", "status", "verdict_reason")
VERDICT = "verdict"
IDS = "external_ids"  # of tools that have a name
# What only files for other tools ask for. No custom field can be called so.
WHY_NOT = "verdict.reason"
ID_IN = "id."  # and a tool's plain name: by which id it knows the contact
DERIVED_HERE = (*JUDGED, IDS)
LISTS = ("other_emails", "tags", IDS)  # several values in a cell
# What is read of a contact, the custom values last, and what the others are called.
OWN = (
    "first_name", "last_name", "title", "company__name", "owner__email", "phone", "country", "source", "external_id",
    "custom",
)  # fmt: skip
CELLS = [name.partition("__")[0] for name in OWN[:-1]]
RESERVED = {*COLUMNS, *DERIVED}


def columns() -> list[str]:
    """The header: our words, the custom fields, then what imports leave out."""
    return [*COLUMNS, *(header_of(key) for key in CustomField.objects.values_list("key", flat=True)), *DERIVED_HERE]


def header_of(key: str) -> str:
    """Of a custom field: its key, unless a column of ours is called so."""
    return f"{CUSTOM}{key}" if plain_name(key) in RESERVED else key


def rows_of(
    contacts: QuerySet[Contact], header: Sequence[str], now: datetime, demand: Demand | None = None
) -> Iterator[list[str]]:
    """In the order of their ids, each once. A constant number of queries for each two thousand."""
    ids: list[int] = []
    wanted = set(header)
    for pk in contacts.order_by("pk").values_list("pk", flat=True).distinct().iterator(chunk_size=CHUNK):
        ids.append(pk)
        if len(ids) == CHUNK:
            yield from _rows(ids, header, wanted, now, demand)
            ids = []
    yield from _rows(ids, header, wanted, now, demand)


def _rows(
    ids: Sequence[int], header: Sequence[str], wanted: set[str], now: datetime, demand: Demand | None
) -> Iterator[list[str]]:
    if not ids:
        return
    tags = _tags(ids) if "tags" in wanted else {}
    named = _external_ids(ids) if any(word == IDS or word.startswith(ID_IN) for word in wanted) else {}
    reached = _addresses(ids) if wanted & {"email", "other_emails", WHY_NOT, *JUDGED} else {}
    verdicts: Mapping[int, Verdict] = {}
    if wanted & {WHY_NOT, *JUDGED}:
        verdicts = verdicts_of(sorted({addresses[0][0] for addresses in reached.values()}), now, demand)
    values: Sequence[Any]
    for pk, *values in Contact.objects.filter(pk__in=ids).order_by("pk").values_list("pk", *OWN):
        cells = {name: value or "" for name, value in zip(CELLS, values, strict=False)}
        cells |= {header_of(key): _custom(value) for key, value in values[-1].items()}
        addresses = reached.get(pk, [])
        emails = [email for _, email in addresses]
        cells |= {
            "email": "".join(emails[:1]),
            "other_emails": ", ".join(emails[1:]),
            "tags": _listed(tags.get(pk, [])),
            IDS: ", ".join(f"{tool}: {external_id}" for tool, external_id in named.get(pk, [])),
        }
        cells |= {f"{ID_IN}{tool}": external_id for tool, external_id in reversed(named.get(pk, []))}
        if addresses and (verdict := verdicts.get(addresses[0][0])):
            cells |= {"status": str(verdict.status), "verdict": str(verdict.answer)}
            cells |= {"verdict_reason": verdict.sentence, WHY_NOT: verdict.reason}
        yield [cells.get(column, "") for column in header]


def _addresses(ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """The id and text of each address by contact, the primary one first."""
    found: dict[int, list[tuple[int, str]]] = {}
    rows = ContactAddress.objects.filter(contact__in=ids).order_by("contact_id", "-is_primary", "pk")
    for contact, address, email in rows.values_list("contact_id", "address_id", "address__email"):
        found.setdefault(contact, []).append((address, email))
    return found


def _tags(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    tagged = Contact.tags.through.objects.filter(contact__in=ids).order_by("contact_id", "tag__name")
    for contact, name in tagged.values_list("contact_id", "tag__name"):
        found.setdefault(contact, []).append(name)
    return found


def _external_ids(ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = {}
    rows = ContactExternalId.objects.filter(contact__in=ids).order_by("contact_id", "tool", "external_id")
    for contact, tool, external_id in rows.values_list("contact_id", "tool", "external_id"):
        found.setdefault(contact, []).append((tool, external_id))
    return found


def _listed(tags: Sequence[str]) -> str:
    """Parted by commas, which no tag holds. A comma behind a single one says that its semicolon parts nothing."""
    return f"{tags[0]}," if len(tags) == 1 and (";" in tags[0] or ":::" in tags[0]) else ", ".join(tags)


def _custom(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


class TooManyInMemory(ValueError):
    """More than the admin can export. The message is for people."""

    def __init__(self) -> None:
        super().__init__(
            f"At most {MOST_IN_MEMORY:,} contacts can be exported here. Narrow the list, or export it from the page "
            "Contacts, which takes any number."
        )


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
        rows = list(islice(rows_of(plain, header, timezone.now()), MOST_IN_MEMORY + 1))
        if len(rows) > MOST_IN_MEMORY:
            raise TooManyInMemory
        return tablib.Dataset(*rows, headers=header)
