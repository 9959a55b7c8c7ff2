"""Rows whose address was erased: its keyed hash is a suppression that waits, and takes hold as soon as the row comes.

In: a judged stage. Out: a table of such rows' numbers, for the preview. They become contacts that nobody can email.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bounces.addresses import has_orphaned_suppressions, suppression_key
from bounces.conditions import in_force
from contacts.importing.staging import CHUNK, erased_of, judged_of, stage_of
from contacts.models import ImportRun

STRANGERS = """
SELECT s.number, s.email FROM {judged} j JOIN {stage} s ON s.number = j.number
WHERE j.address_id IS NULL AND j.verdict IN ('new', 'update') AND s.email IS NOT NULL AND s.number > %(after)s
ORDER BY s.number LIMIT %(most)s
"""
ERASED = f"""
INSERT INTO {{erased}} (number)
SELECT DISTINCT given.number FROM unnest(%(numbers)s::int[], %(keys)s::bytea[]) AS given(number, key)
JOIN bounces_suppression s ON s.address_key = given.key
WHERE s.scope = 'address' AND s.address_id IS NULL AND {in_force("s")}
"""  # noqa: S608 -- a condition of ours


def sentence_of(rows: int) -> str:
    """What happens to them, for people; empty where there are none."""
    if not rows:
        return ""
    if rows == 1:
        return "1 row has an address that was erased. Its contact is imported but never emailed."
    return f"{rows:,} rows have addresses that were erased. Their contacts are imported but never emailed."


def mark_erased(run: ImportRun, cursor: Any, now: datetime) -> int:
    """How many rows these are. Where nothing was ever erased no address is hashed."""
    cursor.execute(f"DROP TABLE IF EXISTS {erased_of(run)}")
    if not has_orphaned_suppressions():
        return 0
    cursor.execute(f"CREATE UNLOGGED TABLE {erased_of(run)} (number int NOT NULL)")
    found, after = 0, 0
    names = {"judged": judged_of(run), "stage": stage_of(run), "erased": erased_of(run)}
    while True:
        cursor.execute(STRANGERS.format(**names), {"after": after, "most": CHUNK})
        rows = cursor.fetchall()
        if not rows:
            return found
        numbers, emails = zip(*rows, strict=True)
        after = numbers[-1]
        keys = [suppression_key(email) for email in emails]
        cursor.execute(ERASED.format(**names), {"numbers": list(numbers), "keys": keys, "now": now})
        found += cursor.rowcount
