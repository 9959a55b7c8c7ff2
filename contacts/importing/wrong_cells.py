"""What is wrong with a file, cell by cell: each wrong text of a column once, with how many cells hold it.

In: a judged stage. Out: a table of wrong cells beside it, and pages of it for people. Made once as the run is judged:
a page that asks for it does not look through a million rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from bounces.mistyped import meant_by
from contacts.importing.columns import LONGEST_SHOWN
from contacts.importing.staging import judged_of, stage_of, wrong_of
from contacts.models import ImportRow, ImportRun

MOST_DOMAINS = 200  # that look mistyped; who has more has another kind of list
FAILED = tuple(each.value for each in ImportRow.FAILED)
LEFT_EMPTY = ("unreadable", "lost")  # see `said.Why`
CLEANED = ("repaired", "several", "empty")
MISTYPED = "mistyped"


@dataclass(frozen=True, slots=True)
class WrongCell:
    """`key` stays the same when the run is judged again. `column`: empty where the row as a whole is wrong, and of a
    domain. `row`: the first. Of a domain `sentence` is the domain that is probably meant."""

    key: str
    kind: str  # of a row that fails its verdict; else why the cell is told of; or MISTYPED
    column: str
    value: str
    sentence: str
    cells: int
    row: int
    email: str  # of the first row

    @property
    def is_cut(self) -> bool:
        """Whether the cell holds more than what is shown."""
        return len(self.value) >= LONGEST_SHOWN

    @property
    def can_be_corrected(self) -> bool:
        return bool(self.column) or self.kind == MISTYPED

    @property
    def has_equals(self) -> bool:
        """Whether several cells of the column can be corrected at once."""
        return self.cells > 1 and not self.is_cut


@dataclass(frozen=True, slots=True)
class WrongCells:
    """The first of some kinds, how many different ones there are, and how many cells hold them."""

    shown: Sequence[WrongCell]
    different: int
    cells: int


def find_wrong(run: ImportRun, cursor: Any) -> None:
    """Makes the table. In the transaction of the step that judges."""
    names = {"wrong": wrong_of(run), "stage": stage_of(run), "judged": judged_of(run)}
    cursor.execute(f"DROP TABLE IF EXISTS {wrong_of(run)}")
    cursor.execute(FIND.format(**names))
    rows = [(domain, meant, count, row) for domain, meant, count, row in _mistyped(run, cursor)][:MOST_DOMAINS]
    if rows:
        cursor.execute(
            f"INSERT INTO {wrong_of(run)} (key, kind, header, value, sentence, cells, number) "  # noqa: S608 -- ours
            "SELECT md5('mistyped' || domain), 'mistyped', '', domain, meant, cells, number "
            "FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::int[]) AS said(domain, meant, cells, number)",
            [list(column) for column in zip(*rows, strict=True)],
        )


def mistyped_notices(run: ImportRun, cursor: Any) -> list[str]:
    """What is said of addresses that look mistyped, for every door. No address stands in it: notices are kept."""
    cursor.execute(
        f"SELECT value, sentence, cells FROM {wrong_of(run)} WHERE kind = %s ORDER BY cells DESC, value",  # noqa: S608 -- ours
        [MISTYPED],
    )
    found = cursor.fetchall()
    if not found:
        return []
    total = sum(count for _, _, count in found)
    domain, meant, _ = found[0]
    looks = "1 address looks" if total == 1 else f"{total:,} addresses look"
    return [f"{looks} mistyped, such as those at {domain} (did you mean {meant}?). They are imported as they stand."]


def wrong_cells(run: ImportRun, kinds: Sequence[str], most: int) -> WrongCells:
    """Of a run whose preview is held (`holding.py`). Those that most cells hold come first."""
    with connection.cursor() as cursor:
        cursor.execute(PAGE.format(wrong=wrong_of(run), stage=stage_of(run)), {"kinds": list(kinds), "most": most})
        found = cursor.fetchall()
    different, cells = found[0][:2] if found else (0, 0)
    return WrongCells([WrongCell(*row[2:]) for row in found], different, int(cells))


def cells_by_key(run: ImportRun, keys: Iterable[str]) -> dict[str, WrongCell]:
    return {each.key: each for each in _where(run, "w.key = ANY(%s)", [list(keys)])}


def cells_that_hold(run: ImportRun, column: str, value: str) -> list[WrongCell]:
    return _where(run, "w.header = %s AND w.value = %s", [column, value])


def is_wrong_in_row(run: ImportRun, column: str, row: int) -> bool:
    """Whether anything is said of the cell in that column of that row."""
    with connection.cursor() as cursor:
        cursor.execute(IN_ROW.format(stage=stage_of(run), judged=judged_of(run)), {"row": row, "column": column})
        return bool(cursor.fetchone()[0])


def _where(run: ImportRun, condition: str, values: list[Any]) -> list[WrongCell]:
    with connection.cursor() as cursor:
        cursor.execute(CELLS.format(wrong=wrong_of(run), stage=stage_of(run), condition=condition), values)
        return [WrongCell(*row) for row in cursor.fetchall()]


def _mistyped(run: ImportRun, cursor: Any) -> list[tuple[str, str, int, int]]:
    """Domains that look mistyped, but for those at which mail was delivered: the most frequent first."""
    found = []
    cursor.execute(DOMAINS.format(stage=stage_of(run)))
    while rows := cursor.fetchmany(5000):
        found += [(domain, meant, count, row) for domain, count, row in rows if (meant := meant_by(domain))]
    cursor.execute(DELIVERED, [[domain for domain, *_ in found]])
    delivered = {row[0] for row in cursor.fetchall()}
    return sorted((each for each in found if each[0] not in delivered), key=lambda each: (-each[2], each[0]))


# Of texts that are nothing, or that only their row makes wrong, each stands by itself.
FIND = """
CREATE UNLOGGED TABLE {wrong} AS
WITH said AS (
    SELECT s.number, CASE WHEN s.problems IS NULL THEN c ->> 3 ELSE 'invalid' END AS kind,
           c ->> 0 AS header, c ->> 1 AS value, c ->> 2 AS sentence
    FROM {stage} s CROSS JOIN jsonb_array_elements(coalesce(s.problems, s.notices)) AS one(c)
    WHERE s.problems IS NOT NULL OR s.notices IS NOT NULL
    UNION ALL
    SELECT j.number, j.verdict, j.problem ->> 0, j.problem ->> 1, j.problem ->> 2
    FROM {judged} j WHERE j.problem IS NOT NULL
), alone AS (
    SELECT *, CASE WHEN value = '' OR header = '' OR kind IN ('conflict', 'not_yours') THEN number END AS by_itself
    FROM said
)
SELECT md5(concat_ws(E'\\n', kind, header, value, by_itself)) AS key, kind, header, value, min(sentence) AS sentence,
       count(*) AS cells, min(number) AS number
FROM alone GROUP BY kind, header, value, by_itself
"""
DOMAINS = """
SELECT split_part(email, '@', -1), count(*), min(number) FROM {stage}
WHERE email IS NOT NULL AND problems IS NULL GROUP BY 1
"""
DELIVERED = """
SELECT DISTINCT domain FROM bounces_address
WHERE domain = ANY(%s) AND last_delivered_at IS NOT NULL AND status <> 'invalid'
"""
PAGE = """
SELECT count(*) OVER (), sum(w.cells) OVER (), w.key, w.kind, w.header, w.value, w.sentence, w.cells, w.number,
       coalesce((SELECT s.email FROM {stage} s WHERE s.number = w.number LIMIT 1), '')
FROM {wrong} w WHERE w.kind = ANY(%(kinds)s)
ORDER BY array_position(%(kinds)s::text[], w.kind), w.header = '', w.cells DESC, w.number, w.header LIMIT %(most)s
"""
CELLS = """
SELECT w.key, w.kind, w.header, w.value, w.sentence, w.cells, w.number,
       coalesce((SELECT s.email FROM {stage} s WHERE s.number = w.number LIMIT 1), '')
FROM {wrong} w WHERE {condition}
"""
IN_ROW = """
SELECT EXISTS (
    SELECT FROM {stage} s
    CROSS JOIN jsonb_array_elements(coalesce(s.problems, '[]') || coalesce(s.notices, '[]')) AS one(said)
    WHERE s.number = %(row)s AND said ->> 0 = %(column)s
) OR EXISTS (SELECT FROM {judged} j WHERE j.number = %(row)s AND j.problem ->> 0 = %(column)s)
"""
