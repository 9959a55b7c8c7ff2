"""Takes addresses out of every text of the database, whatever table holds it.

In: `Traces`. Out: no text, JSON, list or search document that names them. The tables and columns come from the
database's own catalogue, so that a new one is among them from its first migration on; of those the settings name in
`ERASURE_KEEPS`, the values stay (the sign-in addresses of users).

It reads every text once: minutes on a large database, and without locks on rows that it does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from bounces.traces import Traces

ERASED = "(erased)"
# Where values have to differ: people named a tag, a segment and the like by an address.
UNIQUE = "'(erased ' || substr(md5(random()::text), 1, 8) || ')'"
KINDS = ("text", "varchar", "bpchar", "json", "jsonb", "tsvector", "_text", "_varchar", "citext", "name")

COLUMNS = """
    SELECT relation.relname, attribute.attname, type.typname, greatest(attribute.atttypmod - 4, 0)
      FROM pg_attribute AS attribute
      JOIN pg_class AS relation ON relation.oid = attribute.attrelid
      JOIN pg_type AS type ON type.oid = attribute.atttypid
     WHERE relation.relkind IN ('r', 'p') AND NOT relation.relispartition
       AND relation.relnamespace = current_schema()::regnamespace
       AND attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
       AND type.typname = ANY(%s)
     ORDER BY relation.relname, attribute.attnum
"""
APPEND_ONLY = frozenset({"bounces_statuschange"})  # a trigger holds it; its evidence names reasons and hosts


@dataclass(frozen=True, slots=True)
class Column:
    table: str
    name: str
    kind: str
    length: int  # 0 where there is no limit

    @property
    def quoted(self) -> str:
        return str(connection.ops.quote_name(self.name))

    @property
    def test(self) -> str:
        return f"({self.quoted}::text ILIKE ANY(%(hints)s) AND {self.quoted}::text ~* %(pattern)s)"

    def change(self, erased: str) -> str:
        if self.kind == "tsvector":  # made anew by whoever made it
            return f"{self.quoted} = ''::tsvector"
        made = f"regexp_replace({self.quoted}::text, %(pattern)s, {erased}, 'gi')"
        if self.length:
            made = f"left({made}, {self.length})"
        return f"{self.quoted} = {made}::{self.kind}"


def scrub(traces: Traces) -> None:
    """Inside the caller's transaction. May run twice."""
    for table, columns in by_table():
        try:
            with transaction.atomic():
                _scrub_table(table, columns, traces, "%(erased)s")
        except IntegrityError:
            _scrub_table(table, columns, traces, UNIQUE)


def by_table() -> Iterator[tuple[str, list[Column]]]:
    tables: dict[str, list[Column]] = {}
    for column in text_columns():
        tables.setdefault(column.table, []).append(column)
    yield from tables.items()


def text_columns() -> list[Column]:
    """Every column that can hold a text which somebody wrote."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [list(KINDS)])
        found = [Column(*row) for row in cursor.fetchall()]
    kept = set(settings.ERASURE_KEEPS)
    return [each for each in found if each.table not in APPEND_ONLY and f"{each.table}.{each.name}" not in kept]


def _scrub_table(table: str, columns: list[Column], traces: Traces, erased: str) -> None:
    name = connection.ops.quote_name(table)
    changes, tests = ", ".join(each.change(erased) for each in columns), " OR ".join(each.test for each in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {name} SET {changes} WHERE {tests}",  # noqa: S608 -- names are the catalogue's, quoted
            {**traces.parameters, "erased": ERASED},
        )
