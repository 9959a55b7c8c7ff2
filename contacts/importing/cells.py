"""What a cell says about each of our fields. In: a cell. Out: the value as it is kept; ValueError with a sentence.

The rules are those of `contacts/fields.py`; here they are asked for thousands of rows with few questions to the
database.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from bounces.plain_text import plain
from contacts.country_words import country_code
from contacts.fields import LONGEST, FieldErrors, clean_fields, clean_note
from contacts.importing.values import is_whole_phone, read_phone

Cleaner = Callable[[str], Any]
NOBODY = frozenset(
    {"no owner", "unassigned", "not assigned", "nobody", "kein besitzer", "nicht zugewiesen", "(no owner)", "aucun"}
)


def forget_owners() -> None:
    """Called when a run begins to read: users may have come and gone."""
    _owner_id.cache_clear()


@lru_cache(maxsize=1000)
def _owner_id(text: str, shown: str) -> int:
    users = get_user_model()._default_manager.filter(is_active=True)
    if "\x00" in text:
        raise ValueError(_no_owner(shown))
    if "@" in text:
        found = list(users.filter(email=text.rpartition("<")[2].rstrip("> ")).values_list("pk", flat=True))
    else:
        found = [pk for pk, name in users.values_list("pk", "name") if folded_name(name) == text]
    if len(found) > 1:
        raise ValueError(f"Several people here are called “{shown}”. Write the e-mail address of one of them.")
    if not found:
        raise ValueError(_no_owner(shown))
    return int(found[0])


def _no_owner(shown: str) -> str:
    return f"Nobody called “{shown[:60]}” works here. Write the name or the e-mail address of an active user."


def folded_name(name: str) -> str:
    return " ".join(plain(name).casefold().split())


def owner_in(cell: str) -> str:
    """The id of the one active user with that address or name; empty where the cell says that nobody owns it."""
    text = folded_name(cell)
    return "" if text in NOBODY else str(_owner_id(text, cell))


def phone_in(cell: str, country: str | None) -> str:
    """As E.164 where it can be read so."""
    found = read_phone(cell, country or settings.PHONE_REGION)
    return found if is_whole_phone(found) else str(_by_the_rules("phone", found))


@lru_cache(maxsize=1000)
def country_in(cell: str) -> str:
    return country_code(cell) or str(_by_the_rules("country", cell))


def note_in(cell: str) -> str:
    return clean_note(plain(cell).replace("\r\n", "\n").replace("\r", "\n"))


def text_reader(word: str) -> Cleaner:
    longest = LONGEST[word]

    def read(cell: str) -> Any:
        """One line, printable ASCII, not too long: the short way."""
        if len(cell) <= longest and "  " not in cell and cell.isascii() and cell.isprintable():
            return cell
        return _by_the_rules(word, cell)

    return read


@lru_cache(maxsize=5000)
def tag_in(name: str) -> str:
    """As it is kept. Raises ValueError."""
    return str(next(iter(_by_the_rules("tags", [name])), ""))


def _by_the_rules(word: str, value: Any) -> Any:
    try:
        return clean_fields({word: value})[word]
    except FieldErrors as error:
        raise ValueError(said_in(error)) from error


def said_in(error: ValueError) -> str:
    if isinstance(error, FieldErrors):
        return " ".join(sentence for sentences in error.errors.values() for sentence in sentences)
    return str(error)
