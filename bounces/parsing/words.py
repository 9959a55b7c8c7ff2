"""The words by which reports are known, read from `words.toml` and compiled once.

In: the name of a table. Out: one pattern that finds any of its words. Stage: parse. Linear-time, as all our patterns.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import re2

from bounces.patterns import Pattern

WORDS = Path(__file__).with_name("words.toml")


def any_of(*phrases: str, before: str = "", after: str = "") -> Pattern:
    """One pattern for several phrases, without case."""
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20  # where RE2 runs out of its default 8 MB, it finds nothing
    return Pattern(f"{before}(?:{'|'.join(phrases)}){after}", options)


def find_words(table: str) -> Pattern:
    row = read_tables()[table]
    return any_of(*row["words"], before=row.get("before", ""), after=row.get("after", ""))


@cache
def read_tables() -> dict[str, Any]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))
