"""A batch of staged rows -> tables, in sets: the number of statements does not grow with the batch.

In: the numbers of rows that the preview would write. Out: contacts with their company, addresses, tags, search document
and a line in their timeline, and what became of each row, all in the caller's transaction. The batch is judged again
first: what came since the preview counts. Everything that is made carries the run's moment (`applied_at`): that is how
undo knows it. An import never writes a status and lifts no suppression.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from bounces.addresses import link_orphaned_suppressions
from bounces.models import Suppression
from contacts.fields import LABELS
from contacts.importing.comparing import CHANGES, CUSTOM_THEN
from contacts.importing.judging import Judge, judge_batch, known_sql
from contacts.importing.staging import judged_of, stage_of
from contacts.models import ImportRun
from contacts.search import index_documents

BATCH = 10_000
# Counted where PostgreSQL still takes them for empty: autovacuum comes a minute later.
GROWING = ["bounces_address", "contacts_contact", "contacts_contactaddress", "contacts_company"]


def apply_batch(judge: Judge, size: int = BATCH) -> tuple[int, dict[str, int]]:
    """Writes the next rows; returns the number of the last one that is dealt with, and how many were written.

    No last one: there is nothing left.
    """
    run = judge.run
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '32MB'")
        cursor.execute("DROP TABLE IF EXISTS import_batch")
        cursor.execute(
            f"CREATE TEMP TABLE import_batch ON COMMIT DROP AS SELECT number FROM {judged_of(run)} "  # noqa: S608 -- made of a number
            "WHERE number > %s AND verdict IN ('new', 'update') ORDER BY number LIMIT %s",
            [run.cursor, size],
        )
        cursor.execute("ANALYZE import_batch")
        cursor.execute("SELECT max(number), count(*) FROM import_batch")
        last, taken = cursor.fetchone()
        if not taken:
            return 0, {}
        values = _values(judge)
        _make_names(judge, cursor, values)
        _make_addresses(judge, cursor, values)
        judge_batch(judge, cursor)
        if _lock_contacts(cursor):
            judge_batch(judge, cursor)
        _write(judge, cursor, values)
        cursor.execute("SELECT verdict, count(*) FROM import_judged WHERE verdict IN ('new', 'update') GROUP BY 1")
        return last, dict(cursor.fetchall())


def _values(judge: Judge) -> dict[str, Any]:
    run, options = judge.run, judge.options
    return {
        "run": run.pk,
        "at": run.applied_at,
        "by": run.started_by_id,
        "owner": options.owner_id,
        "source": options.source,
        "update": options.update,
        "origin": f"From {run.name}, row ",
        "labels": json.dumps(LABELS),
        "now": run.applied_at,
    }


def _make_names(judge: Judge, cursor: Any, values: dict[str, Any]) -> None:
    """Companies and tags that are missing, in sorted order, so that two who make them never wait in a circle."""
    stage = stage_of(judge.run)
    cursor.execute(MAKE_COMPANIES.format(stage=stage), values)
    cursor.execute(MAKE_TAGS.format(stage=stage), values)
    made = [row[0] for row in cursor.fetchall()]
    if made:
        judge.run.made = {**judge.run.made, "tags": [*judge.run.made.get("tags", []), *made]}


def _make_addresses(judge: Judge, cursor: Any, values: dict[str, Any]) -> None:
    """Sorted too. Those that were erased once get back their suppressions."""
    has_orphans = Suppression.objects.filter(scope="address", address=None, lifted_at=None).exists()
    returning = " RETURNING id, email" if has_orphans else ""
    cursor.execute(MAKE_ADDRESSES.format(stage=stage_of(judge.run)) + returning, values)
    if has_orphans:
        link_orphaned_suppressions(cursor.fetchall())


def _lock_contacts(cursor: Any) -> int:
    cursor.execute(
        "SELECT c.id FROM contacts_contact c JOIN import_judged j ON j.contact_id = c.id "
        "WHERE j.verdict = 'update' ORDER BY c.id FOR NO KEY UPDATE OF c"
    )
    return len(cursor.fetchall())


def _write(judge: Judge, cursor: Any, values: dict[str, Any]) -> None:
    stage = stage_of(judge.run)
    cursor.execute("DROP TABLE IF EXISTS import_write")
    write = WRITE.format(stage=stage, changes=CHANGES)
    cursor.execute(f"CREATE TEMP TABLE import_write ON COMMIT DROP AS {write}", values)
    cursor.execute("ANALYZE import_write")
    cursor.execute(
        "SELECT count(*) FILTER (WHERE verdict = 'new'), count(*) FILTER (WHERE verdict = 'update'), "
        "bool_or(others IS NOT NULL), bool_or(tags IS NOT NULL) FROM import_write"
    )
    new, updates, has_others, has_tags = cursor.fetchone()
    if new:
        cursor.execute(INSERT_CONTACTS, values)
        cursor.execute(INSERT_PRIMARY, values)
    if updates:
        _update(cursor, values)
    if has_others:
        cursor.execute(INSERT_OTHERS, values)
    if has_tags:
        cursor.execute(INSERT_TAGS, values)
    cursor.execute(INSERT_ACTIVITIES, values)
    cursor.execute(INSERT_OUTCOMES.format(stage=stage, known=known_sql("import_judged", stage)), values)
    if updates:
        cursor.execute("SELECT contact_id FROM import_write WHERE verdict = 'update'")
        index_documents([row[0] for row in cursor.fetchall()])


def _update(cursor: Any, values: dict[str, Any]) -> None:
    cursor.execute(UPDATE_CONTACTS, values)
    cursor.execute(STEP_BACK, values)  # first: only one may be primary at any moment
    cursor.execute(STEP_FORWARD, values)


def write_other_outcomes(run: ImportRun) -> None:
    """Of the rows that are not written: invalid ones, conflicts, repetitions. Once, before the first batch."""
    with connection.cursor() as cursor:
        cursor.execute(OTHER_OUTCOMES.format(judged=judged_of(run), stage=stage_of(run)), {"run": run.pk})


def tell_planner() -> None:
    """Counts the tables that PostgreSQL takes for empty. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r' AND reltuples < 20000", [GROWING]
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")


def settle_search() -> None:
    """A trigram index keeps what a bulk load adds in a list that every search reads: merged now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('contact_search'::regclass)")


MAKE_COMPANIES = """
INSERT INTO contacts_company (name, domain, country, notes, created_at)
SELECT min(s.company), '', '', '', %(at)s FROM {stage} s JOIN import_batch b ON b.number = s.number
WHERE s.company <> '' AND NOT EXISTS (SELECT FROM contacts_company k WHERE lower(k.name) = lower(s.company))
GROUP BY lower(s.company) ORDER BY lower(s.company)
ON CONFLICT DO NOTHING
"""
MAKE_TAGS = """
INSERT INTO contacts_tag (name)
SELECT min(said.name) FROM {stage} s JOIN import_batch b ON b.number = s.number
CROSS JOIN unnest(s.tags) AS said(name)
WHERE s.tags IS NOT NULL AND NOT EXISTS (SELECT FROM contacts_tag t WHERE lower(t.name) = lower(said.name))
GROUP BY lower(said.name) ORDER BY lower(said.name)
ON CONFLICT DO NOTHING
RETURNING id
"""
MAKE_ADDRESSES = """
INSERT INTO bounces_address (email, domain, created_at)
SELECT said.email, split_part(said.email, '@', -1), %(at)s
FROM (
    SELECT s.email FROM {stage} s JOIN import_batch b ON b.number = s.number WHERE s.email IS NOT NULL
    UNION
    SELECT unnest(s.others) FROM {stage} s JOIN import_batch b ON b.number = s.number WHERE s.others IS NOT NULL
) AS said
WHERE NOT EXISTS (SELECT FROM bounces_address known WHERE known.email = said.email)
ORDER BY said.email
ON CONFLICT (email) DO NOTHING
"""
WRITE = """
SELECT j.verdict, j.changed, j.address_id, k.id AS company_id, coalesce(k.name, '') AS company_name,
       CASE WHEN j.verdict = 'new' THEN nextval('contacts_contact_id_seq') ELSE j.contact_id END AS contact_id,
       CASE WHEN j.verdict = 'update' THEN written.changes END AS changes,
       CASE WHEN j.verdict = 'update' THEN written.updated_at END AS was_updated_at,
       s.number, s.email, s.others, s.first_name, s.last_name, s.title, s.owner_id, s.phone, s.country, s.tags,
       s.source, s.external_id, s.custom
FROM import_judged j
JOIN {stage} s ON s.number = j.number
LEFT JOIN contacts_company k ON lower(k.name) = lower(s.company)
LEFT JOIN LATERAL (
    SELECT {changes} AS changes, c.updated_at
    FROM contacts_contact c LEFT JOIN contacts_company k ON k.id = c.company_id
    WHERE c.id = j.contact_id AND j.verdict = 'update'
) AS written ON j.verdict = 'update'
WHERE j.verdict IN ('new', 'update')
ORDER BY s.number
"""
INSERT_CONTACTS = """
INSERT INTO contacts_contact
    (id, first_name, last_name, title, company_id, owner_id, phone, country, custom, source, external_id, document,
     created_at, updated_at)
SELECT contact_id, coalesce(first_name, ''), coalesce(last_name, ''), coalesce(title, ''), company_id,
       coalesce(owner_id, %(owner)s::bigint), coalesce(phone, ''), coalesce(country, ''),
       coalesce(jsonb_strip_nulls(custom), '{}'), coalesce(nullif(source, ''), %(source)s), external_id,
       lower(concat_ws(' ', nullif(first_name, ''), nullif(last_name, ''), nullif(company_name, ''), email,
                       array_to_string(array_remove(others, email), ' '))),
       %(at)s, %(at)s
FROM import_write WHERE verdict = 'new' ORDER BY contact_id
"""
INSERT_PRIMARY = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary, created_at)
SELECT contact_id, address_id, true, %(at)s FROM import_write
WHERE verdict = 'new' AND address_id IS NOT NULL ORDER BY contact_id
"""
INSERT_OTHERS = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary, created_at)
SELECT w.contact_id, a.id, false, %(at)s
FROM import_write w CROSS JOIN unnest(w.others) WITH ORDINALITY AS said(email, place)
JOIN bounces_address a ON a.email = said.email
WHERE w.email IS NOT NULL AND (w.verdict = 'new' OR 'addresses' = ANY(w.changed))
ORDER BY w.contact_id, said.place
ON CONFLICT (contact_id, address_id) DO NOTHING
"""
UPDATE_CONTACTS = f"""
UPDATE contacts_contact c SET
    first_name = CASE WHEN 'first_name' = ANY(s.changed) THEN s.first_name ELSE c.first_name END,
    last_name = CASE WHEN 'last_name' = ANY(s.changed) THEN s.last_name ELSE c.last_name END,
    title = CASE WHEN 'title' = ANY(s.changed) THEN s.title ELSE c.title END,
    phone = CASE WHEN 'phone' = ANY(s.changed) THEN s.phone ELSE c.phone END,
    country = CASE WHEN 'country' = ANY(s.changed) THEN s.country ELSE c.country END,
    source = CASE WHEN 'source' = ANY(s.changed) THEN s.source ELSE c.source END,
    external_id = CASE WHEN 'external_id' = ANY(s.changed) THEN s.external_id ELSE c.external_id END,
    owner_id = CASE WHEN 'owner' = ANY(s.changed) THEN s.owner_id ELSE c.owner_id END,
    company_id = CASE WHEN 'company' = ANY(s.changed) THEN s.company_id ELSE c.company_id END,
    custom = CASE WHEN 'custom' = ANY(s.changed) THEN {CUSTOM_THEN} ELSE c.custom END,
    updated_at = %(at)s
FROM import_write s WHERE c.id = s.contact_id AND s.verdict = 'update'
"""  # noqa: S608 -- one constant in another
STEP_BACK = """
UPDATE contacts_contactaddress r SET is_primary = false
FROM import_write w
WHERE r.contact_id = w.contact_id AND r.is_primary AND w.verdict = 'update' AND 'addresses' = ANY(w.changed)
  AND r.address_id <> w.address_id
  AND %(update)s <> 'fill'
"""
STEP_FORWARD = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary, created_at)
SELECT w.contact_id, w.address_id, true, %(at)s FROM import_write w
WHERE w.verdict = 'update' AND 'addresses' = ANY(w.changed)
  AND NOT EXISTS (SELECT FROM contacts_contactaddress r WHERE r.contact_id = w.contact_id AND r.is_primary)
ORDER BY w.contact_id
ON CONFLICT (contact_id, address_id) DO UPDATE SET is_primary = true
"""
INSERT_TAGS = """
INSERT INTO contacts_contact_tags (contact_id, tag_id)
SELECT DISTINCT w.contact_id, t.id
FROM import_write w CROSS JOIN unnest(w.tags) AS said(name) JOIN contacts_tag t ON lower(t.name) = lower(said.name)
WHERE w.verdict = 'new' OR 'tags' = ANY(w.changed)
ON CONFLICT DO NOTHING
"""
INSERT_ACTIVITIES = """
INSERT INTO contacts_activity (contact_id, kind, text, by_id, at)
SELECT contact_id, 'imported', %(origin)s || number || CASE WHEN verdict = 'new' THEN '.' ELSE ': changed ' || (
           SELECT string_agg(%(labels)s::jsonb ->> word, ', ') FROM unnest(changed) AS said(word)) || '.' END,
       %(by)s::bigint, %(at)s
FROM import_write ORDER BY contact_id
"""
INSERT_OUTCOMES = """
INSERT INTO contacts_importrow
    (run_id, number, verdict, email, known, contact_id, changes, was_updated_at, problems, cells)
SELECT %(run)s, w.number, w.verdict, coalesce(w.email, ''), coalesce(k.known, ''), w.contact_id, w.changes,
       w.was_updated_at, NULL::jsonb, NULL::jsonb
FROM import_write w LEFT JOIN ({known}) AS k ON k.number = w.number
UNION ALL
SELECT %(run)s, j.number, j.verdict, coalesce(s.email, ''), '', j.contact_id, NULL, NULL,
       CASE WHEN j.problem IS NOT NULL THEN jsonb_build_array(j.problem) END, NULL
FROM import_judged j JOIN {stage} s ON s.number = j.number
WHERE j.verdict NOT IN ('new', 'update')
ORDER BY 2
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
