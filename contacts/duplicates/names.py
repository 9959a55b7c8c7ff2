"""Compare two names: same, swapped, nickname, typo, initial, or different. Pure.

In: first and last names as PostgreSQL folds them (`contacts_folded`: lower case, no accents). Out: `Relation`.
A typo is one letter changed, missing, added or swapped with the next, but never the first letter, and never between two
known first names: Mario and Maria are two people.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path

HERE = Path(__file__).parent
RULES = tomllib.loads((HERE / "rules.toml").read_text())
SUFFIXES = frozenset(RULES["words"]["suffixes"])
TITLES = frozenset(RULES["words"]["titles"])
WORD = re.compile(r"[^\W_]+")
LONGEST = 200  # characters of a name that are compared
MOST_WORDS = 8
LONG_WORD = 8  # letters, from which two of them may differ
SHORTEST_TYPO = 4


class Relation(StrEnum):
    SAME = "same_name"
    SWAPPED = "swapped_name"
    NICKNAME = "nickname"
    SIMILAR = "similar_name"
    INITIAL = "initial"
    PART = "part_of_name"
    OTHER_FAMILY = "other_family_name"
    OTHER_FIRST = "other_first_name"
    OTHER = "other_name"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Name:
    """Words of the first and last name. `suffix`: Jr., Sr. or III, which distinguish a father from his son."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    suffix: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.first, *self.last)

    @property
    def sorted_words(self) -> tuple[str, ...]:
        return tuple(sorted(map(spelled, self.words)))


@lru_cache(maxsize=50_000)
def name_of(first: str, last: str) -> Name:
    """Split a full name that fills only one of the two fields: its last word is the last name."""
    first_words, last_words = _words(first), _words(last)
    suffixes = [word for word in (*first_words, *last_words) if word in SUFFIXES]
    firsts, lasts = ([word for word in words if word not in SUFFIXES] for words in (first_words, last_words))
    if len(lasts) > 1 and not firsts:
        firsts, lasts = lasts[:-1], lasts[-1:]
    elif len(firsts) > 1 and not lasts:
        firsts, lasts = firsts[:-1], firsts[-1:]
    return Name(tuple(firsts), tuple(lasts), suffixes[0] if suffixes else "")


def _words(text: str) -> list[str]:
    found = WORD.findall(text[:LONGEST].replace("'", "").replace("’", ""))[:MOST_WORDS]
    return [word for word in found if word not in TITLES]


def spelled(word: str) -> str:
    """Treat `Mueller` as `muller`, which is how `Müller` is folded."""
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@cache
def _groups() -> dict[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for number, line in enumerate(tomllib.loads((HERE / "nicknames.toml").read_text())["groups"]):
        for word in line.split():
            found[spelled(word)].add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def groups_of(word: str) -> frozenset[int]:
    """The nickname groups of a first name."""
    return _groups().get(spelled(word), frozenset())


def relation(one: Name, two: Name) -> Relation:
    if not one.words or not two.words:
        return Relation.UNKNOWN
    if _are_equal(one.first, two.first) and _are_equal(one.last, two.last):
        return Relation.SAME
    if one.sorted_words == two.sorted_words:
        return Relation.SWAPPED if len(one.words) > 1 else Relation.SAME
    if len(one.words) == 1 or len(two.words) == 1:
        return _part(one, two)
    found = _whole(one, two)
    if found in (Relation.OTHER, Relation.OTHER_FIRST, Relation.OTHER_FAMILY):
        # The names may be swapped and differ by a nickname or a typo as well.
        turned = {_whole(Name(one.last, one.first), two), _whole(one, Name(two.last, two.first))}
        return next((each for each in (Relation.NICKNAME, Relation.SIMILAR) if each in turned), found)
    return found


def _are_equal(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    return spelled("".join(one)) == spelled("".join(two))


def _part(one: Name, two: Name) -> Relation:
    """Compare where one of the two has only a first or only a last name."""
    short, long = (one, two) if len(one.words) == 1 else (two, one)
    if len(long.words) == 1:
        return Relation.SIMILAR if is_typo(short.words[0], long.words[0]) else Relation.OTHER
    return Relation.PART if short.words[0] in long.words else Relation.OTHER


def _whole(one: Name, two: Name) -> Relation:
    first, last = _first_names(one.first, two.first), _last_names(one.last, two.last)
    if first and last:
        return max((first, last), key=WEAKEST.index)
    if first:
        return Relation.OTHER_FAMILY
    return Relation.OTHER_FIRST if last else Relation.OTHER


WEAKEST = [Relation.SAME, Relation.NICKNAME, Relation.SIMILAR, Relation.INITIAL]


def _first_names(one: tuple[str, ...], two: tuple[str, ...]) -> Relation | None:
    """Compare the first words: middle names are often missing. If they differ, they are two people: Hans Peter and
    Hans Georg.
    """
    if _are_equal(one, two):
        return Relation.SAME
    if len(one) > 1 and len(two) > 1 and not _goes_with(one[1], two[1]):
        return None
    return _goes_with(one[0], two[0])


def _goes_with(one: str, two: str) -> Relation | None:
    if spelled(one) == spelled(two):
        return Relation.SAME
    if len(one) == 1 or len(two) == 1:
        return Relation.INITIAL if one[0] == two[0] else None
    if groups_of(one) & groups_of(two):
        return Relation.NICKNAME
    both_exist = bool(groups_of(one)) and bool(groups_of(two))
    return Relation.SIMILAR if not both_exist and not _are_his_and_hers(one, two) and is_typo(one, two) else None


def _are_his_and_hers(one: str, two: str) -> bool:
    """True for Mario and Maria, or Robert and Roberta: one letter apart, but two people."""
    stems = [word.rstrip("aeio") for word in (one, two)]
    return stems[0] == stems[1] and one.endswith("a") != two.endswith("a")


def _last_names(one: tuple[str, ...], two: tuple[str, ...]) -> Relation | None:
    if _are_equal(one, two):
        return Relation.SAME
    if set(one) < set(two) or set(two) < set(one):
        return Relation.SIMILAR  # a double name, or one without its particle
    return Relation.SIMILAR if is_typo("".join(one), "".join(two)) else None


def is_typo(one: str, two: str) -> bool:
    """True if one is likely the other, mistyped."""
    shorter, longer = sorted((one, two), key=len)
    most = 2 if len(shorter) >= LONG_WORD else 1
    if len(shorter) < SHORTEST_TYPO or len(longer) - len(shorter) > most or one[0] != two[0]:
        return False
    return distance(one, two, most) <= most


def distance(one: str, two: str, most: int) -> int:
    """Count letters changed, missing, added or swapped with their neighbour; `most + 1` if there are more."""
    before, row = list[int](), list(range(len(two) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(two, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == two[j - 2] and one[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
