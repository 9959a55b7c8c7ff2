"""What is said in other languages: who or what a sentence is about, and what is wrong with it.

In: the normalised words of a refusal. Out: the pairs of classes that stand together in one clause of it, as `account
unknown`. Stage: classify. Pure: the words are data, `rules/languages.toml`. One pass over a clause for all languages.
"""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import permutations
from pathlib import Path

from bounces.classification.clauses import clauses_of
from bounces.patterns import PatternSet

WORDS = Path(__file__).parent / "rules" / "languages.toml"


def find_pairs(text: str) -> frozenset[str]:
    """Empty for most refusals: they are English, which `phrases.toml` knows in sentences."""
    found: set[str] = set()
    for clause in clauses_of(text):
        by_language: dict[str, set[str]] = {}
        for language, name in classes_in(clause):
            by_language.setdefault(language, set()).add(name)
        for names in by_language.values():
            found.update(" ".join(pair) for pair in permutations(names, 2))
    return frozenset(found)


def classes_in(clause: str) -> list[tuple[str, str]]:
    owners, automaton = load_lexicon()
    return [owners[index] for index in automaton.find(clause)]


@cache
def load_lexicon() -> tuple[list[tuple[str, str]], PatternSet]:
    """The owners of the patterns by index, as language and class; and the automaton that finds the indexes."""
    owners: list[tuple[str, str]] = []
    sources: list[str] = []
    for language, row in tomllib.loads(WORDS.read_text(encoding="utf-8")).items():
        before, after = ("", "") if row.get("together") else (r"(?:^|[^\pL])", r"(?:$|[^\pL])")
        for name, words in row.items():
            if name != "together":
                sources.append(f"{before}(?:{'|'.join(words)}){after}")
                owners.append((language, name))
    return owners, PatternSet(sources)
