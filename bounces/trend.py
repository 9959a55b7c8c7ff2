"""How the rates of hard bounces, soft bounces and complaints moved, day by day.

In: a dimension and key of the daily counts, a number of days. Out: one point a day. One query.
Each point is the rate of the 7 days that end with it: one bounce on a quiet Sunday is no trend. Without attempts
(or deliveries, for complaints) in these 7 days the rate is unknown, and the line has a gap. What an incident holds is
in no rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from bounces.models import DailyStat

WINDOW = 7
COLUMNS = ("attempted", "delivered", "hard", "soft", "complaints")


@dataclass(frozen=True, slots=True)
class Point:
    """The rates of the 7 days up to `day`; None: unknown."""

    day: date
    attempted: int
    hard: float | None
    soft: float | None
    complaints: float | None


def trend(dimension: str, key: str, days: int, today: date) -> list[Point]:
    """One point for each of the last days, today included."""
    first = today - timedelta(days=days + WINDOW - 2)
    rows = DailyStat.objects.filter(dimension=dimension, key=key, day__range=(first, today)).order_by()
    counts = {day: counted for day, *counted in rows.values_list("day", *COLUMNS)}
    return [_point(today - timedelta(days=back), counts) for back in reversed(range(days))]


def _point(day: date, counts: dict[date, list[int]]) -> Point:
    window = (counts.get(day - timedelta(days=back)) for back in range(WINDOW))
    attempted, delivered, hard, soft, complaints = _sums(filter(None, window))
    return Point(day, attempted, _rate(hard, attempted), _rate(soft, attempted), _rate(complaints, delivered))


def _sums(rows: Iterable[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)] or [0] * len(COLUMNS)


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
