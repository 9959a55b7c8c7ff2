"""What the page of a run that judges bounces again says in figures. In: the run. Out: its transitions, one query."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from bounces.models import CleaningRun, RejudgedBounce

MOST_TRANSITIONS = 60
FIELDS = ("kind", "fault", "reason")
COLUMNS = tuple(f"{side}_{field}" for side in ("from", "to") for field in FIELDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: str
    fault: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transition:
    """How many bounces go from one verdict to another; both the same where only the rule changes."""

    before: Verdict
    after: Verdict
    number: int

    @property
    def key(self) -> str:
        """As the page's filter names it."""
        verdicts = (self.before, self.after)
        return ".".join(getattr(verdict, field) for verdict in verdicts for field in FIELDS)


def transitions_of(run: CleaningRun) -> list[Transition]:
    """The most frequent first."""
    found = run.rejudged.order_by().values_list(*COLUMNS).annotate(number=Count("pk")).order_by("-number", *COLUMNS)
    return [Transition(Verdict(*row[:3]), Verdict(*row[3:6]), row[6]) for row in found[:MOST_TRANSITIONS]]


def rows_of(run: CleaningRun, key: str = "") -> QuerySet[RejudgedBounce]:
    """The bounces of one transition, or all; what is no key gives all."""
    rows = run.rejudged.select_related("bounce__address")
    values = key.split(".")
    return rows.filter(**dict(zip(COLUMNS, values, strict=True))) if len(values) == len(COLUMNS) else rows
