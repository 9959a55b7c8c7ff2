"""Many rows of a table in one statement: Django's bulk_create and bulk_update take ten times as long a row.

In: objects of a model, the names of its columns. Out: the rows, written. The names and types that are put into the
texts are the model's own. Stage: record.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models

from bounces.statements import run


def insert(model: type[models.Model], objects: Sequence[Any], names: Sequence[str]) -> None:
    """In their order; each gets its id. What is not named is what the database has for it."""
    if objects:
        ids = run(_insertion(model, tuple(names)), _values(model, objects, names))
        for each, (pk,) in zip(objects, ids, strict=True):
            each.pk = pk


def update(model: type[models.Model], objects: Sequence[Any], names: Sequence[str]) -> None:
    """Those columns of rows that are there. The caller has locked them."""
    if objects:
        values = _values(model, objects, names) | {"id": [each.pk for each in objects]}
        run(_change(model, tuple(names)), values)


def _values(model: type[models.Model], objects: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    values = {name: [getattr(each, name) for each in objects] for name in names}
    for name in names:
        if _type(model, name) == "text":  # the words of our vocabulary are texts of a class of their own
            values[name] = [text if text is None else str(text) for text in values[name]]
    return values


@cache
def _type(model: type[models.Model], name: str) -> str:
    return str(model._meta.get_field(name).rel_db_type(connection))  # type: ignore[union-attr]  # all are columns


@cache
def _insertion(model: type[models.Model], names: tuple[str, ...]) -> str:
    listed = ", ".join(names)
    arrays = ", ".join(f"%({name})b::{_type(model, name)}[]" for name in names)
    return f"""
        INSERT INTO {model._meta.db_table} ({listed})
        SELECT {listed} FROM unnest({arrays}) WITH ORDINALITY AS new({listed}, place) ORDER BY place RETURNING id
    """  # noqa: S608  (the names and types are the model's own)


@cache
def _change(model: type[models.Model], names: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%({name})b::{_type(model, name)}[]" for name in names)
    return f"""
        UPDATE {model._meta.db_table} row SET {", ".join(f"{name} = new.{name}" for name in names)}
        FROM unnest(%(id)b::bigint[], {arrays}) AS new(id, {", ".join(names)}) WHERE row.id = new.id
    """  # noqa: S608  (as above)
