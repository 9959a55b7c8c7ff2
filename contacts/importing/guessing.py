"""Which column probably means what, and how sure that is. In: headers and the first rows. Out: a Guess a column. Pure.

The surest first: the header of a known tool's export; a name that one of ten languages has for it; what the cells look
like. A name whose cells look like something else is doubted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bounces import opt_outs
from bounces.plain_names import plain_name
from bounces.values import Status
from contacts.country_words import country_code
from contacts.importing.addresses import LONGEST, addresses_in
from contacts.importing.columns import SEVERAL
from contacts.importing.headers import Export, export_of, is_not_ours, word_of
from contacts.importing.reading.tables import ADDRESS
from contacts.importing.repairs import is_nothing
from contacts.importing.values import is_day, read_phone

SURE, LIKELY, NONE = "sure", "likely", "none"
SHOWN_SAMPLES = 3
LONGEST_SAMPLE = 60
LOOKED_AT = 100  # cells
ENOUGH = 0.8  # of the cells must look like addresses or days
NEARLY_ALL = 0.95  # of the cells must look like what a name does not say


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
        cells = [row[at] for row in rows[:LOOKED_AT] if row[at] and not is_nothing(row[at], "")]
        samples = tuple(dict.fromkeys(cell[:LONGEST_SAMPLE] for cell in cells))[:SHOWN_SAMPLES]
        made = Guess(header, "", NONE, samples, plain_name(header) in derived, looks_like=look_of(cells))
        said = [row[at] for row in rows if row[at]]
        found.append(_named(made, plain_name(header), said, custom or {}, export))
    return _by_looks(_once(_beside_first_names(found)))


def _named(made: Guess, name: str, cells: Sequence[str], custom: Mapping[str, str], export: Export | None) -> Guess:
    """What its name says; of a column that may say who must not be written to, its cells too."""
    if word := custom.get(name, ""):
        return replace(made, word=word, confidence=SURE, why="A custom field is named so.")
    if export is not None and name in export.columns:
        if word := export.columns[name]:
            return replace(made, word=word, confidence=SURE, why=f"{export.name} names it so.")
        return replace(made, why=f"{export.name}’s own, no field of ours.")
    if says_opt_out(made.header, cells) and not (made.is_derived and _are_ours(cells)):
        why = "It says who must not be written to."
        return replace(made, is_derived=False, word="opt_out", confidence=SURE, why=why)
    if word := word_of(made.header):
        return _doubted(replace(made, word=word, confidence=SURE, why="Its name says so."))
    return made


def says_opt_out(header: str, cells: Sequence[str]) -> bool:
    """By its name; of a “Status”, which may be anything, by its cells too: one that says it is enough."""
    kind = opt_outs.column_of(header)
    if kind != "status":
        return kind != ""
    understood = sum(opt_outs.is_understood(kind, cell) for cell in cells)
    return any(opt_outs.reason_in(kind, cell) for cell in cells) or (0 < ENOUGH * len(cells) <= understood)


def _are_ours(cells: Sequence[str]) -> bool:
    """Whether a “status” is that of our own export, which facts decide."""
    return {cell.lower().replace(" ", "_") for cell in cells} <= set(Status)


def _beside_first_names(found: list[Guess]) -> list[Guess]:
    """A “Name” beside first names is the last name: so do Germans write."""
    words = {made.word for made in found}
    if "first_name" not in words or "last_name" in words:
        return found
    return [
        replace(made, word="last_name", confidence=LIKELY, why="It stands beside the first names.")
        if made.word == "full_name"
        else made
        for made in found
    ]


def look_of(cells: Sequence[str]) -> str:
    """What nearly all of the cells look like."""
    for look, fits in _LOOKS.items():
        enough = NEARLY_ALL if look in ("phone", "country") else ENOUGH
        if cells and sum(1 for cell in cells if fits(cell)) >= enough * len(cells):
            return look
    return ""


def _is_address(cell: str) -> bool:
    """Dressed up or not: “Ann <ann@b.example>” is one, several are too."""
    if len(cell) < 255 and ADDRESS.match(cell):
        return True
    if "@" not in cell or len(cell) > LONGEST:
        return False
    try:
        return bool(addresses_in(cell).emails)
    except ValueError:
        return False


def _is_phone(cell: str) -> bool:
    digits = sum(character.isdigit() for character in cell)
    return digits >= 7 and (read_phone(cell).startswith("+") or (cell[0] in "0(" and 2 * digits > len(cell)))


def _is_country(cell: str) -> bool:
    """By its name: two or three letters may be a state, a language or somebody's initials."""
    return len(cell) > 3 and not cell.isdigit() and country_code(cell) != ""


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
    """The surest column of each word keeps it. A second column of addresses holds further ones."""
    best: dict[str, Guess] = {}
    for made in found:
        if (
            made.word
            and made.word not in SEVERAL
            and (made.word not in best or (made.confidence == SURE != best[made.word].confidence))
        ):
            best[made.word] = made
    return [
        made if not made.word or made.word in SEVERAL or best[made.word] is made else _second(made, best[made.word])
        for made in found
    ]


def _second(made: Guess, first: Guess) -> Guess:
    if made.word == "email" and made.looks_like == "address":
        return replace(made, word="other_emails", confidence=LIKELY, why=f"“{first.header[:60]}” is the first address.")
    return replace(made, word="", confidence=NONE, is_doubled=True, why=f"“{first.header[:60]}” is read for it.")


def _by_looks(found: list[Guess]) -> list[Guess]:
    """What no name claims goes to the first column whose cells look like it."""
    taken = {made.word for made in found if made.word}
    for at, made in enumerate(found):
        word = _WORD_OF_LOOK.get(made.looks_like, "")
        is_open = not (made.word or made.why or made.is_derived or is_not_ours(made.header))
        if word and word not in taken and is_open:
            taken.add(word)
            noun = {"email": "e-mail addresses", "phone": "phone numbers", "country": "countries"}[word]
            found[at] = replace(made, word=word, confidence=LIKELY, why=f"Its cells look like {noun}.")
    return found
