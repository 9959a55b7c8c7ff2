"""Record what a merge changes: a snapshot of the rows before, one after, and the difference as JSON.

In: a model and the ids of the two rows to merge. Out: `Changes` by table, for `undoing.py`. The tables come from the
model's relations, so that a table added later is moved, recorded and restored without further code. Search documents
and sort names are left out, because the database generates them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model, UniqueConstraint

from contacts.models import DuplicateKeys, DuplicatePair

Row = dict[str, Any]
Snapshot = dict[str, dict[int, Row]]
Changes = dict[str, Any]  # by table: {"updated": [{"set": {column: [was, became]}, "ids": […]}], "deleted", "inserted"}

# The search for duplicates recomputes its own rows.
NOT_MOVED = (DuplicatePair, DuplicateKeys)
DERIVED = frozenset({"document", "sort_name"})  # the database writes these


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows refer to the model. `unique`: its unique constraints that include the reference."""

    name: str
    column: str
    label: str
    unique: tuple[tuple[tuple[str, ...], bool], ...]  # the constraint's other columns, and whether NULLs are equal


def tables_of(model: type[Model]) -> list[Table]:
    found = [relation for relation in model._meta.get_fields(include_hidden=True) if _points_here(relation)]
    return sorted((_table(relation) for relation in found), key=lambda table: table.name)


def _points_here(relation: Any) -> bool:
    is_reverse = relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)
    return bool(is_reverse) and relation.related_model not in NOT_MOVED


def _table(relation: Any) -> Table:
    meta = relation.related_model._meta
    return Table(meta.db_table, relation.field.column, _label(relation), tuple(_unique(relation)))


def _label(relation: Any) -> str:
    """Plural name for people. A many-to-many table is called by its other model."""
    meta = relation.related_model._meta
    others = [field for field in meta.fields if field.is_relation and field is not relation.field]
    return str((others[0].related_model._meta if meta.auto_created else meta).verbose_name_plural)


def _unique(relation: Any) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Constraints on the reference alone, such as one primary address per contact, are left to `contacts.py`."""
    meta, name = relation.related_model._meta, relation.field.name
    constraints = [one for one in meta.constraints if isinstance(one, UniqueConstraint)]
    named = [(one.fields, one.nulls_distinct is False) for one in constraints]
    for fields, nulls_equal in [*named, *((fields, False) for fields in meta.unique_together)]:
        others = tuple(meta.get_field(field).column for field in fields if field != name)
        if name in fields and others:
            yield others, nulls_equal


def move(table: Table, kept: int, other: int) -> None:
    """Move the other's rows to the kept one, except for rows that it already has."""
    held = " ".join(
        f"AND NOT EXISTS (SELECT FROM {table.name} AS held WHERE held.{table.column} = %(kept)s "  # noqa: S608 -- names of our models
        + " ".join(
            f"AND held.{column} IS NOT DISTINCT FROM moved.{column}"
            if nulls_equal
            else f"AND held.{column} = moved.{column}"
            for column in columns
        )
        + ")"
        for columns, nulls_equal in table.unique
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table.name} AS moved SET {table.column} = %(kept)s WHERE {table.column} = %(other)s {held}",  # noqa: S608 -- likewise
            {"kept": kept, "other": other},
        )


def snapshot(model: type[Model], ids: Sequence[int], *, whole: bool = True) -> Snapshot:
    """Return the rows and those that refer to them. Unless `whole`, of the latter only the id and the reference."""
    own = model._meta.db_table
    taken = {own: _rows(own, "id", ids, f"to_jsonb(t) - '{{{','.join(DERIVED)}}}'::text[]")}
    for table in tables_of(model):
        shape = "to_jsonb(t)" if whole else f"jsonb_build_object('id', t.id, '{table.column}', t.{table.column})"
        taken[table.name] = _rows(table.name, table.column, ids, shape)
    return taken


def _rows(table: str, column: str, ids: Sequence[int], shape: str) -> dict[int, Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, ({shape})::text FROM {table} AS t WHERE t.{column} = ANY(%s) ORDER BY t.id",  # noqa: S608 -- likewise
            [list(ids)],
        )
        return {pk: json.loads(text) for pk, text in cursor.fetchall()}


def changes_between(before: Snapshot, after: Snapshot) -> Changes:
    found = {table: _changes(before[table], after[table]) for table in before}
    return {table: changed for table, changed in found.items() if changed}


def _changes(before: dict[int, Row], after: dict[int, Row]) -> Row:
    groups: dict[str, Row] = {}
    for pk in sorted(before.keys() & after.keys()):
        was, became = before[pk], after[pk]
        changed = {column: [was[column], became[column]] for column in was if was[column] != became[column]}
        if changed:
            groups.setdefault(json.dumps(changed, sort_keys=True), {"set": changed, "ids": []})["ids"].append(pk)
    parts: Row = {
        "updated": [{**group, "ids": sorted(group["ids"])} for group in groups.values()],
        "deleted": [before[pk] for pk in sorted(before.keys() - after.keys())],
        "inserted": sorted(after.keys() - before.keys()),
    }
    return {name: part for name, part in parts.items() if part}
