"""A provider's own word for a failure, where nothing else says why.

In: a provider's slug, its event. Out: an enhanced code (RFC 3463), "" where the word says nothing. Pure; the words are
`labels.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bounces.parsing.text import clean_line


@dataclass(frozen=True, slots=True)
class Labels:
    """Where one provider's word stands, and what its words mean."""

    at: tuple[str, ...]
    codes: dict[str, str]


@cache
def load_labels() -> dict[str, Labels]:
    rows = tomllib.loads((Path(__file__).parent / "labels.toml").read_text(encoding="utf-8"))
    return {slug: Labels(tuple(row["at"]), dict(row["codes"])) for slug, row in rows.items()}


def code_of(slug: str, event: Any) -> str:
    labels = load_labels().get(slug)
    return labels.codes.get("/".join(look_up(event, path) for path in labels.at), "") if labels else ""


def look_up(value: Any, path: str) -> str:
    """A text deep in a provider's JSON, the first of a list; "" where there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list) and value:
        value = value[0]
    return clean_line(str(value)) if isinstance(value, str | int) else ""
