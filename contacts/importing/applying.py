"""A batch of staged rows -> tables, in sets: the number of statements does not grow with the batch.

In: the numbers of rows that the preview would write. Out: contacts with their company, addresses, tags, search document
and a line in their timeline, and what became of each row, all in the caller's transaction. What came since the preview
counts: rows that were new are tried as such, the others judged again. Everything that is made carries the run's moment
(`applied_at`): that is how undo knows it. An import never writes a status and lifts no suppression.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.db import connection

from contacts.importing.columns import CHANGED_LABELS
from contacts.importing.fresh import write_fresh
from contacts.importing.judging import Judge
from contacts.importing.rest import write_rest
from contacts.importing.staging import judged_of, stage_of
from contacts.importing.taking import Batch, take_batch
from contacts.models import ImportPack, ImportRun

BATCH = 10_000
# Counted where PostgreSQL still takes them for empty: autovacuum comes a minute later.
GROWING = ["bounces_address", "contacts_contact", "contacts_contactaddress", "contacts_company"]


def apply_batch(judge: Judge, size: int = BATCH) -> tuple[int, int, dict[str, int]]:
    """Writes the next rows; returns the number of the last one, how many there were, and how many were written.

    No last one: there is nothing left. Raises IntegrityError where somebody else took an external id of a row at the
    same moment: the batch may come again, and a smaller one meets nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '32MB'")
        batch = take_batch(judge, cursor, size)
        if not batch.rows:
            return 0, 0, {}
        values = _values(judge, batch)
        cursor.execute(HOLD_ADDRESSES.format(batch=batch.sql), values)
        _make_names(judge, cursor, values, batch)
        fresh = 0
        if batch.has_new:
            fresh = write_fresh(cursor, batch, values)
        counts = Counter({"new": fresh} if fresh else {})
        if fresh < batch.rows:
            counts.update(write_rest(judge, cursor, values, batch, fresh))
        return batch.last, batch.rows, dict(counts)


def _values(judge: Judge, batch: Batch) -> dict[str, Any]:
    run, options = judge.run, judge.options
    return {
        "run": run.pk,
        "after": run.cursor,
        "last": batch.last,
        "at": run.applied_at,
        "by": run.started_by_id,
        "owner": options.owner_id,
        "source": options.source,
        "update": options.update,
        "tool": judge.tool,
        "origin": f"From {run.name}, row ",
        "labels": json.dumps(CHANGED_LABELS),
        "now": run.applied_at,
    }


def _make_names(judge: Judge, cursor: Any, values: dict[str, Any], batch: Batch) -> None:
    """Companies and tags that are missing, in sorted order, so that two who make them never wait in a circle."""
    if batch.has_companies:
        cursor.execute(MAKE_COMPANIES.format(batch=batch.sql), values)
    if batch.has_tags:
        cursor.execute(MAKE_TAGS.format(batch=batch.sql), values)
        made = [row[0] for row in cursor.fetchall()]
        if made:
            judge.run.made = {**judge.run.made, "tags": [*judge.run.made.get("tags", []), *made]}


def write_other_outcomes(run: ImportRun) -> None:
    """Of the rows that are not written: invalid ones, conflicts, repetitions. Before the first batch, and of those that
    are left where they were judged anew amid the batches.
    """
    packed = [each.value for each in ImportPack.VERDICTS if run.counts.get(each.value, 0) <= ImportPack.MOST]
    values: dict[str, Any] = {"run": run.pk, "after": run.cursor, "packed": packed}
    with connection.cursor() as cursor:
        cursor.execute(FORGET_OTHER_OUTCOMES, values)
        names = {"judged": judged_of(run), "stage": stage_of(run)}
        cursor.execute(OTHER_OUTCOMES.format(**names), values)
        cursor.execute(PACKED_OUTCOMES.format(**names), values)


def tell_planner() -> None:
    """Counts the tables that PostgreSQL takes for empty or small, and that have doubled since. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r' AND reltuples < 20000 "
            "AND pg_relation_size(oid) >= 2 * greatest(relpages, 1) * current_setting('block_size')::int",
            [GROWING],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def settle_search() -> None:
    """A trigram index keeps what a bulk load adds in a list that every search reads: merged now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('contact_search'::regclass)")


MAKE_COMPANIES = """
INSERT INTO contacts_company (name, domain, country, notes, created_at)
SELECT said.name, '', '', '', %(at)s
FROM (
    SELECT lower(company) AS lowered, (array_agg(company ORDER BY number))[1] AS name
    FROM ({batch}) AS b WHERE company <> '' GROUP BY 1
) AS said
WHERE NOT EXISTS (SELECT FROM contacts_company k WHERE lower(k.name) = said.lowered)
ORDER BY said.lowered
ON CONFLICT DO NOTHING
"""
MAKE_TAGS = """
INSERT INTO contacts_tag (name)
SELECT min(said.name) FROM ({batch}) AS b CROSS JOIN unnest(b.tags) AS said(name)
WHERE b.tags IS NOT NULL AND NOT EXISTS (SELECT FROM contacts_tag t WHERE lower(t.name) = lower(said.name))
GROUP BY lower(said.name) ORDER BY lower(said.name)
ON CONFLICT DO NOTHING
RETURNING id
"""
# As a page does that saves a contact, and as there before its company: neither makes the same person beside the other,
# and they never wait in a circle.
HOLD_ADDRESSES = """
SELECT a.id FROM bounces_address a
WHERE a.id IN (SELECT was_address_id FROM ({batch}) AS b WHERE was_verdict = 'new' AND was_address_id IS NOT NULL)
ORDER BY a.id FOR NO KEY UPDATE
"""
FORGET_OTHER_OUTCOMES = """
DELETE FROM contacts_importrow
WHERE run_id = %(run)s AND number > %(after)s AND verdict NOT IN ('new', 'update')
"""
OTHER_OUTCOMES = """
INSERT INTO contacts_importrow
    (run_id, number, verdict, email, known, contact_id, changes, was_updated_at, problems, cells)
SELECT %(run)s, j.number, j.verdict, coalesce(s.email, ''), '', j.contact_id, NULL, NULL,
       coalesce(s.problems, CASE WHEN j.problem IS NOT NULL THEN jsonb_build_array(j.problem) END), s.cells
FROM {judged} j JOIN {stage} s ON s.number = j.number
WHERE j.verdict NOT IN ('new', 'update') AND NOT j.verdict = ANY(%(packed)s) AND j.number > %(after)s
ORDER BY j.number
"""
# Of rows that were judged anew, those up to the cursor stay as they were.
PACKED_OUTCOMES = """
WITH gone AS (
    DELETE FROM contacts_importpack WHERE run_id = %(run)s RETURNING verdict, numbers, emails, contact_ids, details
), idle AS (
    SELECT g.verdict, was.number, was.email, was.contact_id, was.detail
    FROM gone g CROSS JOIN ROWS FROM (
        unnest(g.numbers), unnest(g.emails), unnest(g.contact_ids), jsonb_array_elements(g.details)
    ) AS was(number, email, contact_id, detail)
    WHERE was.number <= %(after)s
    UNION ALL
    SELECT j.verdict, j.number, coalesce(s.email, ''), j.contact_id,
           CASE WHEN s.problems IS NOT NULL OR j.problem IS NOT NULL OR s.cells IS NOT NULL
                THEN jsonb_build_array(coalesce(s.problems, jsonb_build_array(j.problem)), s.cells) END
    FROM {judged} j JOIN {stage} s ON s.number = j.number
    WHERE j.verdict = ANY(%(packed)s) AND j.number > %(after)s
), placed AS (
    SELECT *, (row_number() OVER (PARTITION BY verdict, detail IS NULL ORDER BY number) - 1)
              / CASE WHEN detail IS NULL THEN 5000 ELSE 500 END AS pack
    FROM idle
)
INSERT INTO contacts_importpack (run_id, verdict, numbers, emails, contact_ids, details)
SELECT %(run)s, verdict, array_agg(number ORDER BY number), array_agg(email ORDER BY number),
       array_agg(contact_id ORDER BY number),
       jsonb_agg(detail ORDER BY number) FILTER (WHERE detail IS NOT NULL)
FROM placed GROUP BY verdict, (detail IS NULL), pack ORDER BY verdict, pack
"""
