"""What cells say -> how we keep it: phone numbers as E.164, days as ISO 8601. In: text. Out: text, or ValueError. Pure.

Nothing is made worse: a phone number that cannot be told for sure stays as it was written, a day that can be read in
two ways is read in the order that its column shows, else in the one that is set, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import phonenumbers
import re2

from contacts.importing.month_names import month_of

# E.164: a plus, the country's code, at most 15 digits in all. Only these may stand between them.
LONGEST_WRITTEN = 32
BETWEEN = str.maketrans("", "", " -./()")
WHOLE = re.compile(r"\+[1-9][0-9]{7,14}").fullmatch

ISO = re2.compile(r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].{0,20})?$")
COMPACT = re2.compile(r"^(19|20)(\d{2})(\d{2})(\d{2})$")
NUMBERS = re2.compile(r"^(\d{1,2})([-/. ])(\d{1,2})[-/. ](\d{4}|\d{2})(?: \d{1,2}:.{0,12})?$")
NAMED = re2.compile(
    r"^(?:(?:[^\s\d.,/]{2,12},? )?(\d{1,2})(?:st|nd|rd|th|er|º|ª)?\.?(?: de)?[ \-/]?([^\s\d.,/\-]{3,12})"
    r"|([^\s\d.,/\-]{3,12})\.? (\d{1,2})(?:st|nd|rd|th)?)"
    r"\.?,?(?: de)?[ \-/](\d{4}|\d{2})(?: г\.?)?(?:,? \d{1,2}:.{0,20})?$"
)
SERIAL = re2.compile(r"^[2-6]\d{4}(?:\.\d+)?$")  # 1954 to 2091, as spreadsheets count days


class Order(StrEnum):
    """In which the numbers of a day stand, where the year is not the first."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def read_phone(text: str, region: str = "") -> str:
    """As E.164, where it is a possible number of its country (`region`, where the number names none); else as it is."""
    if text[:1] == "+" and "1" <= text[1:2] <= "9" and len(text) <= LONGEST_WRITTEN and "(0" not in text:
        if WHOLE(plain := text.replace(" ", "")):
            return plain
        plain = text.translate(BETWEEN)
        if plain[1:].isdecimal() and plain.isascii():
            return plain if is_whole_phone(plain) else text
    if len(text) > 40 or not any(character.isdigit() for character in text):
        return text
    if not (region or text.startswith(("+", "00", "＋"))):
        return text
    try:
        number = phonenumbers.parse("+" + text[2:] if text.startswith("00") else text, region or None)
    except phonenumbers.NumberParseException:
        return text
    if number.extension or not phonenumbers.is_valid_number(number):
        return text
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_whole_phone(text: str) -> bool:
    """Whether it is as we keep it: E.164, of a length that a number can have."""
    return WHOLE(text) is not None


def same_phone(one: str, other: str) -> bool:
    """Whether both are one number, written differently: with or without the country's code, blanks, a leading zero."""
    if one == other:
        return True
    digits, others = (_national(one), _national(other)) if one and other else ("", "")
    shorter, longer = sorted((digits, others), key=len)
    return len(shorter) >= 6 and longer.endswith(shorter) and len(longer) - len(shorter) <= 3


def _national(text: str) -> str:
    if not all(character.isdigit() or character in "+ -./()" for character in text):
        return ""
    return "".join(character for character in text.replace("(0)", "") if character.isdigit()).lstrip("0")


def order_of(samples: Iterable[str]) -> Order | None:
    """Which order a column's days are in, by those that can be read in one way only; None where they do not tell."""
    found = set()
    for text in samples:
        parts = NUMBERS.match(text.strip())
        if parts is None:
            continue
        first, separator, second = int(parts[1]), parts[2], int(parts[3])
        if (first > 12) != (second > 12):
            found.add(Order.DAY_FIRST if first > 12 else Order.MONTH_FIRST)
        elif separator == ".":
            found.add(Order.DAY_FIRST)  # nobody writes 5.31.2026
    return found.pop() if len(found) == 1 else None


def is_ambiguous(samples: Iterable[str]) -> bool:
    """Whether a day among them means something else in the other order, and none of them tells which one it is."""
    texts = list(samples)
    several = (parts for text in texts if (parts := NUMBERS.match(text.strip())) and parts[1] != parts[3])
    return order_of(texts) is None and any(True for _ in several)


def read_day(text: str, order: Order = Order.DAY_FIRST) -> str:
    """As year-month-day: ISO first, then months by name, then numbers in this order. Raises ValueError."""
    text = text.strip()
    try:
        if found := ISO.match(text) or COMPACT.match(text):
            numbers = [int(number) for number in found.groups() if number]
            year, month, day = numbers if len(numbers) == 3 else (numbers[0] * 100 + numbers[1], *numbers[2:])
        elif found := NAMED.match(text):
            day, month, year = int(found[1] or found[4]), month_of(found[2] or found[3]), _year(found[5])
        elif found := NUMBERS.match(text):
            first, second, year = int(found[1]), int(found[3]), _year(found[4])
            is_day_first = order == Order.DAY_FIRST or found[2] == "."
            day, month = (first, second) if is_day_first else (second, first)
            if month > 12 >= day:  # it can be read in the other order alone
                day, month = month, day
        else:
            raise ValueError(text)
        return date(year, month, day).isoformat()
    except ValueError:
        raise ValueError(_no_day(text, order)) from None


def is_day(text: str) -> bool:
    for order in Order:
        try:
            read_day(text, order)
        except ValueError:
            continue
        return True
    return False


def _no_day(text: str, order: Order) -> str:
    if SERIAL.match(text):
        return f"“{text}” is a spreadsheet’s number for a day. Format the column as a date, and save the file again."
    expected = "day/month/year" if order == Order.DAY_FIRST else "month/day/year"
    return (
        f"“{text[:60]}” is not a date. Write it as year-month-day, like 2026-05-31; this column is read as {expected}."
    )


def _year(text: str) -> int:
    """Two digits as POSIX reads them: 69 to 99 are of the last century."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)
