"""Taking a whole import back: what it created goes, what it changed returns, unless something came since.

In: a run that has written. Out: the tables as they were before it, apart from the run's own rows. A contact is as the
import left it while its `updated_at` is the run's moment and nobody has written to it, noted or planned anything: else
it stays, and its row says why. Addresses, companies and tags that the run made go where nobody has them and nothing
is known of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from bounces.models import Address
from contacts.importing.suppressing import lift_made
from contacts.models import Activity, Contact, ContactAddress, ContactExternalId, CustomField, ImportRun
from contacts.search import documents_given

BATCH = 5_000
LOOKED_AT = 50_000  # rows of which a preview says what would stay


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """Contacts by what would become of them. `is_capped`: only the first LOOKED_AT were looked at."""

    go: int
    return_: int
    stay: int
    is_capped: bool
    looked_at: int = LOOKED_AT


def preview_undo(run: ImportRun) -> UndoPreview:
    with transaction.atomic(), connection.cursor() as cursor:
        _look(run, cursor, 0, LOOKED_AT, lock="")
        cursor.execute(
            "SELECT count(*) FILTER (WHERE verdict = 'new' AND why = ''),"
            " count(*) FILTER (WHERE verdict = 'update' AND why = ''), count(*) FILTER (WHERE why <> '')"
            " FROM import_back"
        )
        go, return_, stay = cursor.fetchone()
    return UndoPreview(go, return_, stay, run.wrote > LOOKED_AT)


@dataclass(frozen=True, slots=True)
class WouldStay:
    """Rows whose contact would stay, and why. `following`: the row to go on behind; None: there are no more."""

    reasons: Mapping[int, str]
    following: int | None


def would_stay(run: ImportRun, after: int = 0, most: int = 50) -> WouldStay:
    """In the order of the file, behind row `after`. Fewer than `most`, even none, where LOOKED_AT rows hold no more."""
    values = {"run": run.pk, "at": run.applied_at, "after": after, "most": LOOKED_AT, "shown": most + 1}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, why FROM ({_text(lock='')}) AS b WHERE why <> '' ORDER BY number LIMIT %(shown)s",  # noqa: S608 -- ours
            values,
        )
        found = cursor.fetchall()
        if len(found) > most:
            return WouldStay(dict(found[:most]), found[most - 1][0])
        cursor.execute(f"SELECT max(number), count(*) FROM ({WROTE}) AS w", values)  # noqa: S608 -- likewise
        last, looked_at = cursor.fetchone()
    return WouldStay(dict(found), last if looked_at == LOOKED_AT else None)


def undo_batch(run: ImportRun) -> bool:
    """The job's step: the next rows in the order of the file. False: there was none left."""
    with connection.cursor() as cursor:
        _look(run, cursor, run.cursor, BATCH)
        cursor.execute("SELECT max(number), count(*), count(*) FILTER (WHERE why <> '') FROM import_back")
        last, taken, kept = cursor.fetchone()
        if not taken:
            return False
        values = {"run": run.pk, "at": run.applied_at}
        cursor.execute(KEEP, values)
        _delete_created(cursor)
        _return_changed(cursor, values)
    run.cursor, run.done = last, run.done + taken
    run.undone, run.kept = run.undone + taken - kept, run.kept + kept
    return True


def take_back_names(run: ImportRun) -> None:
    """What the run made beside contacts, where nobody uses it: at the end, in the undo's last transaction."""
    values = {"at": run.applied_at, "tags": run.made.get("tags", [])}
    if run.undone_at is not None:
        lift_made(run, run.undone_at)
    with connection.cursor() as cursor:
        unless = "".join(_unless(Address, "a"))
        cursor.execute(
            f"DELETE FROM bounces_address a WHERE a.created_at = %(at)s AND a.status = 'unverified'{unless}",  # noqa: S608 -- names of our models
            values,
        )
        cursor.execute(DELETE_COMPANIES, values)
        cursor.execute(DELETE_TAGS, values)
    for key in run.made.get("fields", []):
        if not Contact.objects.filter(custom__has_key=key).exists():
            CustomField.objects.filter(key=key).delete()


LOCK = "FOR NO KEY UPDATE"
# With a new contact.
MADE_BESIDE = (
    "contacts_activity",
    "contacts_contactaddress",
    "contacts_contact_tags",
    "contacts_contactexternalid",
    "contacts_duplicatekeys",
)


def _look(run: ImportRun, cursor: Any, after: int, most: int, lock: str = LOCK) -> None:
    """`import_back`: the next rows that wrote, each with why its contact stays ('' where it does not)."""
    cursor.execute("DROP TABLE IF EXISTS import_back")
    cursor.execute(
        f"CREATE TEMP TABLE import_back ON COMMIT DROP AS {_text(lock)}",
        {"run": run.pk, "at": run.applied_at, "after": after, "most": most},
    )
    cursor.execute("ANALYZE import_back")


def _text(lock: str) -> str:
    used = "".join(_uses(Contact, "c", (ContactAddress, ContactExternalId, Contact.tags.through, Activity)))
    return LOOK.format(wrote=WROTE, used=used, lock=lock)


def _uses(model: type[Any], alias: str, besides: tuple[type[Any], ...]) -> Iterator[str]:
    """For each table that points to the model: whether a row points to this one. Later tables come by themselves."""
    for relation in model._meta.related_objects:
        table = relation.related_model
        if table in besides or relation.many_to_many:  # the latter's own table points here as well
            continue
        quote = connection.ops.quote_name
        yield (
            f" OR EXISTS (SELECT FROM {quote(table._meta.db_table)} u "
            f"WHERE u.{quote(relation.field.column)} = {alias}.id)"
        )


def _unless(model: type[Any], alias: str) -> Iterator[str]:
    for test in _uses(model, alias, ()):
        yield test.replace(" OR EXISTS", " AND NOT EXISTS", 1)


def _delete_created(cursor: Any) -> None:
    with documents_given(cursor):  # of contacts that go
        for table in MADE_BESIDE:
            cursor.execute(
                f"DELETE FROM {table} t USING import_back b WHERE t.contact_id = b.contact_id "  # noqa: S608 -- one of those
                "AND b.verdict = 'new' AND b.why = ''"
            )
    cursor.execute(DELETE_CONTACTS)


def _return_changed(cursor: Any, values: dict[str, Any]) -> None:
    cursor.execute("SELECT contact_id FROM import_back WHERE verdict = 'update' AND why = '' ORDER BY contact_id")
    returned = [row[0] for row in cursor.fetchall()]
    if not returned:
        return
    users = connection.ops.quote_name(get_user_model()._meta.db_table)
    cursor.execute(RETURN_CONTACTS.format(users=users), values)
    for text in (DROP_NEW_ADDRESSES, STEP_BACK, STEP_FORWARD, DROP_NEW_TAGS, DROP_NEW_IDS, DROP_ACTIVITIES):
        cursor.execute(text, values)


WROTE = """
SELECT * FROM contacts_importrow
WHERE run_id = %(run)s AND number > %(after)s AND verdict IN ('new', 'update') ORDER BY number LIMIT %(most)s
"""
# A later activity is any that the run did not write itself.
LOOK = """
SELECT w.number, w.verdict, w.contact_id, w.changes, w.was_updated_at,
       CASE WHEN c.id IS NULL OR c.deleted_at IS NOT NULL THEN 'It was deleted since.'
            WHEN c.updated_at <> %(at)s THEN 'It was changed since.'
            WHEN w.changes ? 'company' AND NOT w.changes -> 'company' @? '$[2]'
                OR w.changes ? 'tags' AND NOT w.changes -> 'tags' @? '$[2]'
            THEN 'Its company or its tags from before were renamed or deleted before their ids were kept.'
            WHEN w.verdict = 'new' AND (EXISTS (
                SELECT FROM contacts_activity v WHERE v.contact_id = c.id
                AND NOT (v.kind IN ('imported', 'note') AND v.at = %(at)s)) {used})
            THEN 'Something happened with it since.' ELSE '' END AS why
FROM ({wrote}) AS w
LEFT JOIN LATERAL (
    SELECT id, deleted_at, updated_at FROM contacts_contact c WHERE c.id = w.contact_id {lock}
) AS c ON true
"""
KEEP = """
UPDATE contacts_importrow w SET kept = b.why FROM import_back b
WHERE w.run_id = %(run)s AND w.number = b.number AND b.why <> ''
"""
RETURN_CONTACTS = """
UPDATE contacts_contact c SET
    first_name = coalesce(b.changes #>> '{{first_name,0}}', c.first_name),
    last_name = coalesce(b.changes #>> '{{last_name,0}}', c.last_name),
    title = coalesce(b.changes #>> '{{title,0}}', c.title),
    phone = coalesce(b.changes #>> '{{phone,0}}', c.phone),
    country = coalesce(b.changes #>> '{{country,0}}', c.country),
    source = coalesce(b.changes #>> '{{source,0}}', c.source),
    custom = coalesce(b.changes #> '{{custom,0}}', c.custom),
    external_id = CASE WHEN b.changes ? 'external_id' AND b.changes #> '{{external_id,2}}' IS NULL
        THEN b.changes #>> '{{external_id,0}}' ELSE c.external_id END,
    owner_id = CASE WHEN b.changes ? 'owner' THEN (
        SELECT u.id FROM {users} u WHERE u.id = (b.changes #>> '{{owner,0}}')::bigint
    ) ELSE c.owner_id END,
    company_id = CASE WHEN b.changes ? 'company' THEN (
        SELECT k.id FROM contacts_company k WHERE k.id = (b.changes #>> '{{company,2}}')::bigint
    ) ELSE c.company_id END,
    updated_at = b.was_updated_at
FROM import_back b WHERE c.id = b.contact_id AND b.verdict = 'update' AND b.why = ''
"""
DROP_NEW_ADDRESSES = """
DELETE FROM contacts_contactaddress r USING import_back b
WHERE r.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = ''
  AND b.changes ? 'addresses' AND NOT (b.changes #> '{addresses,2}') @> to_jsonb(r.address_id)
"""
STEP_BACK = """
UPDATE contacts_contactaddress r SET is_primary = false FROM import_back b
WHERE r.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = ''
  AND b.changes ? 'addresses' AND r.is_primary AND r.address_id <> (b.changes #>> '{addresses,2,0}')::bigint
"""
STEP_FORWARD = """
UPDATE contacts_contactaddress r SET is_primary = true FROM import_back b
WHERE r.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = ''
  AND b.changes ? 'addresses' AND NOT r.is_primary AND r.address_id = (b.changes #>> '{addresses,2,0}')::bigint
"""
DROP_NEW_TAGS = """
DELETE FROM contacts_contact_tags t USING import_back b
WHERE t.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = ''
  AND b.changes ? 'tags' AND NOT (b.changes #> '{tags,2}') @> to_jsonb(t.tag_id)
"""
# An id that was written before tools had names is known under its tool's name, too.
DROP_NEW_IDS = """
DELETE FROM contacts_contactexternalid i USING import_back b
WHERE i.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = '' AND b.changes ? 'external_id'
  AND i.external_id = b.changes #>> '{external_id,1}' AND i.tool = coalesce(b.changes #>> '{external_id,2}', i.tool)
"""
DROP_ACTIVITIES = """
DELETE FROM contacts_activity v USING import_back b
WHERE v.contact_id = b.contact_id AND b.verdict = 'update' AND b.why = ''
  AND v.kind IN ('imported', 'note') AND v.at = %(at)s
"""
# Pairs of duplicates go with either of the two: the check waits for the end of the transaction.
DELETE_CONTACTS = """
WITH gone AS (
    DELETE FROM contacts_contact c USING import_back b
    WHERE c.id = b.contact_id AND b.verdict = 'new' AND b.why = '' RETURNING c.id
)
DELETE FROM contacts_duplicatepair
WHERE first_contact_id IN (SELECT id FROM gone) OR second_contact_id IN (SELECT id FROM gone)
"""
DELETE_COMPANIES = """
WITH gone AS (
DELETE FROM contacts_company k
WHERE k.created_at = %(at)s AND k.owner_id IS NULL AND k.notes = '' AND k.domain = '' AND k.country = ''
  AND NOT EXISTS (SELECT FROM contacts_contact c WHERE c.company_id = k.id)
  AND NOT EXISTS (SELECT FROM contacts_segment s WHERE s.filter -> 'company' @> to_jsonb(k.id))
RETURNING k.id)
DELETE FROM contacts_duplicatepair
WHERE first_company_id IN (SELECT id FROM gone) OR second_company_id IN (SELECT id FROM gone)
"""
DELETE_TAGS = """
DELETE FROM contacts_tag g
WHERE g.id = ANY(%(tags)s) AND NOT EXISTS (SELECT FROM contacts_contact_tags t WHERE t.tag_id = g.id)
  AND NOT EXISTS (SELECT FROM contacts_statusaction a WHERE a.tag_id = g.id)
  AND NOT EXISTS (SELECT FROM contacts_segment s WHERE s.filter -> 'tag' @> to_jsonb(g.id))
"""
