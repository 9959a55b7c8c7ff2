"""A batch of staged rows -> tables, in sets: the number of statements does not grow with the batch.

In: the numbers of rows that the preview would write. Out: contacts with their company, addresses, tags, search document
and a line in their timeline, and what became of each row, all in the caller's transaction. The batch is judged again
first: what came since the preview counts. Everything that is made carries the run's moment (`applied_at`): that is how
undo knows it. An import never writes a status and lifts no suppression.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection

from bounces.addresses import link_orphaned_suppressions
from bounces.models import Suppression
from contacts.fields import LABELS
from contacts.importing.comparing import CHANGES
from contacts.importing.fresh import UNLESS_MADE, making, write_fresh
from contacts.importing.judging import Judge, judge_rows
from contacts.importing.staging import judged_of, stage_of
from contacts.importing.writing import write
from contacts.models import ImportRun

BATCH = 10_000
UPDATES = 500  # of a batch at most: their contacts are locked meanwhile, and a page that saves one waits
# Counted where PostgreSQL still takes them for empty: autovacuum comes a minute later.
GROWING = ["bounces_address", "contacts_contact", "contacts_contactaddress", "contacts_company"]


def apply_batch(judge: Judge, size: int = BATCH) -> tuple[int, int, dict[str, int]]:
    """Writes the next rows; returns the number of the last one, how many there were, and how many were written.

    No last one: there is nothing left.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '32MB'")
        batch = _take(judge, cursor, size)
        if not batch.rows:
            return 0, 0, {}
        values = _values(judge, batch)
        _make_names(judge, cursor, values, batch)
        fresh = _write_fresh(cursor, values, batch)
        counts = Counter({"new": fresh} if fresh else {})
        if fresh < batch.rows:
            counts.update(_write_rest(judge, cursor, values, batch, fresh))
        return batch.last, batch.rows, dict(counts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the stage, after the last batch and up to a number. `sql`: they, with what the preview said (`was_…`)."""

    sql: str
    last: int
    rows: int
    has_new: bool
    has_companies: bool
    has_others: bool
    has_tags: bool


def _take(judge: Judge, cursor: Any, size: int) -> Batch:
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
        has_others="other_emails" in words,
        has_tags="tags" in words or bool(judge.options.tags),
    )


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
        "origin": f"From {run.name}, row ",
        "labels": json.dumps(LABELS),
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


def _write_fresh(cursor: Any, values: dict[str, Any], batch: Batch) -> int:
    """Addresses that are there are held, as a page does that saves a contact: neither makes the same person beside the
    other. Those that were erased once get back their suppressions.
    """
    cursor.execute(HOLD_ADDRESSES.format(batch=batch.sql), values)
    has_orphans = Suppression.objects.filter(scope="address", address=None, lifted_at=None).exists()
    if batch.has_new and not has_orphans:
        return write_fresh(cursor, batch.sql, values, has_others=batch.has_others, has_tags=batch.has_tags)
    cursor.execute(f"{making(batch.sql, has_others=batch.has_others)} {UNLESS_MADE} RETURNING id, email", values)
    if has_orphans:
        link_orphaned_suppressions(cursor.fetchall())
    return 0


def _write_rest(judge: Judge, cursor: Any, values: dict[str, Any], batch: Batch, fresh: int) -> dict[str, int]:
    """The rows that are about a contact, or whose address was known: by way of `import_batch` and `import_write`."""
    is_left = NOT_WRITTEN if fresh else ""
    cursor.execute(f"CREATE TEMP TABLE import_batch ON COMMIT DROP AS {batch.sql} {is_left}", values)
    cursor.execute(f"CREATE TEMP TABLE import_write ON COMMIT DROP AS {STILL_NEW}", values)
    cursor.execute("SELECT count(*) FROM import_write")
    is_all_new = fresh + cursor.fetchone()[0] == batch.rows
    if not is_all_new:
        _judge_rest(judge, cursor, values)
    counts = write(cursor, values, has_others=batch.has_others, has_tags=batch.has_tags)
    if not is_all_new:
        cursor.execute(OTHERS_OF_BATCH, values)
    return counts


def _judge_rest(judge: Judge, cursor: Any, values: dict[str, Any]) -> None:
    """The others are judged again, their contacts locked, and added to what is written."""
    cursor.execute(f"CREATE TEMP TABLE import_rest ON COMMIT DROP AS {REST}")
    cursor.execute("ANALYZE import_rest (number, email, external_id)")
    cursor.execute(LOCK.format(contact="s.was_contact_id", rows="import_rest s"))
    judge_rows(judge, cursor, "import_rest")
    cursor.execute(MET_OTHERS)
    if cursor.fetchone()[0]:
        cursor.execute(LOCK.format(contact="j.contact_id", rows="import_judged j"))
        judge_rows(judge, cursor, "import_rest")
    cursor.execute(f"INSERT INTO import_write {WRITE.format(changes=CHANGES)}", values)


def write_other_outcomes(run: ImportRun) -> None:
    """Of the rows that are not written: invalid ones, conflicts, repetitions. Once, before the first batch."""
    with connection.cursor() as cursor:
        cursor.execute(OTHER_OUTCOMES.format(judged=judged_of(run), stage=stage_of(run)), {"run": run.pk})


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
NOT_WRITTEN = "AND NOT EXISTS (SELECT FROM contacts_importrow w WHERE w.run_id = %(run)s AND w.number = s.number)"
MAKE_COMPANIES = """
INSERT INTO contacts_company (name, domain, country, notes, created_at)
SELECT said.name, '', '', '', %(at)s
FROM (
    SELECT lower(company) AS lowered, min(company) AS name FROM ({batch}) AS b WHERE company <> '' GROUP BY 1
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
HOLD_ADDRESSES = """
SELECT a.id FROM bounces_address a
WHERE a.id IN (SELECT was_address_id FROM ({batch}) AS b WHERE was_verdict = 'new' AND was_address_id IS NOT NULL)
ORDER BY a.id FOR NO KEY UPDATE
"""
STILL_NEW = """
SELECT s.was_verdict AS verdict, NULL::text[] AS changed, a.id AS address_id, k.id AS company_id,
       coalesce(k.name, '') AS company_name, nextval('contacts_contact_id_seq') AS contact_id, NULL::jsonb AS changes,
       NULL::timestamptz AS was_updated_at, s.number, s.email, s.others, s.first_name, s.last_name, s.title,
       s.owner_id, s.phone, s.country, s.tags, s.source, s.external_id, s.custom
FROM import_batch s
LEFT JOIN bounces_address a ON a.email = s.email
LEFT JOIN contacts_company k ON lower(k.name) = lower(s.company)
WHERE s.was_verdict = 'new' AND (a.id IS NOT NULL OR s.email IS NULL)
  AND NOT EXISTS (
      SELECT FROM contacts_contact x WHERE x.external_id = s.external_id AND x.deleted_at IS NULL)
  AND NOT EXISTS (
      SELECT FROM contacts_contactaddress r JOIN contacts_contact c ON c.id = r.contact_id AND c.deleted_at IS NULL
      WHERE r.address_id = a.id AND r.is_primary)
"""
REST = """
SELECT s.* FROM import_batch s WHERE NOT EXISTS (SELECT FROM import_write w WHERE w.number = s.number)
"""
LOCK = """
SELECT c.id FROM contacts_contact c WHERE c.id IN (SELECT {contact} FROM {rows}) ORDER BY c.id FOR NO KEY UPDATE
"""
# Whose contacts are others than in the preview: they are not locked yet.
MET_OTHERS = """
SELECT EXISTS (
    SELECT contact_id FROM import_judged WHERE verdict = 'update' EXCEPT SELECT was_contact_id FROM import_rest)
"""
WRITE = """
SELECT j.verdict, j.changed, j.address_id, k.id, coalesce(k.name, ''),
       CASE WHEN j.verdict = 'new' THEN nextval('contacts_contact_id_seq') ELSE j.contact_id END,
       CASE WHEN j.verdict = 'update' THEN written.changes END,
       CASE WHEN j.verdict = 'update' THEN written.updated_at END,
       s.number, s.email, s.others, s.first_name, s.last_name, s.title, s.owner_id, s.phone, s.country, s.tags,
       s.source, s.external_id, s.custom
FROM import_judged j
JOIN import_rest s ON s.number = j.number
LEFT JOIN contacts_company k ON lower(k.name) = lower(s.company)
LEFT JOIN LATERAL (
    SELECT {changes} AS changes, c.updated_at
    FROM contacts_contact c LEFT JOIN contacts_company k ON k.id = c.company_id
    WHERE c.id = j.contact_id AND j.verdict = 'update'
) AS written ON j.verdict = 'update'
WHERE j.verdict IN ('new', 'update')
"""
# Of rows that are not what they were in the preview.
OTHERS_OF_BATCH = """
INSERT INTO contacts_importrow (run_id, number, verdict, email, contact_id, problems)
SELECT %(run)s, j.number, j.verdict, coalesce(s.email, ''), j.contact_id,
       CASE WHEN j.problem IS NOT NULL THEN jsonb_build_array(j.problem) END
FROM import_judged j JOIN import_rest s ON s.number = j.number
WHERE j.verdict NOT IN ('new', 'update')
"""
OTHER_OUTCOMES = """
INSERT INTO contacts_importrow
    (run_id, number, verdict, email, known, contact_id, changes, was_updated_at, problems, cells)
SELECT %(run)s, j.number, j.verdict, coalesce(s.email, ''), '', j.contact_id, NULL, NULL,
       coalesce(s.problems, CASE WHEN j.problem IS NOT NULL THEN jsonb_build_array(j.problem) END), s.cells
FROM {judged} j JOIN {stage} s ON s.number = j.number
WHERE j.verdict NOT IN ('new', 'update')
ORDER BY j.number
"""
