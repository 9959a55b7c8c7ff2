"""The words that columns may mean (those of `contacts/fields.py`), and what is said of a row that cannot be imported.

In: headers, declared fields, cells. Out: words, orders of days, Problems. These name the header that the file itself
uses, because that is what people look for. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from bounces.plain_names import plain_name
from contacts.fields import LABELS
from contacts.importing.headers import Export, word_of
from contacts.importing.values import Order, is_ambiguous, order_of
from contacts.models import CustomField

WORDS = (
    "email", "other_emails", "full_name", "first_name", "last_name", "title", "company", "owner", "phone", "country",
    "tags", "source", "external_id", "notes", "opt_out",
)  # fmt: skip
FIELD_WORDS = tuple(word for word in WORDS if word not in ("full_name", "notes", "opt_out"))  # those of a contact
CHANGED_LABELS = {**LABELS, "notes": "notes"}  # what a row may change of its contact
# Of these a file may have several columns; of the others one each.
SEVERAL = frozenset({"other_emails", "tags", "notes", "opt_out"})
# Columns of our own export that facts decide: read by people, never imported.
DERIVED = frozenset(
    {
        "id", "status", "status_since", "status_reason", "verdict", "verdict_reason", "sendable", "last_bounce_at",
        "last_delivered_at", "created_at", "updated_at", "external_ids",
    }
)  # fmt: skip
OWN_SIGNS = frozenset({"verdict", "status", "verdict_reason"})
CUSTOM = "custom."
KEYS = ("email", "external_id")  # by which a row is known again: a file has one of each
LONGEST_SHOWN = 120  # characters of a refused value


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not imported: which row, which column (empty: the row as a whole), what stood there, what to do."""

    row: int
    column: str
    value: str
    sentence: str


def word_in(header: str, export: Export | None, custom: Mapping[str, str]) -> str:
    """Our own word first; then what this installation has declared; then what others call our words."""
    name = _plain(header)
    return name if name in WORDS else custom.get(name) or word_of(header, export)


def is_own_export(headers: Iterable[str]) -> bool:
    """Its texts stand as they are kept, and come back as they were."""
    return OWN_SIGNS.issubset(headers)


def custom_words(declared: Iterable[CustomField]) -> dict[str, str]:
    """`custom.<key>` by each plain name that a file may give the field."""
    return {
        _plain(name): f"{CUSTOM}{each.key}"
        for each in declared
        for name in (each.label, each.key, f"{CUSTOM}{each.key}")
    }


_plain = plain_name


def default_order() -> Order:
    return Order(settings.DATE_ORDER)


def orders_of(days: Mapping[str, Sequence[str]]) -> tuple[dict[str, Order], list[str]]:
    """In which order the days of each column are read, by its header and cells; and what is to be said of it."""
    orders = {header: order_of(cells) or default_order() for header, cells in days.items()}
    said = {Order.DAY_FIRST: "day/month/year", Order.MONTH_FIRST: "month/day/year"}
    notices = [
        f"“{header[:60]}” has days that can be read in two ways, like {next(iter(cells))[:20]}. They are read as "
        f"{said[orders[header]]} (REBOUND_DATE_ORDER). Write year-month-day to be sure."
        for header, cells in days.items()
        if is_ambiguous(cells)
    ]
    return orders, notices
