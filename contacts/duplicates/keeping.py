"""Store keys and pairs. In: facts and judgements. Out: rows; unchanged rows are not written again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.duplicates.facts import facts_of
from contacts.duplicates.keys import KIND_BITS, KINDS, LARGEST, keys_of
from contacts.duplicates.scoring import Judgement

Pair = tuple[int, int]  # the smaller id first
PHONE = KINDS.index("phone")


@dataclass(frozen=True, slots=True)
class Candidates:
    """`pairs`: the number of contacts with the phone that both have, 0 without one. `skipped`: the sizes of groups that
    are too large, by key; a search reports each of them once, in the batch of its first contact."""

    pairs: dict[Pair, int]
    skipped: dict[int, int]


def write_keys(contact_ids: Sequence[int]) -> None:
    """Update the keys of these contacts, and delete those of deleted contacts. Idempotent."""
    found = facts_of(contact_ids)
    rows = [{"contact_id": pk, "keys": keys_of(facts)} for pk, facts in found.items()]
    with connection.cursor() as cursor:
        cursor.execute(WRITE_KEYS, [json.dumps(rows)])
        gone = [pk for pk in contact_ids if pk not in found]
        cursor.execute("DELETE FROM contacts_duplicatekeys WHERE contact_id = ANY(%s)", [gone])


WRITE_KEYS = """
INSERT INTO contacts_duplicatekeys AS held (contact_id, keys)
SELECT given.contact_id, given.keys FROM jsonb_to_recordset(%s::jsonb) AS given(contact_id bigint, keys bigint[])
 ORDER BY given.contact_id
    ON CONFLICT (contact_id) DO UPDATE SET keys = excluded.keys WHERE held.keys <> excluded.keys
"""


def candidates_of(contact_ids: Sequence[int], *, only_earlier: bool) -> Candidates:
    """Find contacts that share a key with these. `only_earlier`: only smaller ids, so that a search of all sees each
    pair once.

    Each key is looked up once, however many of these contacts have it.
    """
    values: dict[str, Any] = {"ids": list(contact_ids), "largest": LARGEST, "earlier": only_earlier}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, values)
        pairs, skipped = dict[Pair, int](), dict[int, int]()
        for key, size, first, second in cursor.fetchall():
            if first is None:
                skipped[key] = size
            else:
                sharers = size if key & (2**KIND_BITS - 1) == PHONE else 0
                pairs[first, second] = max(pairs.get((first, second), 0), sharers)
    return Candidates(pairs, skipped)


CANDIDATES = f"""
WITH mine AS MATERIALIZED (
    SELECT contact_id, unnest(keys) AS key FROM contacts_duplicatekeys WHERE contact_id = ANY(%(ids)s)
), members AS MATERIALIZED (
    SELECT wanted.key, held.ids, cardinality(held.ids) AS size
      FROM (SELECT DISTINCT key FROM mine) AS wanted
     CROSS JOIN LATERAL (
           SELECT array_agg(contact_id ORDER BY contact_id) AS ids
             FROM contacts_duplicatekeys WHERE keys @> ARRAY[wanted.key]) AS held
     WHERE cardinality(held.ids) > 1
), small AS (
    SELECT * FROM members WHERE size <= (%(largest)s::int[])[1 + (key & {2**KIND_BITS - 1})]
)
SELECT DISTINCT small.key, small.size, least(mine.contact_id, other.id), greatest(mine.contact_id, other.id)
  FROM small JOIN mine ON mine.key = small.key CROSS JOIN LATERAL unnest(small.ids) AS other(id)
 WHERE other.id <> mine.contact_id AND (other.id < mine.contact_id OR NOT %(earlier)s)
UNION ALL
SELECT key, size, NULL, NULL FROM members
 WHERE ids[1] = ANY(%(ids)s) AND size > (%(largest)s::int[])[1 + (key & {2**KIND_BITS - 1})]
"""  # noqa: S608 -- a number of ours


def keep_pairs(
    subject: str,
    judged: Mapping[Pair, Judgement],
    about: Iterable[int] | None,
    now: datetime,
    *,
    only_earlier: bool = False,
) -> None:
    """Store the pairs found for these rows (None: all rows), and delete their open pairs that no longer match.

    Decided pairs stay. `only_earlier`: only pairs whose larger id is one of these rows. Idempotent.
    """
    rows = [
        {"first": first, "second": second, "kind": each.kind, "score": each.score, "is_certain": each.is_certain,
         "reasons": each.reasons}
        for (first, second), each in sorted(judged.items())
    ]  # fmt: skip
    values: dict[str, Any] = {
        "rows": json.dumps(rows),
        "now": now,
        "about": None if about is None else list(about),
        "earlier": only_earlier,
    }
    with connection.cursor() as cursor:
        cursor.execute(DROP_PAIRS.format(subject=subject), values)
        cursor.execute(KEEP_PAIRS.format(subject=subject), values)


DROP_PAIRS = """
DELETE FROM contacts_duplicatepair AS pair
 WHERE state = 'open' AND first_{subject}_id IS NOT NULL
   AND (%(about)s::bigint[] IS NULL OR second_{subject}_id = ANY(%(about)s::bigint[])
        OR (NOT %(earlier)s AND first_{subject}_id = ANY(%(about)s::bigint[])))
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS given(first bigint, second bigint)
                    WHERE given.first = pair.first_{subject}_id AND given.second = pair.second_{subject}_id)
"""
KEEP_PAIRS = """
INSERT INTO contacts_duplicatepair AS pair
       (first_{subject}_id, second_{subject}_id, kind, score, is_certain, reasons, state, found_at)
SELECT given.first, given.second, given.kind, given.score, given.is_certain, given.reasons, 'open', %(now)s
  FROM jsonb_to_recordset(%(rows)s::jsonb)
       AS given(first bigint, second bigint, kind text, score int, is_certain boolean, reasons jsonb)
    ON CONFLICT (first_{subject}_id, second_{subject}_id) DO UPDATE
   SET kind = excluded.kind, score = excluded.score, is_certain = excluded.is_certain, reasons = excluded.reasons
 WHERE pair.state = 'open' AND (pair.kind, pair.score, pair.is_certain, pair.reasons)
       IS DISTINCT FROM (excluded.kind, excluded.score, excluded.is_certain, excluded.reasons)
"""
