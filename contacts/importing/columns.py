"""A sheet's headers and cells -> the words of `contacts/fields.py`. In: a Sheet. Out: Rows, each with its problems.

Empty cells say nothing: they are left out, so that they never overwrite. Problems name the header that the file
itself uses, because that is what people look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2
from django.conf import settings
from django.contrib.auth import get_user_model

from contacts.country_words import country_code
from contacts.custom import clean_custom
from contacts.fields import FieldErrors, clean_fields
from contacts.importing.headers import Export, export_of, plain_name, word_of, word_of_name
from contacts.importing.reading import Sheet, UnreadableFile
from contacts.importing.values import Order, is_ambiguous, order_of, read_day, read_phone
from contacts.models import CustomField

WORD_OF = word_of_name()
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


@dataclass(slots=True)
class Row:
    """One row, cleaned: `fields` are the words that its cells give."""

    number: int
    fields: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def email(self) -> str:
        """The primary address that it gives, normalised; empty where it gives none."""
        return next(iter(self.fields.get("addresses", [])), "")

    def refuse(self, column: str, value: str, sentence: str) -> None:
        self.problems.append(Problem(self.number, column, value[:LONGEST_SHOWN], sentence))


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
            f"No column is named email. The columns are: {_listed(headers)}. "
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
        yield f"Not imported, because Rebound works it out from facts: {_listed(derived)}."
    if unknown:
        yield f"Left out, because no field is named so: {_listed(unknown)}. An admin can declare custom fields."


def _listed(headers: Sequence[str]) -> str:
    shown = ", ".join(f"“{header[:60]}”" for header in headers[:12])
    return f"{shown} and {len(headers) - 12} more" if len(headers) > 12 else shown


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


def clean_rows(sheet: Sheet, columns: Columns) -> list[Row]:
    """Two queries, whatever the size: the owners, and (asked by `find_columns`) the custom fields."""
    position = {word: sheet.headers.index(header) for word, header in columns.words.items()}
    given = [{word: cells[at] for word, at in position.items() if cells[at]} for cells in sheet.rows]
    owners = _owners({cells["owner"].lower() for cells in given if "owner" in cells})
    orders, notices = _orders(given, columns)
    sheet.notices.extend(notices)
    rows = []
    for number, cells in zip(sheet.numbers, given, strict=True):
        row = Row(number)
        if number in sheet.problems:
            row.refuse("", "", sheet.problems[number])
        _read_values(row, cells, columns, orders)
        _clean_row(row, cells, columns, owners)
        rows.append(row)
    return rows


def _orders(given: Sequence[Mapping[str, str]], columns: Columns) -> tuple[dict[str, Order], list[str]]:
    """Of the custom fields that are days, by word."""
    words = [f"{CUSTOM}{each.key}" for each in columns.custom_fields if each.type == CustomField.Type.DATE]
    days = {word: [cells[word] for cells in given if word in cells] for word in words}
    by_header, notices = orders_of({columns.words[word]: cells for word, cells in days.items() if cells})
    return {word: by_header[columns.words[word]] for word, cells in days.items() if cells}, notices


def _read_values(row: Row, cells: dict[str, str], columns: Columns, orders: Mapping[str, Order]) -> None:
    """Countries, phone numbers and days as we keep them. What is no country is left to be refused as it stands."""
    country = country_code(cells.get("country", ""))
    if country:
        cells["country"] = country
    if "phone" in cells:
        cells["phone"] = read_phone(cells["phone"], country or settings.PHONE_REGION)
    for word, order in orders.items():
        if word in cells:
            try:
                cells[word] = read_day(cells[word], order)
            except ValueError as error:
                row.refuse(columns.words[word], cells.pop(word), str(error))


def _clean_row(row: Row, cells: dict[str, str], columns: Columns, owners: Mapping[str, Any]) -> None:
    """Each cell by itself, so that an error names its own column."""
    custom = {word.removeprefix(CUSTOM): cells.pop(word) for word in list(cells) if word.startswith(CUSTOM)}
    emails: list[str] = []
    for word, text in cells.items():
        header = columns.words[word]
        try:
            if word in ("email", "other_emails"):
                emails += clean_fields({"addresses": split_list(text) if word == "other_emails" else [text]})[
                    "addresses"
                ]
            elif word == "owner":
                row.fields["owner"] = _owner(text, owners)
            else:
                row.fields |= clean_fields({word: split_list(text) if word == "tags" else text})
        except FieldErrors as error:
            row.refuse(header, text, " ".join(s for sentences in error.errors.values() for s in sentences))
        except ValueError as error:
            row.refuse(header, text, str(error))
    if emails and "email" in cells:
        row.fields["addresses"] = list(dict.fromkeys(emails))
    if custom:
        cleaned, errors = clean_custom(custom, columns.custom_fields)
        row.fields["custom"] = cleaned
        for key, sentence in errors.items():
            row.refuse(columns.words[f"{CUSTOM}{key}"], custom[key], sentence)


def split_list(text: str) -> list[str]:
    """Tags or addresses of one cell. Where there is a comma, commas alone part: a tag may hold a semicolon."""
    return text.split(",") if "," in text else list(SPLIT.split(text))


def _owners(emails: set[str]) -> dict[str, Any]:
    users = get_user_model()._default_manager.filter(email__in=emails, is_active=True)
    return {getattr(user, user.get_email_field_name()): user for user in users}


def _owner(text: str, owners: Mapping[str, Any]) -> Any:
    if text.lower() not in owners:
        raise ValueError(f"Nobody with the address “{text}” works here. Write the e-mail address of an active user.")
    return owners[text.lower()]
