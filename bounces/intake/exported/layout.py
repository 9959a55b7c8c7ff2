"""The first line of a file: whether it is a list of addresses, of which provider, and what its columns hold.

In: cells. Out: a `Layout`, None where no column holds addresses. Pure; what is known is `lists.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ANY = "Columns found by their names"
# What the rows of a list tell, as a person says it. `mixed`: each row says it itself.
TELLS = {
    "mixed": "What each row says",
    "bounces": "Bounces: mails that came back",
    "complaints": "Complaints: people who pressed “spam”",
    "unsubscribes": "Unsubscribes: people who want no more mail",
    "suppressions": "Suppressions: never send there, for whatever reason",
}
# How providers name their files, where nothing else tells what is in them.
NAMES = (("unsub", "unsubscribes"), ("optout", "unsubscribes"), ("spam", "complaints"), ("complain", "complaints"))


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns`: where each thing stands, by its place from 0. `tells`: "" where only a person knows."""

    name: str
    tells: str
    columns: dict[str, int]
    head: tuple[str, ...]
    words: dict[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> list[str]:
        """The columns of which nothing is read."""
        read = set(self.columns.values())
        return [cell for at, cell in enumerate(self.head) if at not in read and cell]

    @property
    def says_it_itself(self) -> bool:
        return bool({"word", "left", "label"} & set(self.columns))

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(tells, words) for tells, words in TELLS.items() if tells != "mixed" or self.says_it_itself]


@cache
def known() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((Path(__file__).parent / "lists.toml").read_text(encoding="utf-8"))
    return found


def bare(text: str) -> str:
    """`Email Address`, `email_address` -> `emailaddress`."""
    return "".join(c for c in text.lower() if c.isalnum())


def layout_of(head: Sequence[str], file_name: str = "") -> Layout | None:
    places = {bare(cell): at for at, cell in reversed(list(enumerate(head)))}
    shown = tuple(cell.strip()[:60] for cell in head)
    for row in known()["lists"]:
        if all(name in places for name in row["has"]):
            columns = {thing: places[name] for thing, name in row["columns"].items() if name in places}
            tells = row["tells"] or told_by_name(file_name)
            return Layout(row["name"], tells, columns, shown, known()["words"] | row.get("words", {}))
    columns = {}
    for thing, names in known()["any"].items():
        at = next((places[name] for name in names if name in places and places[name] not in columns.values()), None)
        if at is not None:
            columns[thing] = at
    if "email" not in columns:
        return None
    return Layout(ANY, told_by_columns(columns) or told_by_name(file_name), columns, shown, known()["words"])


def told_by_columns(columns: dict[str, int]) -> str:
    if "word" in columns:
        return "mixed"
    return "bounces" if {"text", "code"} & set(columns) else ""


def told_by_name(file_name: str) -> str:
    name = bare(file_name)
    return next((tells for part, tells in NAMES if part in name), "")
