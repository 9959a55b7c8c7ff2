"""Rows as people see them, before and after: what each would do, or did. In: a run. Out: RowShown, a page at a time.

Before the import they come from the stage and its verdicts, afterwards from the run's own rows. While a file is still
being read, its first rows are judged by themselves: nobody waits for a million to see what ten look like.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from bounces.values import Answer
from bounces.verdict import Verdict, check
from contacts.importing.columns import CHANGED_LABELS
from contacts.importing.comparing import CHANGES
from contacts.importing.holding import without_gone_tables
from contacts.importing.judging import judge_of, judge_rows, known_of
from contacts.importing.mapping import ERROR
from contacts.importing.staging import judged_of, stage_of
from contacts.models import ImportOutcome, ImportRow, ImportRun

FIRST = 20
WORDS = ("first_name", "last_name", "title", "company", "phone", "country", "source", "external_id")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an update: what it is, what it was, what it becomes."""

    word: str
    label: str
    was: str
    then: str


@dataclass(frozen=True, slots=True)
class RowShown:
    number: int
    verdict: str
    email: str
    contact_id: int | None = None
    changes: Sequence[Change] = ()
    problems: Sequence[Sequence[str]] = ()
    notices: Sequence[Sequence[str]] = ()  # of cells that were left empty or cleaned up: as problems, and why
    values: Mapping[str, Any] = field(default_factory=dict)
    refusal: Verdict | None = None  # why the address must not be written to
    kept: str = ""


Group = tuple[Any, list[RowShown], int]  # its verdict (or ImportRow.Known), its first rows, how many there are


def preview_rows(run: ImportRun, verdicts: Sequence[str], most: int, now: datetime, after: int = 0) -> list[RowShown]:
    """The first rows with these verdicts behind row `after`, of a run whose stage is judged."""
    values = {"verdicts": list(verdicts), "after": after, "most": most, "now": now}
    with connection.cursor() as cursor:
        return _shown(cursor, run, judged_of(run), BY_VERDICT, values)


def known_groups(run: ImportRun, most: int, now: datetime) -> list[Group]:
    """The first rows whose address must not be written to, by why, and how many there are of them."""
    judged = judged_of(run)
    known = known_of(run)
    chosen = f"SELECT j.* FROM {judged} j JOIN ({known}) k ON k.number = j.number {OF_KNOWN}"  # noqa: S608 -- ours
    groups = []
    with connection.cursor() as cursor:
        for each in ImportRow.Known:
            if count := run.known.get(each.value):
                values = {"known": each.value, "most": most, "now": now}
                groups.append((each, _shown(cursor, run, judged, chosen, values), count))
    return groups


def preview_groups(run: ImportRun, most: int, now: datetime) -> list[Group]:
    """The first rows of each verdict that the run has, and how many there are of it."""
    met = [each for each in ImportRow.Verdict if run.counts.get(each.value)]
    return [(each, preview_rows(run, [each.value], most, now), run.counts[each.value]) for each in met]


def early_rows(run: ImportRun, now: datetime) -> list[RowShown]:
    """The first rows of a file that is still being read; none until some are staged."""
    with without_gone_tables(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [stage_of(run)])
        if cursor.fetchone()[0] is None:
            return []
        cursor.execute("DROP TABLE IF EXISTS import_batch")
        cursor.execute(
            f"CREATE TEMP TABLE import_batch ON COMMIT DROP AS SELECT * FROM {stage_of(run)} LIMIT {FIRST}"  # noqa: S608 -- numbers
        )
        judge_rows(judge_of(run), cursor, "import_batch")
        values = {"verdicts": [*ImportRow.Verdict.values], "after": 0, "most": FIRST, "now": now}
        return _shown(cursor, run, "import_judged", BY_VERDICT, values)
    return []


def _shown(cursor: Any, run: ImportRun, judged: str, chosen: str, values: dict[str, Any]) -> list[RowShown]:
    text = SHOWN.format(chosen=chosen.format(judged=judged), stage=stage_of(run), changes=CHANGES)
    cursor.execute(text, {**values, **judge_of(run).parameters})
    columns = [column.name for column in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    refused = refusals([row["email"] for row in rows if row["verdict"] in ImportRow.WRITES], values["now"])
    return [
        RowShown(
            number=row["number"],
            verdict=row["verdict"],
            email=row["email"] or "",
            contact_id=row["contact_id"],
            changes=changes_of(_json(row["changes"]) or {}),
            problems=_json(row["problems"]) or (),
            notices=(_json(row["notices"]) or ()) if row["verdict"] in ImportRow.WRITES else (),
            values={word: row[word] for word in WORDS if row[word]},
            refusal=refused.get(row["email"] or ""),
        )
        for row in rows
    ]


def refusals(emails: Sequence[str | None], now: datetime) -> dict[str, Verdict]:
    """Of addresses, those that must not be written to, as far as is known today."""
    verdicts = check([email for email in emails if email], now)
    return {email: verdict for email, verdict in verdicts.items() if verdict.answer == Answer.NO}


def changes_of(kept: Mapping[str, Sequence[Any]]) -> list[Change]:
    found = []
    for word in sorted(kept, key=list(CHANGED_LABELS).index):
        was, then = kept[word][:2]  # a third value is for undo: ids
        if word == "custom":
            found += list(_custom_changes(was or {}, then or {}))
        else:
            found.append(Change(word, CHANGED_LABELS.get(word, word).capitalize(), shown(was), shown(then)))
    return found


def _custom_changes(was: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[Change]:
    for key in {**was, **then}:
        if was.get(key) != then.get(key):
            yield Change(f"custom.{key}", key, shown(was.get(key)), shown(then.get(key)))


def shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)


def outcome_of(row: ImportRow | ImportOutcome, refused: Mapping[str, Verdict]) -> RowShown:
    """A row of a run that has written."""
    return RowShown(
        number=row.number,
        verdict=row.verdict,
        email=row.email,
        contact_id=row.contact_id,
        changes=changes_of(row.changes or {}),
        problems=row.problems or (),
        values=row.cells or {},
        refusal=refused.get(row.email) if row.known else None,
        kept=row.kept,
    )


def kept_rows(run: ImportRun, reasons: Mapping[int, str]) -> list[RowShown]:
    """Rows of a run that has written, with why undo would leave what they wrote."""
    rows = ImportRow.objects.filter(run_id=run.pk, number__in=list(reasons)).order_by("number")
    return [replace(outcome_of(row, {}), kept=reasons[row.number]) for row in rows]


def failed_rows(run: ImportRun) -> Iterator[list[str]]:
    """The rows that failed, with the file's own columns and `error`: to be mended and imported again."""
    rows = ImportOutcome.objects.filter(run_id=run.pk, verdict__in=ImportRow.FAILED).order_by("number")
    addressed = next((header for header, word in run.mapping.items() if word == "email"), "")
    headers = [header for header in run.headers if header.strip().lower() != ERROR]
    for row in rows.iterator(chunk_size=2000):
        cells = row.cells or {addressed: row.email}
        error = " ".join(said(problem) for problem in row.shown_problems)
        yield [*(cells.get(header, "") for header in headers), error]


def failed_headers(run: ImportRun) -> list[str]:
    return [*(header for header in run.headers if header.strip().lower() != ERROR), ERROR]


def said(problem: Sequence[str]) -> str:
    column, _, sentence = problem
    where = f"{column}: " if column else ""
    return f"{where}{sentence}"


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


BY_VERDICT = """
SELECT * FROM {judged} WHERE verdict = ANY(%(verdicts)s) AND number > %(after)s ORDER BY number LIMIT %(most)s
"""
OF_KNOWN = "WHERE k.known = %(known)s ORDER BY j.number LIMIT %(most)s"
SHOWN = """
SELECT j.number, j.verdict, s.email, j.contact_id,
       coalesce(s.problems, CASE WHEN j.problem IS NOT NULL THEN jsonb_build_array(j.problem) END) AS problems,
       CASE WHEN j.verdict = 'update' THEN {changes} END AS changes,
       s.notices, s.first_name, s.last_name, s.title, s.company, s.phone, s.country, s.source, s.external_id
FROM ({chosen}) j
JOIN {stage} s ON s.number = j.number
LEFT JOIN contacts_contact c ON c.id = j.contact_id
LEFT JOIN contacts_company k ON k.id = c.company_id
ORDER BY j.number
"""
