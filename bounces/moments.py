"""Moments as tools write them. In: ISO 8601. Out: an aware datetime in UTC, or ValueError with a sentence for people.
`find_moment` reads what stands in lists too: mail dates, seconds since 1970, days as people write them.

Always in UTC: PostgreSQL refuses offsets of 16 hours and more, which ISO 8601 allows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

NO_ZONE = "The time zone is missing. Write it like 2026-05-31T14:30:00Z or …+02:00."
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # no bounce happened before
# What every time zone can show, and the database can keep.
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def read_moment(value: Any) -> datetime:
    at = _parse(value)
    if at.tzinfo is None:
        raise ValueError(NO_ZONE)
    return _in_utc(at)


def read_claim(value: Any) -> datetime:
    """The same of a moment that need not be possible: one at the end of the calendar loses its offset."""
    at = _parse(value)
    if at.tzinfo is None:
        raise ValueError(NO_ZONE)
    return claimed(at)


def claimed(at: datetime) -> datetime:
    """In UTC; at the ends of the calendar no offset can be reckoned with, so that it is left away there."""
    if at.year in (1, 9999):
        return min(max(at.replace(tzinfo=UTC), FIRST), LAST)
    return at.astimezone(UTC)


def read_day_or_moment(value: Any) -> datetime:
    """A day is its beginning in UTC, as the policy's days are."""
    at = _parse(value)
    return _in_utc(at if at.tzinfo else at.replace(tzinfo=UTC))


def _parse(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("Not a moment. Write it as ISO 8601, like 2026-05-31T14:30:00Z.") from None


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("This moment is out of range.") from None


DAY_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,? (\d.*))?")
YEAR_FIRST = re.compile(r"(\d{4})([./])(\d{1,2})\2(\d{1,2})(?:,? (\d.*))?")
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p")
IN_WORDS = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d %Y", "%B %d %Y")
LONGEST = 60


def find_moment(text: str) -> datetime | None:
    """In UTC where it names no zone; a day is its beginning. None of what is no date, or can be read in two ways:
    1/5/2026 is another day in Boston than in Berlin."""
    text = text.strip()
    if not 6 <= len(text) <= LONGEST:
        return None
    return _of_number(text) or _of_iso(text) or _of_digits(text) or _of_words(text) or _of_mail(text)


def _of_number(text: str) -> datetime | None:
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and 9 <= len(text.partition(".")[0]) <= 13):
        return None
    seconds = float(text)
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, tz=UTC)


def _of_iso(text: str) -> datetime | None:
    try:
        return read_day_or_moment(text.removesuffix(" UTC").removesuffix(" GMT").replace(" +0000", "+00:00"))
    except ValueError:
        return None


def _of_digits(text: str) -> datetime | None:
    if found := YEAR_FIRST.fullmatch(text):
        year, _, month, day, clock = found.groups()
    elif found := DAY_FIRST.fullmatch(text):
        first, _, second, year, clock = found.groups()
        is_day_first = int(first) > 12 or first == second
        if not is_day_first and int(second) <= 12:
            return None
        day, month = (first, second) if is_day_first else (second, first)
    else:
        return None
    return _at(f"{year} {month} {day}", "%Y %m %d", clock or "")


def _of_words(text: str) -> datetime | None:
    day, _, clock = text.partition(" at ")
    words = day.replace(".", "").split()
    for cut in (len(words), len(words) - 1, len(words) - 2):
        rest = " ".join([*words[cut:], clock]).strip()
        for form in IN_WORDS:
            if cut > 0 and (at := _at(" ".join(words[:cut]).rstrip(","), form, rest)):
                return at
    return None


def _at(day: str, form: str, clock: str) -> datetime | None:
    for time, its in ((f" {clock}", f" {each}") for each in CLOCKS) if clock else (("", ""),):
        try:
            return datetime.strptime(f"{day}{time}", f"{form}{its}").replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _of_mail(text: str) -> datetime | None:
    try:
        return read_day_or_moment(parsedate_to_datetime(text).isoformat())
    except (ValueError, TypeError, OverflowError):
        return None
