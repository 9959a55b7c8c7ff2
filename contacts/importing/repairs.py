"""What programs do to cells: placeholders for nothing, formulas, numbers that a spreadsheet rounded.

In: a cell, and which field it is for. Out: the text as it was meant, and what is to be said of it. Pure. Nothing is
invented: what cannot be told any more is left empty, and that is said. A rounded number is never an id: two people
would share it. Sources: Excel's error values; its 15 significant digits; "NULL" as databases export it.
"""

from __future__ import annotations

import html
import re
from contextlib import suppress
from dataclasses import dataclass

import re2

# What stands for nothing, in any case. A person may be called Null, None or Na: see NAMES.
_NOTHING = """
null|(null)|<null>|[null]|nil|(nil)|none|(none)|<none>|undefined|[object object]|n/a|(n/a)|#n/a|n.a.|n.a|na|nan|\\n
(blank)|(empty)|(leer)|(vide)|unknown|unbekannt|not available|not provided|not specified|k.a.|k. a.|s/o|s. o.
-|--|---|–|—|.|..|?
#ref!|#value!|#name?|#div/0!|#null!|#num!|#spill!|#calc!|#error!|#nv|#wert!|#bezug!|#valeur!|#nom?|#valor!|#¡valor!
#¿nombre?|#н/д|#знач!|0000-00-00|0000-00-00 00:00:00|00/00/0000|00.00.0000
"""
NOTHING = frozenset(_NOTHING.strip().replace("\n", "|").split("|"))
NAMES = frozenset({"first_name", "last_name", "full_name", "company", "title"})
NAMELIKE = re.compile(r"(?:Null|None|Nil|Na|Nan|NAN|NIL)").fullmatch
ALL_HASHES = re.compile(r"#{3,}").fullmatch  # a column that was too narrow

IDENTITIES = frozenset({"phone", "external_id"})
ROUNDED = re2.compile(r"^[+-]?\d(?:[.,]\d+)?[eE]\+\d{2,3}$")
CUT_OFF = re.compile(r"\d{15}0+").fullmatch  # a sixteenth digit and more, all noughts
WHOLE_FLOAT = re.compile(r"(\d+)\.0").fullmatch

AS_TEXT = re2.compile(r'^=\s*"((?:[^"]|"")*)"$')
LINK = re2.compile(r'(?i)^=\s*HYPERLINK\(\s*"((?:[^"]|"")*)"\s*(?:[,;]\s*"((?:[^"]|"")*)"\s*)?\)$')
FORMULA = re2.compile(
    r"^=\s*(?:\$?[A-Z]{1,3}\$?[0-9]{1,7}|[A-Z][A-Z0-9.]*\(.*\)|[^=]{1,60}!\$?[A-Z]{1,3}\$?[0-9]{1,7})$"
)

ENTITY = re2.compile(r"&(?:#\d{2,6}|#[xX][0-9a-fA-F]{2,5}|[a-zA-Z]{2,8});")
MISREAD = ("Ã", "Â", "â€", "Å", "Ä")
# As they are written: a line without them (and without = and #) needs no repair (`cleaning.is_plain_line`).
AS_WRITTEN = frozenset(each for word in NOTHING for each in (word, word.upper(), word.capitalize(), word.title()))


@dataclass(frozen=True, slots=True)
class Repaired:
    """`said`: for people; empty where nothing happened. `is_lost`: the cell held something that cannot be told."""

    text: str
    said: str = ""
    is_lost: bool = False


def repaired(cell: str, word: str) -> Repaired:
    """The cell of a field as it was meant."""
    if is_nothing(cell, word):
        return Repaired("", "It stands for nothing, and was read as empty.")
    text = _as_meant(cell)
    if cell[0] == "=":
        found = _without_formula(cell, word)
        if found.is_lost or not found.text:
            return found
        text = found.text
    if word in IDENTITIES:
        return _identity(cell, text)
    return Repaired(text, "" if text == cell else f"Read as “{text[:60]}”.")


def _as_meant(cell: str) -> str:
    """Without the marks of a program that took text for HTML, or UTF-8 for Latin-1: “Andr&eacute;”, “RenÃ©”."""
    if cell.isascii() and "&" not in cell:
        return cell
    text = html.unescape(cell) if ENTITY.search(cell) else cell
    if any(sign in text for sign in MISREAD):
        with suppress(UnicodeError):  # where it is no such text after all
            return text.encode("cp1252").decode()
    return text


def is_nothing(cell: str, word: str) -> bool:
    """Whether the cell is a placeholder, or a column was too narrow to show it."""
    if cell.lower() not in NOTHING:
        return ALL_HASHES(cell) is not None
    if word == "country" and cell.upper() == "NA":
        return False  # Namibia
    return not (word in NAMES and NAMELIKE(cell))


def _without_formula(cell: str, word: str) -> Repaired:
    if found := AS_TEXT.match(cell):
        return Repaired(found[1].replace('""', '"').strip())
    if found := LINK.match(cell):
        target, shown = found[1] or "", (found[2] or "").replace('""', '"').strip()
        is_mail = target.lower().startswith("mailto:")
        return Repaired(target if (word in ("email", "other_emails") and is_mail) or not shown else shown)
    if FORMULA.match(cell):
        return Repaired("", "It is a formula, whose value the file does not hold.", is_lost=True)
    return Repaired(cell)


def _identity(cell: str, text: str) -> Repaired:
    """A number that names somebody: whole, or nothing."""
    if ("+" in text[1:] and ROUNDED.match(text)) or CUT_OFF(text):
        sentence = (
            "A spreadsheet rounded this number: its last digits are lost. Format the column as text, export again."
        )
        return Repaired("", sentence, is_lost=True)
    if text[0] == "'" and text[1:2].isdigit():
        text = text[1:]
    if found := WHOLE_FLOAT(text):
        text = found[1]
    return Repaired(text, "" if text == cell else "What a spreadsheet put around the number was taken off.")
