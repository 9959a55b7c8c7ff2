"""Files for other tools: their headers, and values as they write them. In: rows of our words. Out: rows of theirs.

What a tool wants is data (`presets.toml`). A file for another tool has its cells as they are: what makes a formula
harmless in a spreadsheet would be a part of the value there (`files.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from bounces.demands import Demand
from bounces.values import Answer
from bounces.verdict import SUPPRESSED_BECAUSE
from contacts.countries import COUNTRIES
from contacts.exporting.people import ID_IN, VERDICT, WHY_NOT, rows_of
from contacts.models import Contact

WANTED = Path(__file__).with_name("presets.toml")
PROTECTED, TOOL = "", "tool"  # for a spreadsheet and our import; for any other tool, with our headers


@dataclass(frozen=True, slots=True)
class Preset:
    key: str
    name: str
    said: str
    columns: Mapping[str, str]  # our word by header
    country: str
    between_tags: str
    between_emails: str
    without_refused: bool
    opted_out: tuple[str, str]
    label: str

    @property
    def words(self) -> list[str]:
        """What is read of each contact."""
        own = {"id": f"{ID_IN}{self.key}", "opted_out": WHY_NOT}
        read = [own.get(word, word) for word in self.columns.values()]
        return [*dict.fromkeys([*read, "email", VERDICT])]

    def row(self, cells: Mapping[str, str]) -> list[str]:
        return [self._written(word, cells) for word in self.columns.values()]

    def takes(self, cells: Mapping[str, str]) -> bool:
        return not (self.without_refused and cells[VERDICT] == Answer.NO)

    def _written(self, word: str, cells: Mapping[str, str]) -> str:
        if word == "id":
            return cells[f"{ID_IN}{self.key}"]
        if word == "opted_out":
            return self.opted_out[0 if cells[WHY_NOT] in SUPPRESSED_BECAUSE else 1]
        value = cells[word]
        if word == "tags":
            return self.between_tags.join([*([self.label] if self.label else []), *several(value)])
        if word == "other_emails":
            return self.between_emails.join(several(value))
        if word == "country" and self.country == "name":
            return COUNTRIES.get(value, value)
        return value


def several(cell: str) -> list[str]:
    """Tags and addresses hold no comma."""
    return [each for part in cell.split(",") if (each := part.strip())]


@cache
def presets() -> dict[str, Preset]:
    data = tomllib.loads(WANTED.read_text(encoding="utf-8"))
    return {
        key: Preset(
            key=key,
            name=each["name"],
            said=each["said"],
            columns=each["columns"],
            country=each["country"],
            between_tags=each["between_tags"],
            between_emails=each["between_emails"],
            without_refused=each["without_refused"],
            opted_out=tuple(each.get("opted_out", ("", ""))),
            label=each.get("label", ""),
        )
        for key, each in data.items()
    }


def targets() -> dict[str, str]:
    """What a file may be made for, as people choose it."""
    named = {key: preset.name for key, preset in presets().items()}
    return {PROTECTED: "Rebound or a spreadsheet", TOOL: "Another tool", **named}


def preset_rows(
    preset: Preset, contacts: QuerySet[Contact], now: datetime, demand: Demand | None = None
) -> Iterator[Sequence[Any]]:
    words = preset.words
    for row in rows_of(contacts, words, now, demand):
        cells = dict(zip(words, row, strict=True))
        if preset.takes(cells):
            yield preset.row(cells)
