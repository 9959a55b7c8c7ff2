"""`import_write` -> tables, in sets: the number of statements does not grow with its rows.

In: the rows of a batch that are written, each with its contact's and its address's id (`applying.py`). Out: contacts
with their company, addresses, tags, search document and a line in their timeline, and what became of each row, all in
the caller's transaction. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from typing import Any

from contacts.importing.comparing import CUSTOM_THEN, IS_BORROWED
from contacts.importing.judging import known_sql
from contacts.search import documents_given, write_documents


def write(cursor: Any, values: dict[str, Any], *, has_tags: bool, has_notes: bool) -> dict[str, int]:
    """Returns how many rows were written, by verdict."""
    counts = write_contacts(cursor, values, has_tags=has_tags)
    cursor.execute(INSERT_ACTIVITIES, values)
    if has_notes:
        cursor.execute(INSERT_NOTES, values)
    known = known_sql("import_write", "import_write")
    rows = f"import_write w LEFT JOIN ({known}) AS k ON k.number = w.number"
    cursor.execute(INSERT_OUTCOMES.format(known="k.known", rows=rows), values)
    return counts


def write_contacts(cursor: Any, values: dict[str, Any], *, has_tags: bool) -> dict[str, int]:
    """The contacts alone, with what hangs on them. Returns how many rows were written, by verdict."""
    cursor.execute("SELECT verdict, count(*) FROM import_write GROUP BY 1")
    counts = dict(cursor.fetchall())
    with documents_given(cursor):
        if "new" in counts:
            cursor.execute(INSERT_CONTACTS, values)
            cursor.execute(INSERT_PRIMARY, values)
        if "update" in counts:
            _update(cursor, values)
        cursor.execute(INSERT_OTHERS, values)
        if has_tags:
            cursor.execute(INSERT_TAGS, values)
    if values["tool"]:
        cursor.execute(TAKE_IDS, values)
        cursor.execute(INSERT_IDS, values)
    if "update" in counts:
        cursor.execute("SELECT contact_id FROM import_write WHERE verdict = 'update' AND changed && '{addresses,tags}'")
        write_documents(cursor, [row[0] for row in cursor.fetchall()])
    return counts


def _update(cursor: Any, values: dict[str, Any]) -> None:
    cursor.execute(UPDATE_CONTACTS, values)
    cursor.execute(STEP_BACK, values)  # first: only one may be primary at any moment
    cursor.execute(STEP_FORWARD, values)


# What `import_write` keeps of the staged row `s`, in this order.
STAGED = """
       s.number, s.email, s.others, s.first_name, s.last_name, s.title, s.owner_id, s.phone, s.country, s.tags,
       s.source, s.external_id, s.custom, s.note, s.notices
"""
INSERT_CONTACTS = """
INSERT INTO contacts_contact
    (id, first_name, last_name, title, company_id, owner_id, phone, country, custom, source, external_id, document,
     created_at, updated_at)
SELECT contact_id, coalesce(first_name, ''), coalesce(last_name, ''), coalesce(title, ''), company_id,
       coalesce(owner_id, %(owner)s::bigint), coalesce(phone, ''), coalesce(country, ''),
       coalesce(jsonb_strip_nulls(custom), '{}'), coalesce(nullif(source, ''), %(source)s),
       CASE WHEN %(tool)s = '' THEN external_id END,
       contacts_document(first_name, last_name, title, company_name,
                         concat_ws(' ', email, nullif(array_to_string(array_remove(others, email), ' '), '')),
                         phone, tags),
       %(at)s, %(at)s
FROM import_write WHERE verdict = 'new'
"""
INSERT_PRIMARY = """
INSERT INTO contacts_contactaddress (contact_id, address_id, is_primary, created_at)
SELECT contact_id, address_id, true, %(at)s FROM import_write
WHERE verdict = 'new' AND address_id IS NOT NULL
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
    external_id = CASE WHEN 'external_id' = ANY(s.changed) AND %(tool)s = '' THEN s.external_id ELSE c.external_id END,
    owner_id = CASE WHEN 'owner' = ANY(s.changed) THEN s.owner_id ELSE c.owner_id END,
    company_id = CASE WHEN 'company' = ANY(s.changed) THEN s.company_id ELSE c.company_id END,
    custom = CASE WHEN 'custom' = ANY(s.changed) THEN {CUSTOM_THEN} ELSE c.custom END,
    updated_at = %(at)s
FROM import_write s WHERE c.id = s.contact_id AND s.verdict = 'update'
"""  # noqa: S608 -- one constant in another
# Only where its id found the contact: an address that found it is one that it has.
STEP_BACK = f"""
UPDATE contacts_contactaddress r SET is_primary = false
FROM import_write w
WHERE r.contact_id = w.contact_id AND r.is_primary AND w.verdict = 'update' AND 'addresses' = ANY(w.changed)
  AND r.address_id <> w.address_id AND w.external_id IS NOT NULL AND NOT 'external_id' = ANY(w.changed)
  AND %(update)s <> 'fill' AND NOT {IS_BORROWED.format(row="w")}
"""  # noqa: S608 -- one constant in another
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
# Ids of deleted contacts are free.
TAKE_IDS = """
DELETE FROM contacts_contactexternalid i USING import_write w, contacts_contact c
WHERE i.tool = %(tool)s AND i.external_id = w.external_id AND c.id = i.contact_id AND c.deleted_at IS NOT NULL
"""
INSERT_IDS = """
INSERT INTO contacts_contactexternalid (contact_id, tool, external_id)
SELECT contact_id, %(tool)s, external_id FROM import_write
WHERE external_id IS NOT NULL AND (verdict = 'new' OR 'external_id' = ANY(changed))
"""
INSERT_ACTIVITIES = """
INSERT INTO contacts_activity (contact_id, kind, text, by_id, at)
SELECT contact_id, 'imported', %(origin)s || number || CASE WHEN verdict = 'new' THEN '.' ELSE ': changed ' || (
           SELECT string_agg(%(labels)s::jsonb ->> word, ', ') FROM unnest(changed) AS said(word)) || '.' END,
       %(by)s::bigint, %(at)s
FROM import_write
"""
INSERT_NOTES = """
INSERT INTO contacts_activity (contact_id, kind, text, by_id, at)
SELECT contact_id, 'note', note, %(by)s::bigint, %(at)s
FROM import_write WHERE note IS NOT NULL AND (verdict = 'new' OR 'notes' = ANY(changed))
"""
# Of a row that is written the problems are what became of single cells.
INSERT_OUTCOMES = """
INSERT INTO contacts_importrow (run_id, number, verdict, email, known, contact_id, changes, was_updated_at, problems)
SELECT %(run)s, w.number, w.verdict, coalesce(w.email, ''), coalesce({known}, ''), w.contact_id, w.changes,
       w.was_updated_at,
       CASE WHEN w.notices IS NOT NULL THEN (SELECT jsonb_agg(n - 3) FROM jsonb_array_elements(w.notices) AS x(n)) END
FROM {rows}
"""
