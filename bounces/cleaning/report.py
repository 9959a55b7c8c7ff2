"""What a run's page says in figures: what moves, and how many addresses had and have which status.

In: a run. Out: values for the page; one query, whatever the run's size, and two more where silence is tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count

from bounces.models import CleaningRow, CleaningRun, Silence
from bounces.values import Status

Outcome = CleaningRow.Outcome


@dataclass(frozen=True, slots=True)
class Move:
    """How many addresses a run moves from one status to another, by which rule."""

    before: str
    after: str
    rule: str
    number: int

    @property
    def key(self) -> str:
        return f"{self.before}-{self.after}"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a run's addresses had a status before, and have it after (of a preview: would have)."""

    status: str
    before: int
    after: int

    @property
    def difference(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class RunReport:
    """The largest moves first; shares in the order of the statuses, none where the run does not know them."""

    moves: list[Move]
    shares: list[Share]

    @property
    def moving(self) -> int:
        """Addresses that get another status."""
        return sum(move.number for move in self.moves if move.before != move.after)

    @property
    def staying(self) -> int:
        """Addresses that keep their status, by another rule."""
        return sum(move.number for move in self.moves if move.before == move.after)


def report_of(run: CleaningRun) -> RunReport:
    found = run.rows.order_by().values_list("from_status", "to_status", "rule", "outcome").annotate(number=Count("pk"))
    moves: Counter[tuple[str, str, str]] = Counter()
    after = Counter(run.before)
    for before, to, rule, outcome, number in found:
        moves[before, to, rule] += number
        if outcome in _moved(run):
            after[before] -= number
            after[to] += number
    shares = [Share(status, run.before.get(status, 0), after[status]) for status in Status] if run.before else []
    return RunReport([Move(*key, number) for key, number in moves.most_common()], shares)


@dataclass(frozen=True, slots=True)
class Silent:
    """How many of a what-if's addresses are silent by the numbers in force, and would be by those that it tries."""

    before: int
    after: int


def silent_of(run: CleaningRun, in_force: Mapping[str, int]) -> Silent | None:
    """None where it tries no other numbers of silence. As of the moment that the run judges by."""
    tried = run.policy.numbers
    if run.as_of is None or all(tried[name] == in_force[name] for name in ("silent_count", "silent_days")):
        return None
    return Silent(_count_silent(run, in_force), _count_silent(run, tried))


def _count_silent(run: CleaningRun, numbers: Mapping[str, int]) -> int:
    if not numbers["silent_count"] or run.as_of is None:
        return 0
    border = run.as_of - timedelta(days=numbers["silent_days"])
    rows = Silence.objects.filter(delivered__gte=numbers["silent_count"], since__lte=border)
    return (rows if run.scope == "all" else rows.filter(address__in=run.targets.values("address"))).count()


def _moved(run: CleaningRun) -> set[str]:
    """The outcomes that move an address: of a preview, what it would apply."""
    moved = {Outcome.APPLIED.value, Outcome.KEPT.value}
    return moved | {Outcome.PENDING.value} if run.state == CleaningRun.State.READY else moved
