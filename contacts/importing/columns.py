"""A sheet's headers and cells -> the words of `contacts/fields.py`. In: a Sheet. Out: Rows, each with its problems.

Empty cells say nothing: they are left out, so that they never overwrite. Problems name the header that the file
itself uses, because that is what people look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import re2
from django.conf import settings

from contacts.importing.headers import Export, export_of, plain_name, word_of
from contacts.importing.reading import UnreadableFile
from contacts.importing.reading.tables import listed
from contacts.importing.values import Order, is_ambiguous, order_of
from contacts.models import CustomField

WORDS = (
    "email", "other_emails", "first_name", "last_name", "title", "company", "owner", "phone", "country", "tags",
    "source", "external_id",
)  # fmt: skip
# Columns of our own export that facts decide: read by people, never imported.
DERIVED = frozenset(
    {
        "id", "status", "status_since", "status_reason", "verdict", "verdict_reason", "sendable", "last_bounce_at",
        "last_delivered_at", "created_at", "updated_at",
    }
)  # fmt: skip
CUSTOM = "custom."
KEYS = ("email", "external_id")  # by which a row is known again: a file has one of each
SPLIT = re2.compile(r"[,;\n]| ::: ")  # between the tags and addresses of a cell; the last as Google writes it
LONGEST_SHOWN = 120  # characters of a refused value


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each word stands. `words` maps our word to the file's header; custom fields are `custom.<key>`."""

    words: Mapping[str, str]
    custom_fields: Sequence[CustomField]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not imported: which row, which column (empty: the row as a whole), what stood there, what to do."""

    row: int
    column: str
    value: str
    sentence: str


def find_columns(headers: Sequence[str]) -> Columns:
    """Raises UnreadableFile where the header names no column to go by, or two of them."""
    declared = list(CustomField.objects.all())
    custom = custom_words(declared)
    export = export_of(headers)
    words: dict[str, str] = {}
    derived: list[str] = []
    unknown: list[str] = []
    doubled: list[str] = []
    for header in headers:
        word = word_in(header, export, custom)
        if not word:
            if header:
                (derived if _plain(header) in DERIVED else unknown).append(header)
        elif word not in words:
            words[word] = header
        elif word in KEYS:
            raise UnreadableFile(
                f"Two columns mean {word.removeprefix(CUSTOM)}: “{words[word]}” and “{header}”. Remove or rename one."
            )
        else:
            doubled.append(f"“{header[:60]}” (“{words[word][:60]}” is read)")
    if not words.keys() & set(KEYS):
        raise UnreadableFile(
            f"No column is named email. The columns are: {listed(headers)}. "
            "The first row must name them: email, first_name, last_name, company, …"
        )
    notices = list(_notices(derived, unknown))
    if export is not None:
        notices.insert(0, f"This looks like an export of {export.name}.")
    if doubled:
        notices.append(f"Left out, because another column means the same: {', '.join(doubled[:12])}.")
    return Columns(words, declared, tuple(notices))


def word_in(header: str, export: Export | None, custom: Mapping[str, str]) -> str:
    """Our own word first; then what this installation has declared; then what others call our words."""
    name = _plain(header)
    return name if name in WORDS else custom.get(name) or word_of(header, export)


def custom_words(declared: Iterable[CustomField]) -> dict[str, str]:
    """`custom.<key>` by each plain name that a file may give the field."""
    return {
        _plain(name): f"{CUSTOM}{each.key}"
        for each in declared
        for name in (each.label, each.key, f"{CUSTOM}{each.key}")
    }


def _notices(derived: Sequence[str], unknown: Sequence[str]) -> Iterable[str]:
    if derived:
        yield f"Not imported, because Rebound works it out from facts: {listed(derived)}."
    if unknown:
        yield f"Left out, because no field is named so: {listed(unknown)}. An admin can declare custom fields."


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


def split_list(text: str) -> list[str]:
    """Tags or addresses of one cell. Where there is a comma, commas alone part: a tag may hold a semicolon."""
    return text.split(",") if "," in text else list(SPLIT.split(text))
