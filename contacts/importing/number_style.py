"""Numbers as people write them: `1,200`, `1.200,50`, `€1200`, `12 %`. In: the cells of a column. Out: numbers. Pure.

Where one sign alone stands before three digits (`1,200`) the other cells of the column say whether it parts thousands
or is the decimal sign; where they do not, a comma parts thousands and a dot is the decimal sign, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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


def decimal_sign_of(cells: Iterable[str]) -> str:
    """`.` or `,`, where the cells say it and do not contradict each other; else empty."""
    found = {sign for cell in cells if (sign := _sign_in(bare(cell)))}
    return found.pop() if len(found) == 1 else ""


def is_ambiguous(cells: Iterable[str]) -> bool:
    texts = [bare(cell) for cell in cells]
    return not decimal_sign_of(texts) and any(AMBIGUOUS(text) and not text.endswith("000") for text in texts)


def read_number(cell: str, decimal: str = "") -> str:
    """As Python reads it. Raises ValueError. `decimal`: the column's sign, which two signs in one cell overrule."""
    text = bare(cell)
    if PLAIN(text) and not AMBIGUOUS(text):
        return text
    if not DIGITS(text):
        raise ValueError(f"“{cell[:60]}” is not a number. Write it like 12 or 12.5.")
    sign = _sign_in(text) or decimal or ("." if "." in text else "")
    other = "," if sign == "." else "."
    for each in (other, sign) if sign else (",",):
        if text.count(each) > 1 and not THOUSANDS[each](text.partition(sign)[0] if sign and sign != each else text):
            raise ValueError(f"“{cell[:60]}” is not a number. Write it like 12 or 12.5.")
    if not sign:
        return text.replace(",", "")
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
