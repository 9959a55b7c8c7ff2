"""The next batch of a run. In: its verdicts, and the number of the last row that was dealt with. Out: a Batch.

Rows that the preview would write, of those that update a contact but a few: a page that saves one waits for the batch.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contacts.importing.judging import Judge
from contacts.importing.staging import judged_of, stage_of

UPDATES = 300  # a page that saves one of them waits less than 100 ms


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the stage, after the last batch and up to a number. `sql`: they, with what the preview said (`was_…`)."""

    sql: str
    last: int
    rows: int
    has_new: bool
    has_companies: bool
    has_tags: bool
    has_notes: bool


def take_batch(judge: Judge, cursor: Any, size: int) -> Batch:
    run, words = judge.run, set(judge.run.mapping.values())
    names = {"judged": judged_of(run), "stage": stage_of(run)}
    cursor.execute("DROP TABLE IF EXISTS import_batch, import_write, import_rest")
    cursor.execute(TAKE.format(**names), {"after": run.cursor, "size": size, "updates": UPDATES})
    last, rows, has_new = cursor.fetchone()
    return Batch(
        ROWS.format(**names),
        last,
        rows,
        has_new=has_new,
        has_companies="company" in words,
        has_tags="tags" in words or bool(judge.options.tags),
        has_notes="notes" in words,
    )


TAKE = """
WITH next AS (
    SELECT number, verdict,
           count(*) FILTER (WHERE verdict = 'update') OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) AS updates
    FROM {judged} WHERE number > %(after)s AND verdict IN ('new', 'update') ORDER BY number LIMIT %(size)s
)
SELECT coalesce(max(number), 0), count(*), coalesce(bool_or(verdict = 'new'), false)
FROM next WHERE updates <= %(updates)s
"""
# Both between two numbers: or else the whole stage is read for each batch.
ROWS = """
SELECT s.*, j.verdict AS was_verdict, j.contact_id AS was_contact_id, j.address_id AS was_address_id
FROM {judged} j JOIN {stage} s ON s.number = j.number
WHERE j.number > %(after)s AND j.number <= %(last)s AND j.verdict IN ('new', 'update')
  AND s.number > %(after)s AND s.number <= %(last)s
"""
