"""Clauses of a refusal, and which phrases stand in one: what is said of one thing in one breath.

In: the normalised words of a refusal, patterns of rules. Out: clauses, and the places of patterns in them. Stage:
classify. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import re2

from bounces.patterns import Pattern

ENDS = Pattern(r"[.;:!?。！？；：](?:\s|$)|[。！？；：]|[<(\[{}\])>]|\s[-–—]+\s|\s[245]\d\d[ -]")
MOST = 60
MOST_COMPILED = 8_192  # patterns: the shipped ones are some 600, those of admins 4,000 at most


def clauses_of(text: str) -> list[str]:
    """What is set apart by full stops, colons, brackets, dashes and reply codes: no word reaches across one."""
    return [clause for clause in ENDS.sub(lambda _: "\n", text).split("\n") if clause.strip()][:MOST]


def stand_together(patterns: Iterable[str], text: str) -> bool:
    """Whether one clause of the text holds all of the patterns."""
    compiled = [_compile(pattern) for pattern in patterns]
    return any(all(pattern.matches(clause) for pattern in compiled) for clause in clauses_of(text))


def find_places(patterns: tuple[str, ...], clause: str) -> list[tuple[int, int]]:
    """Where any of the patterns stands in a clause: from, to, in bytes; the longest of those that begin together."""
    return [each.span for each in _compile_any(patterns).each(clause)] if patterns else []


@lru_cache(MOST_COMPILED)
def _compile(pattern: str) -> Pattern:
    return Pattern(f"(?i){pattern}")


@lru_cache
def _compile_any(patterns: tuple[str, ...]) -> Pattern:
    options = re2.Options()
    options.case_sensitive = False
    options.longest_match = True
    options.max_mem = 64 << 20  # where RE2 runs out of its default 8 MB, it finds nothing
    return Pattern("|".join(f"(?:{pattern})" for pattern in patterns), options)
