"""The tags of one cell. In: a cell. Out: names. Pure.

Understood: commas, semicolons, line breaks, Google's ` ::: `; a list of JSON; quotes around each; the label that Google
gives to every contact (`* myContacts`), which says nothing, is left out.
"""

from __future__ import annotations

import csv
import json
import re

GOOGLES = " ::: "
SPLIT = re.compile(r"[,;\n]")
IS_QUOTED = re.compile(r'(?:^|,)\s*"').search  # a tag may hold quotes of its own: say "hi"
OF_THE_TOOL = "* "  # in front of what Google calls a system group
QUOTES = "\"'“”„«»"


def tags_in(cell: str) -> list[str]:
    """Where Google's sign is, it alone parts; else commas where there is one: a tag may hold a semicolon."""
    names = _json(cell) if cell[:1] == "[" else None
    if names is None and GOOGLES in cell:
        names = cell.split(GOOGLES)
    elif names is None:
        names = _quoted(cell) if IS_QUOTED(cell) else cell.split(",") if "," in cell else SPLIT.split(cell)
    stripped = (" ".join(name.split()) for name in names)
    return [name for name in stripped if name and not name.startswith(OF_THE_TOOL)]


def _json(cell: str) -> list[str] | None:
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            found = json.loads(cell.replace("'", '"'))
        except (ValueError, RecursionError):
            return None
    return [str(each) for each in found if isinstance(each, str | int)] if isinstance(found, list) else None


def _quoted(cell: str) -> list[str]:
    """`"Fair 2026","VIP"`: what quotes hold may hold a comma. Quotes that a program doubled are one."""
    try:
        cells = next(csv.reader([cell.replace('""', '"')], skipinitialspace=True, strict=True), [])
    except csv.Error:
        cells = cell.split(",")
    return [each.strip().strip(QUOTES) for each in cells]
