"""The database as its migrations left it, given back after each test that commits.

In: the test database, just migrated; later what a test committed to it. Out: the first rows and no others, under the
ids they had. So a test may count on them whatever ran before it. Sequences go on: an id never comes twice, which is
what all that remembers something by id relies on.

Django's own way, `flush`, empties every table by TRUNCATE (0.1 s) and lets `post_migrate` make the first rows anew:
under other ids, and without those that migrations wrote. Deleting what a test leaves takes some milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
# What a test left working has this long to end, as for the TRUNCATE of `flush`, which would wait for ever.
PATIENCE = "30s"


@dataclass(frozen=True)
class FirstState:
    """`rows`: by table, as COPY writes them; nothing for an empty one."""

    rows: dict[str, bytes]

    @classmethod
    def keep(cls) -> FirstState:
        with connection.cursor() as cursor:
            return cls({table: _copied(cursor, table) for table in _tables(cursor)})

    def give_back(self) -> None:
        """Every foreign key is checked when the transaction ends, so the tables may come in any order."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            cursor.execute(f"LOCK TABLE {', '.join(self.rows)} IN SHARE ROW EXCLUSIVE MODE")
            _drop(cursor, set(_tables(cursor)) - self.rows.keys())
            cursor.execute("; ".join(f"DELETE FROM {table}" for table in self.rows))
            for table, rows in self.rows.items():
                _fill(cursor, table, rows)


def _tables(cursor: CursorWrapper) -> list[str]:
    cursor.execute(TABLES)
    return [name for (name,) in cursor.fetchall()]


def _copied(cursor: CursorWrapper, table: str) -> bytes:
    with cursor.copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(copy)


def _drop(cursor: CursorWrapper, tables: Iterable[str]) -> None:
    for table in tables:
        cursor.execute(f"DROP TABLE {table}")


def _fill(cursor: CursorWrapper, table: str, rows: bytes) -> None:
    if rows:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(rows)
