"""What is said of single cells, summed up by column. In: a filled stage. Out: sentences for people."""

from __future__ import annotations

from typing import Any

from contacts.importing.said import Why, summed_up
from contacts.importing.staging import stage_of
from contacts.models import ImportRun

MOST = 30  # sentences
SUMMED = """
SELECT n ->> 3, n ->> 0, count(*), min(number),
       (array_agg(n ->> 1 ORDER BY number))[1], (array_agg(n ->> 2 ORDER BY number))[1]
FROM {stage} CROSS JOIN jsonb_array_elements(notices) AS said(n)
WHERE notices IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 2, 1 LIMIT %s
"""


def notices_in(run: ImportRun, cursor: Any) -> list[str]:
    cursor.execute(SUMMED.format(stage=stage_of(run)), [MOST])
    return [summed_up(Why(why), header, *rest) for why, header, *rest in cursor.fetchall()]
