"""New rows whose address nobody had in the preview -> tables, in one statement a batch: in most lists nearly all rows.

In: a batch of the stage. Out: addresses, contacts, their timeline, and what became of the rows, in the caller's
transaction. That they are new still is not looked for but tried, since constraints hold: an address that is made here
has no contact, no bounce and no suppression but its domain's. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from bounces.addresses import has_orphaned_suppressions
from bounces.refusals import is_at_suppressed_domain
from contacts.importing.taking import Batch
from contacts.importing.writing import (
    INSERT_ACTIVITIES,
    INSERT_CONTACTS,
    INSERT_IDS,
    INSERT_NOTES,
    INSERT_OUTCOMES,
    INSERT_PRIMARY,
    INSERT_TAGS,
    STAGED,
)
from contacts.search import documents_given


def write_fresh(cursor: Any, batch: Batch, values: dict[str, Any]) -> int:
    """How many rows were written, each as a new contact: none where somebody else brought one of them meanwhile, or
    where one of them may be an erased address, whose suppression waits for it.
    """
    if has_orphaned_suppressions():
        return 0
    try:
        with transaction.atomic():
            with documents_given(cursor):
                cursor.execute(_statement(batch, has_tool=bool(values["tool"])), values)
                written = int(cursor.rowcount)
            if has_orphaned_suppressions():  # the statement waited for an erasure
                transaction.set_rollback(True)
                written = 0
    except IntegrityError:
        return 0
    return written


def _statement(batch: Batch, *, has_tool: bool) -> str:
    """`import_write` is the name that the texts of `writing.py` read."""
    parts = {
        "import_write": FRESH.format(batch=batch.sql, staged=STAGED),
        "address": INSERT_ADDRESSES,
        "contact": INSERT_CONTACTS,
        "contact_address": INSERT_PRIMARY,
        "activity": INSERT_ACTIVITIES,
    }
    if batch.has_tags:
        parts["tag"] = INSERT_TAGS
    if has_tool:
        parts["external_id"] = INSERT_IDS
    if batch.has_notes:
        parts["note"] = INSERT_NOTES
    written = ", ".join(f"{name} AS ({text})" for name, text in parts.items())
    return f"WITH {written} {INSERT_OUTCOMES.format(known=KNOWN, rows='import_write w')}"


# A company is looked for by its index, whatever the planner expects of a batch.
FRESH = """
SELECT 'new' AS verdict, NULL::text[] AS changed, nextval('bounces_address_id_seq') AS address_id,
       (SELECT k.id FROM contacts_company k WHERE lower(k.name) = lower(s.company)) AS company_id,
       s.company AS company_name, nextval('contacts_contact_id_seq') AS contact_id, NULL::jsonb AS changes,
       NULL::timestamptz AS was_updated_at, {staged}
FROM (
    SELECT * FROM ({batch}) AS b
    WHERE was_verdict = 'new' AND was_address_id IS NULL AND email IS NOT NULL AND others IS NULL ORDER BY number
) AS s
"""
# Sorted, so that two who make addresses never wait in a circle.
INSERT_ADDRESSES = """
INSERT INTO bounces_address (id, email, domain, created_at)
SELECT address_id, email, split_part(email, '@', -1), %(at)s FROM import_write ORDER BY email
"""
KNOWN = "CASE WHEN " + is_at_suppressed_domain("split_part(w.email, '@', -1)") + " THEN 'suppressed' END"
