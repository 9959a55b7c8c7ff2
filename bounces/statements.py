"""One statement over whole columns, sent as PostgreSQL keeps them.

In: SQL whose arrays are written `%(name)b`, and its values. Out: its rows. psycopg's own cursor, not Django's: an array
of 2,000 texts or dates costs a fifth of the time in binary form, and bytes travel as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from psycopg import Cursor

Rows = list[tuple[Any, ...]]


def run(statement: str, values: Mapping[str, Any]) -> Rows:
    """In the caller's transaction. What returns nothing gives no rows; what it returns comes in binary too."""
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(statement, values, binary=True)
        return cursor.fetchall() if cursor.description else []


def commit(statement: str, values: Mapping[str, Any]) -> Rows:
    """The statement is a transaction of its own, committed when it returns; within one of the caller's it is part of
    that. For what waits at a door: where Django would ask first whether its connection is still there, begin and
    commit, this goes one way to the server instead of four. A connection that the server has closed meanwhile is
    replaced, and the statement runs again: it must be one that may run twice.
    """
    try:
        return run(statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or not connection.connection.closed:
            raise
    connection.close()
    return run(statement, values)


def columns(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as columns by name: empty ones where there are no rows."""
    turned = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: list(column) for name, column in zip(names, turned, strict=True)}
