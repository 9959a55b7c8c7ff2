"""The rows of a batch that are about a contact, or whose address was known -> `import_write` -> tables.

In: a batch and what is written of it. Out: all of it written, or told otherwise, in the caller's transaction. Rows that
were new in the preview are looked for once more; the others are judged again, their contacts locked: what came since
counts. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from typing import Any

from bounces.addresses import link_orphaned_suppressions
from contacts.importing.comparing import CHANGES
from contacts.importing.judging import COUNTS_AS_REACHED, Judge, judge_rows
from contacts.importing.taking import Batch
from contacts.importing.writing import STAGED, write


def write_rest(judge: Judge, cursor: Any, values: dict[str, Any], batch: Batch, fresh: int) -> dict[str, int]:
    """Returns how many rows were written, by verdict. `fresh`: how many of the batch are written already."""
    is_left = NOT_WRITTEN if fresh else ""
    cursor.execute(f"CREATE TEMP TABLE import_batch ON COMMIT DROP AS {batch.sql} {is_left}", values)
    _make_addresses(cursor, values, "import_batch")
    still_new = STILL_NEW.format(staged=STAGED, counts=COUNTS_AS_REACHED)
    cursor.execute(f"CREATE TEMP TABLE import_write ON COMMIT DROP AS {still_new}", values)
    cursor.execute("SELECT count(*) FROM import_write")
    is_all_new = fresh + cursor.fetchone()[0] == batch.rows
    if not is_all_new:
        _judge_rest(judge, cursor, values)
    counts = write(cursor, values, has_tags=batch.has_tags, has_notes=batch.has_notes)
    if not is_all_new:
        cursor.execute(OTHERS_OF_BATCH, values)
    return counts


def _make_addresses(cursor: Any, values: dict[str, Any], rows: str) -> None:
    """Sorted, so that two who make addresses never wait in a circle. Erased ones get back their suppressions.

    Those that came since the preview are held, as those that it knew: see HOLD_ADDRESSES of `applying.py`.
    """
    cursor.execute(MAKE_ADDRESSES.format(rows=rows), values)
    link_orphaned_suppressions(cursor.fetchall())
    cursor.execute(HOLD_CAME_SINCE.format(rows=rows), values)


def _judge_rest(judge: Judge, cursor: Any, values: dict[str, Any]) -> None:
    """The others are judged again, their contacts locked, and added to what is written."""
    cursor.execute(f"CREATE TEMP TABLE import_rest ON COMMIT DROP AS {REST}")
    cursor.execute("ANALYZE import_rest (number, email, external_id)")
    cursor.execute(LOCK.format(contact="s.was_contact_id", rows="import_rest s"))
    _make_addresses(cursor, values, "import_rest")  # once more: an erasure that was waited for took some away
    judge_rows(judge, cursor, "import_rest")
    cursor.execute(MET_OTHERS)
    if cursor.fetchone()[0]:
        cursor.execute(LOCK.format(contact="j.contact_id", rows="import_judged j"))
        judge_rows(judge, cursor, "import_rest")
    cursor.execute(f"INSERT INTO import_write {WRITE.format(changes=CHANGES, staged=STAGED)}", values)


# Not those that `fresh.py` writes: not looked for among the run's rows, which PostgreSQL takes for few for long.
NOT_WRITTEN = "AND NOT (j.verdict = 'new' AND j.address_id IS NULL AND s.email IS NOT NULL AND s.others IS NULL)"
# Each is looked for by its index, whatever the planner expects of a batch: a subquery that gives a value is not hashed.
MAKE_ADDRESSES = """
INSERT INTO bounces_address (email, domain, created_at)
SELECT said.email, split_part(said.email, '@', -1), %(at)s
FROM (
    SELECT email FROM {rows} b
    WHERE email IS NOT NULL AND (SELECT a.id FROM bounces_address a WHERE a.id = b.was_address_id) IS NULL
    UNION ALL
    SELECT other.email FROM {rows} b CROSS JOIN unnest(b.others) AS other(email)
    WHERE (SELECT a.id FROM bounces_address a WHERE a.email = other.email) IS NULL
) AS said
ORDER BY said.email
ON CONFLICT (email) DO NOTHING
RETURNING id, email
"""
HOLD_CAME_SINCE = """
SELECT a.id FROM bounces_address a JOIN {rows} b ON b.email = a.email
WHERE b.was_verdict = 'new' AND b.was_address_id IS NULL AND a.created_at <> %(at)s
ORDER BY a.id FOR NO KEY UPDATE OF a
"""
STILL_NEW = """
SELECT s.was_verdict AS verdict, NULL::text[] AS changed, a.id AS address_id, k.id AS company_id,
       coalesce(k.name, '') AS company_name, nextval('contacts_contact_id_seq') AS contact_id, NULL::jsonb AS changes,
       NULL::timestamptz AS was_updated_at, {staged}
FROM import_batch s
LEFT JOIN bounces_address a ON a.email = s.email
LEFT JOIN contacts_company k ON lower(k.name) = lower(s.company)
WHERE s.was_verdict = 'new' AND (a.id IS NOT NULL OR s.email IS NULL)
  AND NOT EXISTS (
      SELECT FROM contacts_contact x
      WHERE %(tool)s = '' AND x.external_id = s.external_id AND x.deleted_at IS NULL)
  AND NOT EXISTS (
      SELECT FROM contacts_contactexternalid i
      JOIN contacts_contact x ON x.id = i.contact_id AND x.deleted_at IS NULL
      WHERE %(tool)s <> '' AND i.tool = %(tool)s AND i.external_id = s.external_id)
  AND NOT EXISTS (
      SELECT FROM contacts_contactaddress r JOIN contacts_contact c ON c.id = r.contact_id AND c.deleted_at IS NULL
      WHERE r.address_id = a.id AND {counts})
ORDER BY s.number
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
       {staged}
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
