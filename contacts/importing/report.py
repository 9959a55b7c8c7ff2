"""What an import did, or would do. In: the resource's result. Out: counts and problems, for pages and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bounces.values import Answer, Status
from bounces.verdict import Verdict, check
from contacts.importing.columns import Problem

CHUNK = 10_000
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unsendable:
    """A row whose address must not be written to, as far as is known today. It is imported all the same."""

    row: int
    email: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`fault` is set where nothing was imported because of ourselves (a batch that the database refused)."""

    is_preview: bool
    new: int
    updated: int
    unchanged: int
    problems: Sequence[Problem]
    dead: Sequence[Unsendable]  # known to bounce: invalid
    suppressed: Sequence[Unsendable]  # complained, unsubscribed, or suppressed by a person
    notices: Sequence[str]
    fault: str = ""

    @property
    def failed(self) -> int:
        """Rows, not problems: a row may have several."""
        return len({problem.row for problem in self.problems})

    @property
    def total(self) -> int:
        return self.new + self.updated + self.unchanged + self.failed

    @property
    def writes(self) -> int:
        return self.new + self.updated

    @property
    def shown_problems(self) -> Sequence[Problem]:
        return self.problems[:MOST_SHOWN]

    @property
    def problems_not_shown(self) -> int:
        return max(0, len(self.problems) - MOST_SHOWN)

    @property
    def shown_unsendable(self) -> Sequence[Unsendable]:
        return sorted([*self.dead, *self.suppressed], key=lambda each: each.row)[:MOST_SHOWN]


def unsendable(emails: Sequence[tuple[int, str]], now: datetime) -> Iterator[Unsendable]:
    """Of (row, address), those with the verdict `no`. A few queries for each ten thousand."""
    for start in range(0, len(emails), CHUNK):
        chunk = emails[start : start + CHUNK]
        verdicts = check([email for _, email in chunk], now)
        for row, email in chunk:
            if verdicts[email].answer == Answer.NO:
                yield Unsendable(row, email, verdicts[email])


def is_dead(each: Unsendable) -> bool:
    return each.verdict.status == Status.INVALID
