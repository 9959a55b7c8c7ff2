"""Which column probably means what, and how sure that is. In: headers and the first rows. Out: a Guess a column. Pure.

The surest first: the header of a known tool's export; a name that one of ten languages has for it; what the cells look
like. A name whose cells look like something else is doubted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bounces.plain_names import plain_name
from contacts.country_words import country_code
from contacts.importing.headers import export_of, word_of
from contacts.importing.reading.tables import ADDRESS
from contacts.importing.values import is_day, read_phone

SURE, LIKELY, NONE = "sure", "likely", "none"
SHOWN_SAMPLES = 3
LONGEST_SAMPLE = 60
LOOKED_AT = 100  # cells
ENOUGH = 0.8  # of the cells must look like something


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column probably means. `word` empty: nothing we know. `why` is for people."""

    header: str
    word: str
    confidence: str  # sure, likely, none
    samples: tuple[str, ...]
    is_derived: bool = False  # of our own export: worked out from facts, never imported
    why: str = ""
    is_doubled: bool = False  # another column has its word
    looks_like: str = ""  # address, phone, country, day, or nothing


def guess(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    custom: Mapping[str, str] | None = None,
    derived: frozenset[str] = frozenset(),
) -> list[Guess]:
    """One a header that has a name. A word is given once: to the surest column, of those to the first.

    `custom` and `derived` go by plain names (`plain_name`).
    """
    export = export_of(headers)
    found: list[Guess] = []
    for at, header in enumerate(headers):
        if not header:
            continue
        cells = [row[at] for row in rows[:LOOKED_AT] if row[at]]
        samples = tuple(dict.fromkeys(cell[:LONGEST_SAMPLE] for cell in cells))[:SHOWN_SAMPLES]
        name = plain_name(header)
        made = Guess(header, "", NONE, samples, name in derived, looks_like=look_of(cells))
        if word := (custom or {}).get(name, ""):
            made = replace(made, word=word, confidence=SURE, why="A custom field is named so.")
        elif export is not None and name in export.columns:
            made = replace(made, word=export.columns[name], confidence=SURE, why=f"{export.name} names it so.")
            made = made if made.word else replace(made, confidence=NONE, why=f"{export.name}’s own, no field of ours.")
        elif word := word_of(header):
            made = _doubted(replace(made, word=word, confidence=SURE, why="Its name says so."))
        found.append(made)
    return _by_looks(_once(found))


def look_of(cells: Sequence[str]) -> str:
    """What nearly all of the cells look like."""
    for look, fits in _LOOKS.items():
        if cells and sum(1 for cell in cells if fits(cell)) >= ENOUGH * len(cells):
            return look
    return ""


def _is_address(cell: str) -> bool:
    return len(cell) < 255 and bool(ADDRESS.match(cell))


def _is_phone(cell: str) -> bool:
    digits = sum(character.isdigit() for character in cell)
    return digits >= 7 and (read_phone(cell).startswith("+") or (cell[0] in "0(" and 2 * digits > len(cell)))


def _is_country(cell: str) -> bool:
    return not cell.isdigit() and country_code(cell) != "" and (len(cell) > 2 or cell.isupper())


_LOOKS: dict[str, Callable[[str], bool]] = {
    "address": _is_address,
    "day": is_day,
    "phone": _is_phone,
    "country": _is_country,
}
_WORD_OF_LOOK = {"address": "email", "phone": "phone", "country": "country"}
_EXPECTED = {"email": "address"}


def _doubted(made: Guess) -> Guess:
    """A name alone is not believed against all cells: a column “mail” may say yes and no."""
    expected = _EXPECTED.get(made.word)
    if expected is None or not made.samples or made.looks_like == expected:
        return made
    if any(_is_address(sample) for sample in made.samples):
        return replace(made, confidence=LIKELY, why="Its name says so, though not all of its cells are addresses.")
    return replace(made, confidence=LIKELY, why="Its name says so, but its cells do not look like addresses.")


def _once(found: Sequence[Guess]) -> list[Guess]:
    """The surest column of each word keeps it."""
    best: dict[str, Guess] = {}
    for made in found:
        if made.word and (made.word not in best or (made.confidence == SURE != best[made.word].confidence)):
            best[made.word] = made
    return [
        made
        if not made.word or best[made.word] is made
        else replace(
            made, word="", confidence=NONE, is_doubled=True, why=f"“{best[made.word].header[:60]}” is read for it."
        )
        for made in found
    ]


def _by_looks(found: list[Guess]) -> list[Guess]:
    """What no name claims goes to the first column whose cells look like it."""
    taken = {made.word for made in found if made.word}
    for at, made in enumerate(found):
        word = _WORD_OF_LOOK.get(made.looks_like, "")
        if word and word not in taken and not made.word and not made.why and not made.is_derived:
            taken.add(word)
            noun = {"email": "e-mail addresses", "phone": "phone numbers", "country": "countries"}[word]
            found[at] = replace(made, word=word, confidence=LIKELY, why=f"Its cells look like {noun}.")
    return found
