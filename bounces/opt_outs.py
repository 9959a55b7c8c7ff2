"""What a list says about whom not to write to: by the header of a column, a cell of it, or a label.

In: texts of a file. Out: a reason of a suppression ("complaint", "unsubscribe", "bounce", "manual"), "" where nothing
is said. Pure; the words are `opt_outs.toml`. Read by contact imports and by suppression lists.

A column says it in one of three ways. Of a reason ("unsubscribe"): a yes, a date or a text stands there for those whom
it is about. "status": the cell names it. "consent": the other way round, where a yes says nothing. A plain no of
consent is not an opt-out: whoever never asked for a newsletter did not refuse to be written to. It is no yes either, so
that `is_understood` says no and the person who brings the file decides. Words that are not known say nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from bounces.moments import find_moment
from bounces.plain_names import plain_name

WORDS = Path(__file__).with_name("opt_outs.toml")
# The gravest first, as `refusals.GRAVITY` has them; what nobody knows to be asked for is the least.
REASONS = ("complaint", "unsubscribe", "bounce", "manual")
KINDS = (*REASONS, "status", "consent")
NOTHING = "nothing"
GOOD, YES, NO = "good", "yes", "no"
CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
BEGINNING = re.compile(r"[,;:.(!]")
PARTS = re.compile(r"[;,|/\n]")
ASIDE = re.compile(r"[(\[].*|\s+(?:on|at|by|via|since|am|le|el|il|op)\s.*|:\s.*|\s*\d.*", re.DOTALL)
NEVER = re.compile(r"0000-00-00|0001-01-01|1899-12-30|1900-01-0[01]|1970-01-01|00[./]00[./]0000")
NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
REPLY = re.compile(r"[45]\d\d")
LONGEST = 2000  # of a cell that is looked at
REMEMBERED = 4096  # headers and cells: most of a list repeat


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


@cache
def _phrases() -> tuple[tuple[str, str], ...]:
    """The phrases of headers with their kind, the longest first: “opt out date” before “opt out”."""
    found = [
        (plain_name(phrase), kind)
        for kind in (NOTHING, *KINDS)
        for phrases in _data()["columns"][kind].values()
        for phrase in phrases
    ]
    return tuple(sorted(found, key=lambda one: -len(one[0])))


@cache
def _around() -> frozenset[str]:
    return frozenset(part for word in _data()["around"]["words"] for part in plain_name(word).split("_"))


@cache
def _pairs() -> tuple[str, ...]:
    return tuple(f"_{plain_name(pair)}_" for pair in _data()["around"]["pairs"])


@cache
def _begins() -> tuple[str, ...]:
    return tuple(plain_name(words) for words in _data()["begins"]["unsubscribe"])


@cache
def _words() -> dict[str, str]:
    """What a cell says, by its plain name; of a word in two tables, the graver one holds."""
    found: dict[str, str] = {}
    for meaning in (*REASONS, GOOD):
        for words in _data()["words"][meaning].values():
            found = {plain_name(word): meaning for word in words} | found
    return found


@cache
def _yes_or_no() -> dict[str, str]:
    return {plain_name(word): meaning for meaning in (YES, NO) for word in _data()[meaning]["words"]}


@cache
def _withdrawn() -> frozenset[str]:
    return frozenset(plain_name(word) for word in _data()["withdrawn"]["words"])


@cache
def _not_labels() -> frozenset[str]:
    return frozenset(plain_name(word) for word in _data()["labels"]["not"])


@lru_cache(REMEMBERED)
def column_of(header: str) -> str:
    """One of KINDS, or "" where a column of that name says nothing about it."""
    name = plain_name(header)
    if not name:
        return ""
    if name.startswith(_begins()):
        return "unsubscribe"
    return _kind_of(name) or _kind_of(plain_name(CAPITALS.sub(" ", header)))


def _kind_of(name: str) -> str:
    whole = f"_{name}_"
    for pair in _pairs():
        whole = whole.replace(pair, "_")
    said = (kind for phrase, kind in _phrases() if f"_{phrase}_" in whole and _is_alone(phrase, whole))
    kind = next(said, "")
    return "" if kind == NOTHING else kind


def _is_alone(phrase: str, whole: str) -> bool:
    """Nothing beside it changes what the phrase means."""
    rest = whole.replace(f"_{phrase}_", "_").strip("_").split("_")
    return _around().issuperset(part for part in rest if part and not part.isdigit())


def reason_in(column: str, cell: str) -> str:
    """One of REASONS, or "". `column`: what `column_of` said of the header."""
    return _read(column, cell)[0]


def is_understood(column: str, cell: str) -> bool:
    """Whether it is clear what the cell says, an opt-out or none. Of a word that is not known it is not."""
    return _read(column, cell)[1]


def reason_of_label(tag: str) -> str:
    """One of REASONS where a tag, a label or a category is named like an opt-out; else ""."""
    name = plain_name(tag)
    meaning = _words().get(name, "")
    return meaning if meaning in REASONS and name not in _not_labels() else ""


def at_in(cell: str) -> datetime | None:
    """Since when, where the cell is a date that can be read in one way; None of any other."""
    return None if NEVER.match(cell.strip()) else find_moment(cell)


@lru_cache(REMEMBERED)
def _read(column: str, cell: str) -> tuple[str, bool]:
    """The reason, and whether the cell is understood."""
    text = cell[:LONGEST].strip().strip("'\"")
    if column not in KINDS or not text:
        return "", True
    meaning = _meaning_of(text)
    if meaning in REASONS:
        return meaning, True
    if meaning == GOOD:
        return "", True
    if column == "status":
        return "", meaning == NO and plain_name(text) not in ("no", "0", "false")
    if column == "consent":
        if plain_name(text) in _withdrawn():
            return "unsubscribe", True
        return "", meaning == YES or at_in(text) is not None
    if meaning == NO:
        return "", True
    if meaning == YES:
        return column, True
    return _of_text(column, text)


def _of_text(column: str, text: str) -> tuple[str, bool]:
    """Of a column that is about one reason: a date or a sentence is a yes, a number that counts something is not."""
    if NEVER.match(text):
        return "", True
    if at_in(text) is not None:
        return column, True
    if NUMBER.fullmatch(text):
        return (column, True) if column == "bounce" and REPLY.fullmatch(text) else ("", False)
    begins = _yes_or_no().get(plain_name(BEGINNING.split(text, maxsplit=1)[0]))
    return (column, True) if plain_name(text) and begins != NO else ("", False)


def _meaning_of(text: str) -> str:
    """A reason, GOOD, YES, NO, or "" of what is not known. Of several parts the gravest is told."""
    if whole := _meaning_of_words(text):
        return whole
    if len(signs := text.strip("\ufe0f ")) == 1:
        return next((each for each in (YES, NO) if signs in _data()[each]["signs"]), "")
    if len(parts := [part for part in PARTS.split(text) if part.strip()]) > 1 and len(parts) <= 20:
        said = [_meaning_of_words(part) for part in parts]
        return next((reason for reason in REASONS if reason in said), "")
    return ""


def _meaning_of_words(text: str) -> str:
    """Whole, or without what is said aside: “Unsubscribed (2023-05-05)”, “Unsubscribed on 5 May”."""
    return next((meaning for name in _names_of(text) if (meaning := _words().get(name) or _yes_or_no().get(name))), "")


def _names_of(text: str) -> Iterator[str]:
    name = plain_name(text)
    yield name
    yield name.replace("_", "")
    if (short := plain_name(ASIDE.sub("", text))) and short not in _yes_or_no():
        yield short
