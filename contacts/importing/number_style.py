"""Numbers as people write them: `1,200`, `1.200,50`, `€1200`, `12 %`. In: the cells of a column. Out: numbers. Pure.

Where one sign alone stands before three digits (`1,200`) the other cells of the column say whether it parts thousands
or is the decimal sign; where they do not, a comma parts thousands and a dot is the decimal sign, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import re2

BLANKS = str.maketrans(dict.fromkeys(" \u00a0\u2009\u202f'’_", None))
UNITS = re2.compile(r"(?i)[$€£¥₹₽₺₩%‰]|eur|usd|gbp|chf|jpy|sek|nok|dkk|pln|czk|kč|zł|kr\.?")
PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?").fullmatch
DIGITS = re.compile(r"[+-]?[\d.,]*\d[\d.,]*").fullmatch
AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}").fullmatch
THOUSANDS = {
    ",": re.compile(r"[+-]?\d{1,3}(?:,\d{2,3})*,\d{3}").fullmatch,
    ".": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+").fullmatch,
}


@dataclass(frozen=True, slots=True)
class Style:
    """Of a column: its decimal sign, empty where that is not told; whether numbers have three decimals in it."""

    decimal: str = ""
    has_three: bool = False


def style_of(cells: Iterable[str]) -> Style:
    """What the cells say, as far as they do not contradict each other."""
    signs = [(sign, text) for text in map(bare, cells) if (sign := _sign_in(text))]
    if len({sign for sign, _ in signs}) != 1:
        return Style()
    return Style(signs[0][0], any(len(text.partition(sign)[2]) == 3 for sign, text in signs))


def is_ambiguous(cells: Iterable[str]) -> bool:
    texts = [bare(cell) for cell in cells]
    return not style_of(texts).decimal and any(AMBIGUOUS(text) and not text.endswith("000") for text in texts)


def read_number(cell: str, style: Style = Style()) -> str:
    """As Python reads it. Raises ValueError. Two signs in one cell overrule the column's style.

    A nought at the end of three digits is no decimal where others have fewer: 1,200 beside 99,50 is 1200.
    """
    text = bare(cell)
    decimal = "" if AMBIGUOUS(text) and text.endswith("0") and not style.has_three else style.decimal
    if PLAIN(text) and not AMBIGUOUS(text):
        return text
    if not DIGITS(text):
        raise ValueError(f"“{cell[:60]}” is not a number. Write it like 12 or 12.5.")
    sign = _sign_in(text) or decimal or ("." if "." in text and style.decimal != "," else "")
    other = "," if sign == "." else "."
    for each in (other, sign) if sign else (",", "."):
        if text.count(each) > 1 and not THOUSANDS[each](text.partition(sign)[0] if sign and sign != each else text):
            raise ValueError(f"“{cell[:60]}” is not a number. Write it like 12 or 12.5.")
    if not sign:
        return text.replace(",", "").replace(".", "")
    if text.count(sign) > 1:  # 1.234.567: it parts thousands
        return text.replace(sign, "").replace(other, ".")
    return text.replace(other, "").replace(sign, ".")


def bare(cell: str) -> str:
    """Without blanks, currencies and percent signs; what stands in brackets is negative."""
    text = cell.strip().translate(BLANKS).replace("−", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    return UNITS.sub("", text)


def _sign_in(text: str) -> str:
    """The decimal sign, where this number alone tells it."""
    if not DIGITS(text):
        return ""
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        last = "." if text.rfind(".") > text.rfind(",") else ","
        return last if text.count(last) == 1 else ""
    if dots > 1 or commas > 1:
        return "," if dots else "."  # the other one parts thousands
    sign = "." if dots else "," if commas else ""
    return "" if not sign or AMBIGUOUS(text) else sign
