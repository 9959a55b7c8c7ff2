"""One row's cells -> what the stage holds of it. In: a Line and the mapping. Out: values by column, or problems.

The rules are those of `contacts/fields.py`; here they take a short way for the cells that nearly all files are made
of, because a million rows go through. Addresses are only lower-cased: `staging.py` has the database look at them.
An empty cell says nothing (None), unless the run empties fields (then "").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from bounces.addresses import BadAddress, normalise
from contacts.country_words import country_code
from contacts.custom import clean_custom
from contacts.fields import LONGEST, FieldErrors, clean_fields
from contacts.importing.columns import CUSTOM, LONGEST_SHOWN, split_list
from contacts.importing.mapping import orders_in
from contacts.importing.options import Options
from contacts.importing.reading import Line
from contacts.importing.values import LONGEST as LONGEST_PHONE
from contacts.importing.values import SHORTEST, read_day, read_phone
from contacts.models import CustomField

# The columns of the stage, in the order of its lines.
STAGED = (
    "number", "email", "others", "first_name", "last_name", "title", "company", "owner_id", "phone", "country", "tags",
    "source", "external_id", "custom", "problems", "cells",
)  # fmt: skip
PLACE = {column: at for at, column in enumerate(STAGED)}
Cleaner = Callable[[str], Any]
NO_ADDRESS = "The address is missing. A new contact needs one, to be found again."


class RowCleaner:
    """Made once a run; asks the database for its owners and custom fields then, and never again."""

    def __init__(
        self, headers: Sequence[str], mapping: Mapping[str, str], options: Options, first: Sequence[Line] = ()
    ) -> None:
        self.headers = list(headers)
        self.mapping = dict(mapping)
        self.options = options
        self.declared = [*CustomField.objects.all(), *(CustomField(**new) for new in options.new_fields)]
        self.orders, _ = orders_in(self.headers, mapping, first, self.declared)
        self.tags = options.tags
        self.plain: list[tuple[int, int, Cleaner]] = []
        self.special: dict[str, int] = {}
        self.custom: list[tuple[int, str]] = []
        self.header_of = {word: header for header, word in mapping.items() if word}
        for header, word in mapping.items():
            self._place(word, self.headers.index(header))

    def _place(self, word: str, at: int) -> None:
        if word.startswith(CUSTOM):
            self.custom.append((at, word.removeprefix(CUSTOM)))
        elif word in ("owner", "tags", "other_emails", "email", "phone"):
            self.special[word] = at
        elif word:
            self.plain.append((at, PLACE[word], _cleaner_of(word)))

    def clean(self, line: Line) -> list[Any]:
        """The stage's values in its order; None for what the row does not say."""
        values: list[Any] = [None] * len(STAGED)
        problems: list[list[str]] = [["", "", line.problem]] if line.problem else []
        cells = line.cells
        empties = self.options.empties
        values[0] = line.number
        for at, place, cleaner in self.plain:
            cell = cells[at]
            if cell:
                try:
                    values[place] = cleaner(cell)
                except ValueError as error:
                    problems.append([self.headers[at], cell[:LONGEST_SHOWN], str(error)])
            elif empties and place != PLACE["external_id"]:
                values[place] = ""
        self._clean_special(cells, values, problems)
        if self.custom:
            self._clean_custom(cells, values, problems)
        if not (values[PLACE["email"]] or values[PLACE["external_id"]] or problems):
            problems.append([self.header_of.get("email", ""), "", NO_ADDRESS])
        if problems:
            values[PLACE["problems"]] = json.dumps(problems)
            values[PLACE["cells"]] = json.dumps(dict(zip(self.headers, cells, strict=True)))
        return values

    def _clean_special(self, cells: list[str], values: list[Any], problems: list[list[str]]) -> None:
        tags = list(self.tags)
        for word, at in self.special.items():
            cell = cells[at]
            if not cell:
                if word == "phone" and self.options.empties:
                    values[PLACE["phone"]] = ""
                continue
            try:
                if word == "email":
                    values[PLACE["email"]] = cell.lower()
                elif word == "other_emails":
                    values[PLACE["others"]] = clean_fields({"addresses": split_list(cell)})["addresses"]
                elif word == "owner":
                    values[PLACE["owner_id"]] = str(_owner_id(cell.lower(), cell))
                elif word == "phone":
                    values[PLACE["phone"]] = _phone(cell, values[PLACE["country"]])
                else:
                    tags = clean_fields({"tags": [*tags, *split_list(cell)]})["tags"]
            except ValueError as error:
                problems.append([self.headers[at], cell[:LONGEST_SHOWN], _said(error)])
        if tags:
            values[PLACE["tags"]] = tags

    def _clean_custom(self, cells: list[str], values: list[Any], problems: list[list[str]]) -> None:
        given = {key: cells[at] for at, key in self.custom if cells[at] or self.options.empties}
        if not given:
            return
        for header, order in self.orders.items():
            key = self.mapping[header].removeprefix(CUSTOM)
            try:
                given[key] = read_day(given[key], order) if given.get(key) else given.get(key, "")
            except ValueError as error:
                problems.append([header, given.pop(key)[:LONGEST_SHOWN], str(error)])
        cleaned, errors = clean_custom(given, self.declared)
        values[PLACE["custom"]] = json.dumps(cleaned)
        for key, sentence in errors.items():
            problems.append([self.header_of[f"{CUSTOM}{key}"], given[key][:LONGEST_SHOWN], sentence])


def forget_owners() -> None:
    """Called when a run begins to read: users may have come and gone."""
    _owner_id.cache_clear()


@lru_cache(maxsize=1000)
def _owner_id(email: str, shown: str) -> int:
    users = get_user_model()._default_manager
    found = users.filter(email=email, is_active=True).values_list("pk", flat=True).first() if "\x00" not in email else 0
    if not found:
        raise ValueError(f"Nobody with the address “{shown}” works here. Write the e-mail address of an active user.")
    return int(found)


def _phone(cell: str, country: str | None) -> Any:
    """As E.164 where it is so already, else as it can be read."""
    if cell[0] == "+" and SHORTEST <= len(cell) <= LONGEST_PHONE and cell[1] != "0" and cell[1:].isdecimal():
        return cell
    return _by_the_rules("phone", read_phone(cell, country or settings.PHONE_REGION))


def _country(cell: str) -> Any:
    return country_code(cell) or _by_the_rules("country", cell)


def _cleaner_of(word: str) -> Cleaner:
    if word == "country":
        return lru_cache(maxsize=1000)(_country)
    longest = LONGEST[word]

    def clean(cell: str) -> Any:
        """One line, printable, not too long: the short way."""
        if len(cell) <= longest and "  " not in cell and cell.isprintable():
            return cell
        return _by_the_rules(word, cell)

    return clean


def _by_the_rules(word: str, cell: str) -> Any:
    try:
        return clean_fields({word: cell})[word]
    except FieldErrors as error:
        raise ValueError(_said(error)) from error


def _said(error: ValueError) -> str:
    if isinstance(error, FieldErrors):
        return " ".join(sentence for sentences in error.errors.values() for sentence in sentences)
    return str(error)


def clean_address(text: str) -> tuple[str, str]:
    """The address as it is kept, or what is wrong with it."""
    try:
        return normalise(text), ""
    except BadAddress as error:
        return "", f"“{text[:254]}” is not an e-mail address: {error}"
