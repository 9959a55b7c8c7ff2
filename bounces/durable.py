"""One statement that is a transaction of its own: committed when it returns, with nothing around it.

In: SQL that may run twice, and its values. Out: its rows. For what waits at a door: where Django would ask first
whether its connection is still there, begin and commit, this takes one way to the server instead of four. A connection
that the server has closed meanwhile is replaced, and the statement runs again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from django.db import InterfaceError, OperationalError, connection
from psycopg import Cursor


def commit(statement: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Within a transaction of the caller's it is part of that, and committed with it."""
    connection.ensure_connection()
    try:
        return _execute(statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or not connection.connection.closed:
            raise
    connection.close()
    connection.ensure_connection()
    return _execute(statement, values)


def _execute(statement: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """psycopg's own cursor: bytes travel as they are, and not as text of twice their length."""
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        return cursor.execute(statement, values).fetchall()
