"""The cells of rows that failed although nothing was wrong with them: read from the file once more.

In: a judged run. Out: the stage's `cells` of conflicts and of somebody else's contacts, so that the report can give the
row back to be mended. Good rows do not keep their cells: a million of them would be written for nothing.
"""

from __future__ import annotations

import json

from django.db import connection

from contacts.importing.rows import open_run
from contacts.importing.staging import chunks, judged_of, stage_of
from contacts.models import ImportRun

NEEDED = """
SELECT j.number FROM {judged} j JOIN {stage} s ON s.number = j.number
WHERE j.verdict IN ('conflict', 'not_yours') AND s.cells IS NULL AND j.number BETWEEN %s AND %s
"""


def recall_cells(run: ImportRun) -> None:
    """May run twice."""
    needed = NEEDED.format(judged=judged_of(run), stage=stage_of(run))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({needed})", [0, 2**31 - 1])
        if not cursor.fetchone()[0]:
            return
        for chunk in chunks(open_run(run).table.lines):
            cursor.execute(needed, [chunk[0].number, chunk[-1].number])
            numbers = {row[0] for row in cursor.fetchall()}
            if not numbers:
                continue
            found = [line for line in chunk if line.number in numbers]
            cursor.execute(
                f"UPDATE {stage_of(run)} s SET cells = said.cells "  # noqa: S608 -- made of a number
                "FROM unnest(%s::int[], %s::jsonb[]) AS said(number, cells) WHERE s.number = said.number",
                [
                    [line.number for line in found],
                    [json.dumps(dict(zip(run.headers, line.cells, strict=True))) for line in found],
                ],
            )
