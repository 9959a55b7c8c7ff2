"""Undoing a merge: the same rows as before it, apart from what was edited since, which stays with the kept one.

In: a merge, who undoes it. Out: its rows back by the values that it recorded, column by column, wherever the merge's
value still stands; sentences about what stayed. After 30 days the recorded rows go, and with them the undo.
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
MISSING = object()  # of a key: not the same as one whose value is null
SILENT = ("updated_at",)  # says only that something else was edited


class CannotUndo(ValueError):
    """Why the merge stands. The message is for people."""


def merges_for(user: User) -> QuerySet[Merge]:
    """Those whose kept contact or company this user sees."""
    if not user.has_perm("contacts.delete_contact"):
        return Merge.objects.none()
    return Merge.objects.filter(
        Q(subject="contact", kept_id__in=contacts_for(user).values("pk"))
        | Q(subject="company", kept_id__in=companies_for(user).values("pk"))
    )


def undoable_until(merge: Merge) -> datetime:
    return merge.at + KEPT_FOR


def why_not(merge: Merge, now: datetime) -> str:
    """Why it cannot be undone, empty where it can."""
    if merge.state == Merge.State.UNDONE:
        return "This merge was undone already."
    if merge.state == Merge.State.EXPIRED or now >= undoable_until(merge):
        return f"A merge can be undone for {KEPT_FOR.days} days. This one is older."
    if later := _later_merge(merge):
        return f"Merge {later.pk} changed the same {merge.subject} later. Undo that one first."
    kept = MODELS[merge.subject].objects.filter(pk=merge.kept_id)
    if not (kept.filter(deleted_at=None) if merge.subject == "contact" else kept).exists():
        return f"The {merge.subject} that was kept is deleted."
    if merge.subject == "contact" and not Contact.objects.filter(pk=merge.other_id, deleted_at__isnull=False).exists():
        return "The contact that was merged is no longer there."
    return ""


def _later_merge(merge: Merge) -> Merge | None:
    later = Merge.objects.filter(subject=merge.subject, state=Merge.State.DONE, pk__gt=merge.pk)
    return later.filter(Q(kept_id=merge.kept_id) | Q(other_id=merge.kept_id)).order_by("-pk").first()


@retried
def undo_merge(merge: Merge, *, by: User, now: datetime) -> Merge:
    """Raises NotAllowed, CannotUndo. The second time it raises CannotUndo, and changes nothing."""
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
    """The tables in an order in which every reference finds its row: the model's own first. Returns what stayed."""
    own = Table(model._meta.db_table, "", str(model._meta.verbose_name_plural), ())
    segments = Table("contacts_segment", "", "segments", ())
    stayed: list[str] = []
    with connection.cursor() as cursor:
        # A row that is gone meanwhile is found at once, and not when the transaction ends.
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
        yield f"{_number(len(missing), table.label)} could not be restored: what they refer to is gone."


def _columns(cursor: Any, table: str) -> set[str]:
    """Those that there are today: one may have been dropped since the merge."""
    cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [table])
    return {name for (name,) in cursor.fetchall()} - DERIVED


def _steps(table: Table, groups: list[Row]) -> list[tuple[list[int], str, Any, Any]]:
    """First whose rows they are, then what is taken away, then what is given: no value is held twice meanwhile."""
    steps = [(group["ids"], column, was, became) for group in groups for column, (was, became) in group["set"].items()]
    return sorted(steps, key=lambda step: (step[1] != table.column, bool(step[2]), step[3] is None))


def _set_back(cursor: Any, table: Table, ids: list[int], column: str, was: Any, became: Any) -> int:
    """In how many rows the merge's value stood and was replaced. One row alone where they get in each other's way."""
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
    """Of custom fields each for itself: what was edited since stays."""
    labels = dict(CustomField.objects.values_list("key", "label"))
    for pk in ids:
        cursor.execute(f"SELECT {column}::text FROM {table.name} WHERE id = %s", [pk])
        current = json.loads(cursor.fetchone()[0])
        for key in sorted(was.keys() | became.keys()):
            if was.get(key, MISSING) == became.get(key, MISSING):
                continue
            if current.get(key, MISSING) != became.get(key, MISSING):
                yield f"{labels.get(key, key)} was edited since and was left as it is."
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
    """`left`: rows in which something else stands by now, or that are gone."""
    if not table.column:
        label = FIELDS.get(column.removesuffix("_id"), column.removesuffix("_id").replace("_", " ").capitalize())
        return f"{label} was edited since and was left as it is."
    return f"{_number(left, table.label)} changed since and stay as they are."


def _number(number: int, label: str) -> str:
    return f"{number:,} of the {label.replace('-', ' ')}"


def _tidy(merge: Merge, now: datetime) -> None:
    both = [merge.kept_id, merge.other_id]
    if merge.subject == "company":
        return
    for pk in both:
        _give_a_primary(pk)
    if merge.stayed:
        Contact.objects.filter(pk=merge.kept_id).update(updated_at=now)
        text = f"Merge undone. {' '.join(merge.stayed)}"
        Activity.objects.create(
            contact_id=merge.kept_id, kind=Activity.Kind.EDITED, text=text, by=merge.undone_by, at=now
        )


def _give_a_primary(contact: int) -> None:
    """Where the one that was primary is gone since."""
    reached = ContactAddress.objects.filter(contact=contact).order_by("-is_primary", "id").first()
    if reached and not reached.is_primary:
        ContactAddress.objects.filter(pk=reached.pk).update(is_primary=True)


def expire(now: datetime) -> int:
    """Forgets the rows of merges that are too old to be undone. Returns how many merges. May run twice."""
    old = Merge.objects.filter(state=Merge.State.DONE, at__lte=now - KEPT_FOR)
    return old.update(state=Merge.State.EXPIRED, changes={})


def forget_merges(contact_ids: list[int]) -> None:
    """Of contacts that are erased: no record holds anything of them, and nothing of it can be undone."""
    about = Q(kept_id__in=contact_ids) | Q(other_id__in=contact_ids)
    Merge.objects.filter(about, subject=Merge.Subject.CONTACT).delete()


def merged_into(contact_id: int) -> list[int]:
    """Contacts that were merged into this one, also by way of others, and that no undo has brought back."""
    found: list[int] = []
    following = [contact_id]
    while following:
        merges = Merge.objects.filter(subject=Merge.Subject.CONTACT, kept_id__in=following)
        following = list(merges.exclude(state=Merge.State.UNDONE).values_list("other_id", flat=True))
        following = [pk for pk in following if pk not in found and pk != contact_id]
        found += following
    return found
