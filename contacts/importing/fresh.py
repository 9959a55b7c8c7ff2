"""Rows whose address nobody has had before -> tables, in one statement for a batch: in most lists nearly all rows.

In: a batch of the stage. Out: addresses, contacts, their timeline, and what became of the rows, in the caller's
transaction. An address that this statement itself makes has no contact, no bounce and no suppression but its domain's,
so none of that is looked for. All that it does not write is left for `applying.py`. Stage: … -> judged -> applied.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from contacts.importing.judging import SUPPRESSED_DOMAINS
from contacts.importing.writing import (
    INSERT_ACTIVITIES,
    INSERT_CONTACTS,
    INSERT_OTHERS,
    INSERT_OUTCOMES,
    INSERT_PRIMARY,
    INSERT_TAGS,
)


def write_fresh(cursor: Any, batch: str, values: dict[str, Any], *, has_others: bool, has_tags: bool) -> int:
    """Makes all addresses of the batch that are missing; returns how many rows were written, each as a new contact.

    That none of them is there any more is not looked for but tried: constraints hold. Where one does, it is done once
    more, and the rows that somebody else brought since the preview are left out.
    """
    # The planner takes a batch for a few rows, and would go through `made` for each of its thousands.
    cursor.execute("SET LOCAL enable_nestloop = off")
    try:
        with transaction.atomic():
            cursor.execute(_statement(batch, "", "", has_others=has_others, has_tags=has_tags), values)
    except IntegrityError:
        careful = _statement(batch, UNLESS_MADE, UNLESS_KNOWN, has_others=has_others, has_tags=has_tags)
        cursor.execute(careful, values)
    written = int(cursor.rowcount)
    cursor.execute("SET LOCAL enable_nestloop = on")
    if has_others:
        cursor.execute(f"WITH import_write AS ({WRITTEN.format(batch=batch)}) {INSERT_OTHERS}", values)
    return written


def _statement(batch: str, unless_made: str, unless_known: str, *, has_others: bool, has_tags: bool) -> str:
    """`import_write` is the name that the texts of `writing.py` read."""
    parts = {
        "made": f"{making(batch, has_others=has_others)} {unless_made} RETURNING id, email",
        "import_write": FRESH.format(batch=batch, unless_known=unless_known),
        "contact": INSERT_CONTACTS,
        "contact_address": INSERT_PRIMARY,
        "activity": INSERT_ACTIVITIES,
    }
    if has_tags:
        parts["tag"] = INSERT_TAGS
    written = ", ".join(f"{name} AS ({text})" for name, text in parts.items())
    return f"WITH {written} {INSERT_OUTCOMES.format(known=KNOWN, rows='import_write w')}"


def making(batch: str, *, has_others: bool) -> str:
    """The statement that makes the addresses. It fails on one that is there, but for UNLESS_MADE."""
    return MAKE_ADDRESSES.format(said=EMAILS + (f"UNION {OTHERS}" if has_others else "")).format(batch=batch)


# Sorted, so that two who make addresses never wait in a circle.
MAKE_ADDRESSES = """
INSERT INTO bounces_address (email, domain, created_at)
SELECT said.email, split_part(said.email, '@', -1), %(at)s FROM ({said}) AS said ORDER BY said.email
"""
UNLESS_MADE = "ON CONFLICT (email) DO NOTHING"
# Nearly all are known to be missing since the preview: these are not looked for again.
EMAILS = """
SELECT email FROM ({batch}) AS b WHERE email IS NOT NULL AND (
    was_address_id IS NULL OR NOT EXISTS (SELECT FROM bounces_address a WHERE a.id = b.was_address_id))
"""
OTHERS = """
SELECT other.email FROM ({batch}) AS b CROSS JOIN unnest(b.others) AS other(email)
WHERE b.others IS NOT NULL AND NOT EXISTS (SELECT FROM bounces_address a WHERE a.email = other.email)
"""
# What is looked for row by row is a subquery, which is answered by its index whatever the planner expects.
FRESH = """
SELECT 'new' AS verdict, NULL::text[] AS changed, s.address_id,
       (SELECT k.id FROM contacts_company k WHERE lower(k.name) = lower(s.company)) AS company_id,
       s.company AS company_name, nextval('contacts_contact_id_seq') AS contact_id, NULL::jsonb AS changes,
       NULL::timestamptz AS was_updated_at, s.number, s.email, s.others, s.first_name, s.last_name, s.title, s.owner_id,
       s.phone, s.country, s.tags, s.source, s.external_id, s.custom
FROM (
    SELECT b.*, m.id AS address_id FROM ({batch}) AS b JOIN made m ON m.email = b.email
    WHERE b.was_verdict = 'new' {unless_known}
    ORDER BY b.number
) AS s
"""
UNLESS_KNOWN = """
AND (SELECT x.id FROM contacts_contact x WHERE x.external_id = b.external_id AND x.deleted_at IS NULL) IS NULL
"""
KNOWN = f"CASE WHEN split_part(w.email, '@', -1) IN ({SUPPRESSED_DOMAINS}) THEN 'suppressed' END"
WRITTEN = """
SELECT w.contact_id, w.verdict, NULL::text[] AS changed, b.email, b.others
FROM ({batch}) AS b JOIN contacts_importrow w ON w.run_id = %(run)s AND w.number = b.number
"""
