"""Ids as they come from outside: in a form, a URL, a file. In: text. Out: a number that the database can hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable

MOST_DIGITS = 18  # fewer than a bigint's largest has


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def id_in(text: str) -> int:
    """The id, or 0, which nothing has, for anything else."""
    return int(text) if is_id(text) else 0


def ids_in(texts: Iterable[str]) -> list[int]:
    """Those that are ids; the others are left out."""
    return [int(text) for text in texts if is_id(text)]
