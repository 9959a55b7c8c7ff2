"""What an import did, or would do. In: a run. Out: counts and its first problems, for the terminal and the admin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from bounces.verdict import Verdict, check
from contacts.importing import suppressing
from contacts.importing.columns import Problem
from contacts.importing.erased import sentence_of
from contacts.importing.holding import LOST, held_preview
from contacts.importing.judging import known_of
from contacts.importing.outcomes import preview_rows
from contacts.importing.staging import stage_of
from contacts.models import ImportOutcome, ImportRow, ImportRun

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unsendable:
    """A row whose address must not be written to, as far as is known today. It is imported all the same."""

    row: int
    email: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`fault` is set where the import went no further because of ourselves, or waits for a person.

    Of problems and unsendable addresses the first are here, and how many there are.
    """

    is_preview: bool
    new: int
    updated: int
    unchanged: int
    failed: int
    problems: Sequence[Problem]
    dead: Sequence[Unsendable]  # known to bounce: invalid
    suppressed: Sequence[Unsendable]  # complained, unsubscribed, or suppressed by a person
    dead_count: int
    suppressed_count: int
    erased_count: int  # of the suppressed, those whose address was erased
    of_opt_outs: str  # what becomes of people who must not be emailed, as the file says; empty where there are none
    notices: Sequence[str]
    fault: str = ""

    @property
    def shown_problems(self) -> Sequence[Problem]:
        return self.problems[:MOST_SHOWN]

    @property
    def of_erased(self) -> str:
        """What happens to rows whose address was erased; empty where there are none."""
        return sentence_of(self.erased_count)

    @property
    def problems_not_shown(self) -> int:
        """Rows, of those that failed."""
        return max(0, self.failed - len({problem.row for problem in self.shown_problems}))


def report_of(run: ImportRun, now: datetime, *, fault: str = "") -> ImportReport:
    """Of a preview what it would do, of every other run what it has written, if only nothing."""
    was_preview = run.state == ImportRun.State.READY
    with held_preview(run) as is_preview:
        return _report(run, now, fault or (LOST if was_preview and not is_preview else ""), is_preview=is_preview)


def _report(run: ImportRun, now: datetime, fault: str, *, is_preview: bool) -> ImportReport:
    counts = run.counts if is_preview else {**run.counts, "new": 0, "update": 0, **run.written}
    unsendable = _unsendable(run, now, is_preview=is_preview)
    return ImportReport(
        is_preview=is_preview,
        new=counts.get("new", 0),
        updated=counts.get("update", 0),
        unchanged=sum(counts.get(verdict, 0) for verdict in ("unchanged", "duplicate", "skipped")),
        failed=run.failed_rows,
        problems=tuple(_problems(run, now, is_preview=is_preview)),
        dead=[each for known, each in unsendable if known == "dead"],
        suppressed=[each for known, each in unsendable if known == "suppressed"],
        dead_count=run.known.get("dead", 0),
        suppressed_count=run.known.get("suppressed", 0),
        erased_count=run.known.get("erased", 0),
        of_opt_outs=suppressing.sentence_of(run),
        notices=run.notices,
        fault=fault or run.error,
    )


def _problems(run: ImportRun, now: datetime, *, is_preview: bool) -> list[Problem]:
    if is_preview:
        rows = [(row.number, row.problems) for row in preview_rows(run, ImportRow.FAILED, MOST_SHOWN, now)]
    else:
        failed = ImportOutcome.objects.filter(run_id=run.pk, verdict__in=ImportRow.FAILED).order_by("number")
        rows = [(row.number, row.shown_problems) for row in failed[:MOST_SHOWN]]
    return [Problem(number, *problem) for number, problems in rows for problem in problems]


def _unsendable(run: ImportRun, now: datetime, *, is_preview: bool) -> list[tuple[str, Unsendable]]:
    if not run.known:
        return []
    if is_preview:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT s.number, s.email, k.known FROM ({known_of(run)}) k "  # noqa: S608 -- ours
                f"JOIN {stage_of(run)} s ON s.number = k.number ORDER BY s.number LIMIT %(most)s",
                {"now": now, "most": MOST_SHOWN},
            )
            rows = cursor.fetchall()
    else:
        known = ImportRow.objects.filter(run_id=run.pk).exclude(known="").order_by("number")
        rows = list(known.values_list("number", "email", "known")[:MOST_SHOWN])
    verdicts = check([email for _, email, _ in rows], now)
    return [(known, Unsendable(number, email, verdicts[email])) for number, email, known in rows]
