"""Cells of a list: whether they hold addresses, and which. In: texts. Out: texts, shares. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

ADDRESS = re.compile(r"[^\s@<>,;\"]{1,64}@[^\s@<>,;\"]{1,250}\.[^\s@<>,;\".]{2,63}\.?")
INSIDE = re.compile(r"<([^<>@\s]+@[^<>@\s]+)>")
SIGNS = re.compile(r"[\s,;|]+")


def bare(text: str) -> str:
    """`Email Address`, `email_address` -> `emailaddress`."""
    return "".join(c for c in text.lower() if c.isalnum())


def is_address(cell: str) -> bool:
    return ADDRESS.fullmatch(address_in(cell)) is not None


def address_in(cell: str) -> str:
    """Without what some tools dress it with: “Ada <ada@b.example>”, “mailto:…”, “="…"”, a remark behind it. Other texts
    stay as they are."""
    text = cell.strip()
    if "*" in text or not any(sign in text for sign in "<>\"=: '"):
        return text
    inside = INSIDE.findall(text)
    words = [*inside] if len(inside) == 1 else text.split()[:1]
    found = words[0].removeprefix("=").strip("\"'").removeprefix("mailto:").rstrip(".") if words else ""
    return found if ADDRESS.fullmatch(found) else text.strip("<>")


def addresses_of(cells: Sequence[str]) -> list[str]:
    """Several addresses, where nothing else stands in the line; else none."""
    filled = [cell for cell in cells if cell]
    for parts in (filled, SIGNS.split(" ".join(filled))):
        parts = [part for part in parts if part]
        if len(parts) > 1 and all(is_address(part) for part in parts):
            return parts
    return []


def filled_cells(sample: Sequence[Sequence[str]], at: int) -> list[str]:
    return [row[at] for row in sample if at < len(row) and row[at]]


def share_of_addresses(sample: Sequence[Sequence[str]], at: int) -> float:
    """How many of the cells that are filled are addresses."""
    cells = filled_cells(sample, at)
    return sum(is_address(cell) for cell in cells) / len(cells) if cells else 0.0
