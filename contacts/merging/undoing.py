"""Undo a merge: restore its rows, except for later edits, which stay with the kept record.

In: a merge, the user. Out: the recorded values are restored column by column, wherever the merge's value is unchanged;
sentences about what was not restored. After 30 days the record is emptied, and the merge can no longer be undone.
"""

# ruff: noqa: S608 -- tables and columns are our models', checked against them

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from bounces.conflicts import retried
from contacts.access import User, can_change_company, can_change_contact, companies_for, contacts_for
from contacts.merging.contacts import FIELDS
from contacts.merging.recording import DERIVED, Changes, Row, Table, tables_of
from contacts.merging.settling import settle_undone
from contacts.models import Activity, Company, Contact, ContactAddress, CustomField, Merge
from contacts.people import NotAllowed

KEPT_FOR = timedelta(days=30)
MODELS: dict[str, Any] = {"contact": Contact, "company": Company}
MISSING = object()  # a key that does not exist, as opposed to one whose value is null
SILENT = ("updated_at",)  # not reported: it changes with every other edit


class CannotUndo(ValueError):
    """The merge cannot be undone. The message is shown to people."""


def merges_for(user: User) -> QuerySet[Merge]:
    """Merges whose kept contact or company this user sees."""
    if not user.has_perm("contacts.delete_contact"):
        return Merge.objects.none()
    return Merge.objects.filter(
        Q(subject="contact", kept_id__in=contacts_for(user).values("pk"))
        | Q(subject="company", kept_id__in=companies_for(user).values("pk"))
    )


def undoable_until(merge: Merge) -> datetime:
    return merge.at + KEPT_FOR


def why_not(merge: Merge, now: datetime) -> str:
    """Return why it cannot be undone; empty if it can."""
    if merge.state == Merge.State.UNDONE:
        return "This merge has already been undone."
    if merge.state == Merge.State.EXPIRED or now >= undoable_until(merge):
        return f"A merge can be undone for {KEPT_FOR.days} days, and this one is older."
    if later := _later_merge(merge):
        return f"Merge {later.pk} changed the same {merge.subject} later. Undo that merge first."
    kept = MODELS[merge.subject].objects.filter(pk=merge.kept_id)
    if not (kept.filter(deleted_at=None) if merge.subject == "contact" else kept).exists():
        return f"The kept {merge.subject} has been deleted."
    if merge.subject == "contact" and not Contact.objects.filter(pk=merge.other_id, deleted_at__isnull=False).exists():
        return "The merged contact no longer exists."
    return ""


def _later_merge(merge: Merge) -> Merge | None:
    later = Merge.objects.filter(subject=merge.subject, state=Merge.State.DONE, pk__gt=merge.pk)
    return later.filter(Q(kept_id=merge.kept_id) | Q(other_id=merge.kept_id)).order_by("-pk").first()


@retried
def undo_merge(merge: Merge, *, by: User, now: datetime) -> Merge:
    """Raises NotAllowed, CannotUndo. A second call raises CannotUndo and changes nothing."""
    with transaction.atomic():
        merge = Merge.objects.select_for_update().get(pk=merge.pk)
        if why := why_not(merge, now):
            raise CannotUndo(why)
        model = MODELS[merge.subject]
        list(model.objects.select_for_update().filter(pk__in=[merge.kept_id, merge.other_id]).order_by("pk"))
        _refuse(merge, by)
        stayed = _return_rows(model, merge.changes)
        merge.state, merge.changes, merge.stayed = Merge.State.UNDONE, {}, stayed
        merge.undone_at, merge.undone_by = now, by
        merge.save()
        settle_undone(merge)
        _tidy(merge, now)
    return merge


def _refuse(merge: Merge, by: User) -> None:
    kept = MODELS[merge.subject].objects.get(pk=merge.kept_id)
    may_change = can_change_contact(by, kept) if merge.subject == "contact" else can_change_company(by, kept)
    if not (may_change and by.has_perm("contacts.delete_contact")):
        raise NotAllowed(f"You may not change {kept}. Ask a manager to undo this merge.")


def _return_rows(model: Any, changes: Changes) -> list[str]:
    """Restore the model's own table first, because the others refer to it. Returns what was not restored."""
    own = Table(model._meta.db_table, "", str(model._meta.verbose_name_plural), ())
    segments = Table("contacts_segment", "", "segments", ())
    stayed: list[str] = []
    with connection.cursor() as cursor:
        # A reference to a deleted row fails at once, instead of when the transaction ends.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in [own, *tables_of(model), segments]:
            if change := changes.get(table.name):
                stayed += _return_table(cursor, table, change)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return list(dict.fromkeys(stayed))


def _return_table(cursor: Any, table: Table, change: Row) -> Iterator[str]:
    if inserted := change.get("inserted"):
        cursor.execute(f"DELETE FROM {table.name} WHERE id = ANY(%s)", [inserted])
    known = _columns(cursor, table.name)
    for ids, column, was, became in _steps(table, change.get("updated", [])):
        if column not in known:
            continue
        if isinstance(was, dict) and isinstance(became, dict):
            yield from _return_keys(cursor, table, ids, column, was, became)
        elif (left := len(ids) - _set_back(cursor, table, ids, column, was, became)) and column not in SILENT:
            yield _sentence(table, column, left)
    missing = [row for row in change.get("deleted", []) if not _insert(cursor, table, row, known)]
    if missing:
        yield f"{_counted(len(missing), table)} were not restored because what they refer to was deleted."


def _columns(cursor: Any, table: str) -> set[str]:
    """The columns that exist today: one may have been dropped since the merge."""
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [table])
    return {name for (name,) in cursor.fetchall()} - DERIVED


def _steps(table: Table, groups: list[Row]) -> list[tuple[list[int], str, Any, Any]]:
    """Restore references first, then clear values, then set values, so that no unique value exists twice."""
    steps = [(group["ids"], column, was, became) for group in groups for column, (was, became) in group["set"].items()]
    return sorted(steps, key=lambda step: (step[1] != table.column, bool(step[2]), step[3] is None))


def _set_back(cursor: Any, table: Table, ids: list[int], column: str, was: Any, became: Any) -> int:
    """Return how many rows still had the merge's value and were restored. After a conflict it goes row by row."""
    try:
        with transaction.atomic():
            cursor.execute(SET_BACK.format(table=table.name, column=column), _values(ids, column, was, became))
            return int(cursor.rowcount)
    except IntegrityError:
        return 0 if len(ids) == 1 else sum(_set_back(cursor, table, [pk], column, was, became) for pk in ids)


def _values(ids: list[int], column: str, was: Any, became: Any) -> dict[str, Any]:
    return {"ids": ids, "was": json.dumps({column: was}), "became": json.dumps({column: became})}


SET_BACK = """
UPDATE {table} AS t SET {column} = (jsonb_populate_record(NULL::{table}, %(was)s)).{column}
 WHERE t.id = ANY(%(ids)s)
   AND t.{column} IS NOT DISTINCT FROM (jsonb_populate_record(NULL::{table}, %(became)s)).{column}
"""


def _return_keys(cursor: Any, table: Table, ids: list[int], column: str, was: Row, became: Row) -> Iterator[str]:
    """Restore each custom field by itself. Fields that were edited later keep their value."""
    labels = dict(CustomField.objects.values_list("key", "label"))
    for pk in ids:
        cursor.execute(f"SELECT {column}::text FROM {table.name} WHERE id = %s", [pk])
        current = json.loads(cursor.fetchone()[0])
        for key in sorted(was.keys() | became.keys()):
            if was.get(key, MISSING) == became.get(key, MISSING):
                continue
            if current.get(key, MISSING) != became.get(key, MISSING):
                yield f"{labels.get(key, key)} was edited after the merge and keeps its new value."
            elif key in was:
                current[key] = was[key]
            else:
                del current[key]
        cursor.execute(f"UPDATE {table.name} SET {column} = %s WHERE id = %s", [json.dumps(current), pk])


def _insert(cursor: Any, table: Table, row: Row, known: set[str]) -> bool:
    columns = ", ".join(column for column in row if column in known)
    try:
        with transaction.atomic():
            cursor.execute(
                f"INSERT INTO {table.name} ({columns}) OVERRIDING SYSTEM VALUE"
                f" SELECT {columns} FROM jsonb_populate_record(NULL::{table.name}, %s)",
                [json.dumps(row)],
            )
    except IntegrityError:
        return False
    return True


def _sentence(table: Table, column: str, left: int) -> str:
    """`left`: the number of rows that were changed or deleted after the merge."""
    if not table.column:
        label = FIELDS.get(column.removesuffix("_id"), column.removesuffix("_id").replace("_", " ").capitalize())
        return f"{label} was edited after the merge and keeps its new value."
    return f"{_counted(left, table)} were not restored because they changed after the merge."


def _counted(number: int, table: Table) -> str:
    return f"{table.label.replace('-', ' ').capitalize()} ({number:,})"


def _tidy(merge: Merge, now: datetime) -> None:
    if merge.subject == "company":
        return
    for pk in (merge.kept_id, merge.other_id):
        _give_a_primary(pk)
    if merge.stayed:
        Contact.objects.filter(pk=merge.kept_id).update(updated_at=now)
        text = f"Merge undone. {' '.join(merge.stayed)}"
        Activity.objects.create(
            contact_id=merge.kept_id, kind=Activity.Kind.EDITED, text=text, by=merge.undone_by, at=now
        )


def _give_a_primary(contact: int) -> None:
    """Make another address primary if the primary one was removed."""
    reached = ContactAddress.objects.filter(contact=contact).order_by("-is_primary", "id").first()
    if reached and not reached.is_primary:
        ContactAddress.objects.filter(pk=reached.pk).update(is_primary=True)


def expire(now: datetime) -> int:
    """Empty the records of merges that are too old to be undone. Returns the number of merges. Idempotent."""
    old = Merge.objects.filter(state=Merge.State.DONE, at__lte=now - KEPT_FOR)
    return old.update(state=Merge.State.EXPIRED, changes={})


def forget_merges(contact_ids: list[int]) -> None:
    """Delete the records of merges of erased contacts, so that no undo restores them."""
    about = Q(kept_id__in=contact_ids) | Q(other_id__in=contact_ids)
    Merge.objects.filter(about, subject=Merge.Subject.CONTACT).delete()


def merged_into(contact_id: int) -> list[int]:
    """Contacts that were merged into this one, directly or through others, and not restored by an undo."""
    found: list[int] = []
    following = [contact_id]
    while following:
        merges = Merge.objects.filter(subject=Merge.Subject.CONTACT, kept_id__in=following)
        following = list(merges.exclude(state=Merge.State.UNDONE).values_list("other_id", flat=True))
        following = [pk for pk in following if pk not in found and pk != contact_id]
        found += following
    return found
