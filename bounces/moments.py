"""Moments as tools write them. In: ISO 8601. Out: an aware datetime in UTC, or ValueError with a sentence for people.

Always in UTC: PostgreSQL refuses offsets of 16 hours and more, which ISO 8601 allows.
"""

from __future__ import annotations

from datetime import UTC, datetime
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
