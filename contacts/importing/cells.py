"""One row's cells -> what the stage holds of it. In: a Line and the mapping. Out: values by column, or problems.

The rules are those of `contacts/fields.py`; texts that are as nearly all are take a shorter way. Plain rows do not come
here: see `copy_lines.py`. An empty cell says nothing (None), unless the run empties fields (then "").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from bounces.addresses import BadAddress, normalise_reachable
from bounces.plain_text import plain
from contacts.country_words import country_code
from contacts.custom import clean_custom
from contacts.fields import LONGEST, FieldErrors, clean_fields
from contacts.importing.columns import CUSTOM, LONGEST_SHOWN, split_list
from contacts.importing.mapping import orders_in
from contacts.importing.options import Options
from contacts.importing.reading import Line
from contacts.importing.values import is_whole_phone, read_day, read_phone
from contacts.models import CustomField

# The columns of the stage, in the order of its lines: first those that are one cell each.
STAGED = (
    "number", "email", "first_name", "last_name", "title", "company", "owner_id", "phone", "country", "source",
    "external_id", "others", "tags", "custom", "problems", "cells",
)  # fmt: skip
# What each column of the stage takes of a file that has these words.
SPECIAL = {"email": "email", "other_emails": "others", "owner": "owner_id", "phone": "phone", "tags": "tags"}
ALWAYS = frozenset({"number", "email", "problems", "cells"})
# Characters: a line that is not longer has no text that is too long.
SHORT = min(longest for word, longest in LONGEST.items() if word not in SPECIAL)
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
        used = {SPECIAL.get(word, "custom" if word.startswith(CUSTOM) else word) for word in mapping.values() if word}
        used |= {"tags"} if self.tags else set()
        self.columns = [column for column in STAGED if column in used | ALWAYS]
        self.place = {column: at for at, column in enumerate(self.columns)}
        self.texts: list[tuple[int, int, Cleaner]] = []
        self.special: dict[str, int] = {}
        self.custom: list[tuple[int, str]] = []
        self.header_of = {word: header for header, word in mapping.items() if word}
        for header, word in sorted(mapping.items(), key=lambda item: item[1] == "phone"):  # after its country
            self._place(word, self.headers.index(header))

    def _place(self, word: str, at: int) -> None:
        if word.startswith(CUSTOM):
            self.custom.append((at, word.removeprefix(CUSTOM)))
        elif word in SPECIAL or word == "country":
            self.special[word] = at
        elif word:
            self.texts.append((at, self.place[word], _cleaner_of(word)))

    def clean(self, line: Line) -> list[Any]:
        """The stage's values in the order of `columns`; None for what the row does not say."""
        values: list[Any] = [None] * len(self.columns)
        problems: list[list[str]] = [["", "", line.problem]] if line.problem else []
        cells, place = line.cells, self.place
        values[0] = str(line.number)
        self._clean_texts(cells, values, problems)
        self._clean_special(cells, values, problems)
        if self.custom:
            self._clean_custom(cells, values, problems)
        if "others" in place:
            self._choose_address(values)
        if not (values[place["email"]] or problems or ("external_id" in place and values[place["external_id"]])):
            problems.append([self.header_of.get("email", ""), "", NO_ADDRESS])
        if problems:
            values[place["problems"]] = json.dumps(problems)
            values[place["cells"]] = json.dumps(dict(zip(self.headers, cells, strict=True)))
        return values

    def _clean_texts(self, cells: list[str], values: list[Any], problems: list[list[str]]) -> None:
        """Nearly all lines are short and plain: then so is each of their cells."""
        whole = "".join(cells)
        if len(whole) <= SHORT and "  " not in whole and whole.isprintable():
            for at, place, _ in self.texts:
                values[place] = cells[at] or None
        else:
            for at, place, cleaner in self.texts:
                try:
                    values[place] = cleaner(cells[at]) if cells[at] else None
                except ValueError as error:
                    problems.append([self.headers[at], cells[at][:LONGEST_SHOWN], str(error)])
        if self.options.empties:
            for at, place, _ in self.texts:
                if not cells[at] and self.columns[place] != "external_id":
                    values[place] = ""

    def _clean_special(self, cells: list[str], values: list[Any], problems: list[list[str]]) -> None:
        tags = list(self.tags)
        for word, at in self.special.items():
            cell = cells[at]
            if not cell:
                if word in ("phone", "country") and self.options.empties:
                    values[self.place[word]] = ""
                continue
            try:
                if word == "email":
                    values[self.place["email"]] = address_in(cell)
                elif word == "other_emails":
                    values[self.place["others"]] = clean_fields({"addresses": split_list(cell)})["addresses"]
                elif word == "owner":
                    values[self.place["owner_id"]] = owner_in(cell)
                elif word == "phone":
                    values[self.place["phone"]] = phone_in(
                        cell, values[self.place["country"]] if "country" in self.place else None
                    )
                elif word == "country":
                    values[self.place["country"]] = country_in(cell)
                else:
                    tags = clean_fields({"tags": [*tags, *split_list(cell)]})["tags"]
            except ValueError as error:
                problems.append([self.headers[at], cell[:LONGEST_SHOWN], _said(error)])
        if tags:
            values[self.place["tags"]] = tags

    def _choose_address(self, values: list[Any]) -> None:
        """Where a row names no address of its own, the first of its other ones is it, and stays among them: that is how
        `comparing.py` knows that it makes no known contact change the primary address."""
        email, others = self.place["email"], self.place["others"]
        if not values[others]:
            values[others] = None
        elif values[email]:
            values[others] = [each for each in values[others] if each != values[email]] or None
        else:
            values[email] = values[others][0]

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
        values[self.place["custom"]] = json.dumps(cleaned)
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


def owner_in(cell: str) -> str:
    return str(_owner_id(cell.lower(), cell))


def phone_in(cell: str, country: str | None) -> str:
    """As E.164 where it can be read so."""
    found = read_phone(cell, country or settings.PHONE_REGION)
    return found if is_whole_phone(found) else str(_by_the_rules("phone", found))


@lru_cache(maxsize=1000)
def country_in(cell: str) -> str:
    return country_code(cell) or str(_by_the_rules("country", cell))


def _cleaner_of(word: str) -> Cleaner:
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


def address_in(cell: str) -> str:
    """As it is kept."""
    try:
        return normalise_reachable(plain(cell))
    except BadAddress as error:
        raise ValueError(f"“{cell[:254]}” is not an e-mail address: {error}") from error
