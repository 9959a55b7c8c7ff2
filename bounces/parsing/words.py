"""The words by which reports are known, read from `words.toml` and compiled once.

In: the name of a table. Out: one pattern that finds any of its words. Stage: parse. Linear-time, as all our patterns.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import re2

WORDS = Path(__file__).with_name("words.toml")


def any_of(*phrases: str, before: str = "", after: str = "") -> re2._Regexp:
    """One pattern for several phrases, without case."""
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20  # where RE2 runs out of its default 8 MB, it finds nothing
    return re2.compile(f"{before}(?:{'|'.join(phrases)}){after}", options)


def load_words(table: str) -> re2._Regexp:
    row = read_tables()[table]
    return any_of(*row["words"], before=row.get("before", ""), after=row.get("after", ""))


class Finder:
    """A pattern that is only asked whether and what, never where: counting characters costs more than all else."""

    def __init__(self, pattern: str, options: re2.Options | None = None) -> None:
        self._pattern = re2.compile(pattern.encode(), options)

    def search(self, text: str) -> bool:
        return self._pattern.search(text.encode("utf-8", "replace")) is not None

    def first(self, text: str, group: int = 1) -> str:
        """What the group matched; "" where the pattern matches nowhere, or without it."""
        match = self._pattern.search(text.encode("utf-8", "replace"))
        return (match.group(group) or b"").decode() if match else ""


def find_words(table: str) -> Finder:
    words = load_words(table)
    return Finder(words.pattern, words.options)


@cache
def read_tables() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))
