"""What a header means, by its name alone. In: headers. Out: our words, and which tool's export they are. Pure.

The names are data: `headers.toml`, in ten languages and more, and the exports of HubSpot, Salesforce, Pipedrive,
Apollo, Outreach, Mailchimp, Google and Outlook.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import re2

from bounces.plain_names import plain_name

# What forms and templates write behind a name.
ASIDE = re2.compile(r"(?i)\([^)]*\)|\[[^\]]*\]|[*#:]|\b(?:required|optional|mandatory|pflichtfeld|obligatoire)\b")
PARTS = re2.compile(r"[/|]")
NAMES = Path(__file__).with_name("headers.toml")


@dataclass(frozen=True, slots=True)
class Export:
    """How one tool names its columns. Names are plain ones (`plain_name`)."""

    name: str  # of the tool, as people know it
    signs: frozenset[str]
    columns: Mapping[str, str]  # our word, or "" for what is left out


@cache
def word_of_name() -> dict[str, str]:
    """Our word by plain name."""
    data = tomllib.loads(NAMES.read_text())["words"]
    return {plain_name(name): word for word, names in data.items() for each in names.values() for name in each}


@cache
def exports() -> tuple[Export, ...]:
    data = tomllib.loads(NAMES.read_text())["exports"].values()
    return tuple(
        Export(
            each["name"],
            frozenset(plain_name(sign) for sign in each["signs"]),
            {plain_name(name): word for name, word in each["columns"].items()},
        )
        for each in data
    )


def export_of(headers: Sequence[str]) -> Export | None:
    """The tool whose export it is: one of its signs is there, and it knows half of the columns."""
    names = {plain_name(header) for header in headers if header}
    known = {each.name: len(names & each.columns.keys()) for each in exports()}
    signed = [each for each in exports() if names & each.signs and 2 * known[each.name] >= len(names) > 1]
    return max(signed, key=lambda each: (len(names & each.signs), known[each.name]), default=None)


def word_of(header: str, export: Export | None = None) -> str:
    """Our word; empty where the name says nothing. What forms add (“Email (required)”, “Phone #”) is no part of it; of
    several names (“Company/Organization”) all mean the same."""
    name = plain_name(header)
    if export is not None and name in export.columns:
        return export.columns[name]
    if word := word_of_name().get(name) or word_of_name().get(plain_name(ASIDE.sub(" ", header))):
        return word
    words = {word_of_name().get(plain_name(part), "") for part in PARTS.split(ASIDE.sub(" ", header))}
    return words.pop() if len(words) == 1 else ""


@cache
def _not_ours() -> frozenset[str]:
    return frozenset(plain_name(name) for name in tomllib.loads(NAMES.read_text())["not_ours"]["names"])


def is_not_ours(header: str) -> bool:
    """Whether the name says that the column holds something else, whatever its cells look like."""
    name = plain_name(header)
    return name in _not_ours() or any(part in _not_ours() for part in name.split("_"))
