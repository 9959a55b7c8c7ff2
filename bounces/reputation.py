"""How well our mail arrives, seen by campaign, sender, sending domain and receiving provider.

In: the daily counts (`DailyStat`). Out: rates with the word that stands beside them, of a whole period or by day. Pure
but for one query each.
A bounce rate is failed for good over attempted; what an incident holds is counted apart. A complaint rate is complaints
over delivered. Nothing attempted, or nothing known to be delivered: the rate is unknown, never 0.
The lines are where providers draw them: Google and Yahoo ask senders for complaints below 0.1 % and never 0.3 %; above
2 % of bounces sending services throttle or suspend a sender, below 1 % nobody complains.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.db.models import F, QuerySet, Sum

from bounces.models import DailyStat
from bounces.providers import provider_name
from bounces.sentences import long_date

BOUNCE_LINES = (0.01, 0.02)
COMPLAINT_LINES = (0.001, 0.003)
# One mail that fails out of three is a third, and says nothing: below this many attempts a rate is told, not judged.
ENOUGH = 50
SHOWN = 50
PERIODS = (7, 30, 90)
COLUMNS = ("attempted", "bounced", "delivered", "hard", "soft", "deferred", "blocked", "complaints", "held")


class Word(StrEnum):
    HEALTHY = "healthy"
    WATCH = "watch"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dimension:
    name: str  # a dimension of DailyStat
    label: str  # of the tab
    one: str  # the head of the column
    by_month: bool = False


DIMENSIONS = {
    "campaign": Dimension("campaign", "Campaigns", "Campaign"),
    "sender": Dimension("sender", "Senders", "Sender"),
    "sender_domain": Dimension("sender_domain", "Sending domains", "Sending domain"),
    "provider": Dimension("provider", "Receiving providers", "Receiving provider"),
    "recipient_domain": Dimension("recipient_domain", "Recipient domains", "Recipient domain", by_month=True),
}


def word_of(rate: float | None, lines: tuple[float, float]) -> Word:
    watch, stop = lines
    if rate is None:
        return Word.UNKNOWN
    if rate >= stop:
        return Word.STOP
    return Word.WATCH if rate >= watch else Word.HEALTHY


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the mails counted under one key."""

    key: str
    label: str
    attempted: int = 0
    bounced: int = 0
    delivered: int = 0
    hard: int = 0
    soft: int = 0
    deferred: int = 0
    blocked: int = 0
    complaints: int = 0
    held: int = 0  # by an incident: in no rate

    @property
    def bounce_rate(self) -> float | None:
        return self.bounced / self.attempted if self.attempted else None

    @property
    def complaint_rate(self) -> float | None:
        return self.complaints / self.delivered if self.delivered else None

    @property
    def is_small(self) -> bool:
        return 0 < self.attempted < ENOUGH

    @property
    def word(self) -> Word:
        """The graver of both rates' words. A rate of few attempts is at most to be watched."""
        words = (word_of(self.bounce_rate, BOUNCE_LINES), word_of(self.complaint_rate, COMPLAINT_LINES))
        gravest = next((word for word in (Word.STOP, Word.WATCH, Word.HEALTHY) if word in words), Word.UNKNOWN)
        return Word.WATCH if gravest == Word.STOP and self.is_small else gravest


def standings(dimension: str, days: int, today: date, hidden: Collection[str] = ()) -> list[Standing]:
    """Those with most attempts and bounces in the last days, today included, at most SHOWN. One query.

    `hidden`: keys of campaigns that are left out.

    Recipient domains are counted by calendar month: every month that the days touch.
    """
    found = _counted(dimension, days, today)
    found = found.exclude(key__in=hidden) if dimension == "campaign" and hidden else found
    counted = found.values_list("key").annotate(*[Sum(column) for column in COLUMNS])
    rows = counted.order_by(F("bounced__sum").desc(), F("attempted__sum").desc(), "key")[:SHOWN]
    return [Standing(key, label_of(dimension, key), *counts) for key, *counts in rows]


def by_day(dimension: str, key: str, days: int, today: date) -> list[Standing]:
    """What was counted under one key on each of these days, or in each of their months; the newest first. One query."""
    rows = _counted(dimension, days, today).filter(key=key).order_by("-day").values_list("day", *COLUMNS)
    is_by_month = DIMENSIONS[dimension].by_month
    return [
        Standing(day.isoformat(), f"{day:%B %Y}" if is_by_month else long_date(day), *counts) for day, *counts in rows
    ]


def _counted(dimension: str, days: int, today: date) -> QuerySet[DailyStat]:
    first = today - timedelta(days=days - 1)
    if DIMENSIONS[dimension].by_month:
        first = first.replace(day=1)
    return DailyStat.objects.filter(dimension=dimension, day__range=(first, today)).order_by()


def label_of(dimension: str, key: str) -> str:
    return provider_name(key) if dimension == "provider" else key
