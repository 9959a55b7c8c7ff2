"""A cache that all processes share, in PostgreSQL. In: names and small JSON values. Out: the same, until they expire.

It holds the counts of sign-in attempts and the codes of the second step that were used. They must survive a Redis that
is away or wiped: with the counts gone, passwords could be guessed without limit. Unlike Django's own database cache,
`add` is one atomic statement, values are JSON rather than pickled, and a flood of names drives out no other. What is
no JSON is not kept, which a cache may do: Unfold caches what an admin's search found, names of people among it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

PRUNED = 20  # expired rows that each write takes away, more than it can add
FOREVER = 10 * 365 * 24 * 3600  # seconds

# statement_timestamp(), because now() stands still inside a transaction.
READ = "SELECT key, value FROM crm_cache WHERE key = ANY(%s) AND expires_at > statement_timestamp()"
WRITE = """
INSERT INTO crm_cache AS old (key, value, expires_at)
VALUES (%s, %s::jsonb, statement_timestamp() + make_interval(secs => %s))
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
"""
ONLY_EXPIRED = "WHERE old.expires_at <= statement_timestamp()"
PRUNE = """
DELETE FROM crm_cache WHERE key IN (
    SELECT key FROM crm_cache WHERE expires_at <= statement_timestamp() LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


class SharedCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:  # noqa: ARG002 -- Django's signature
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        names = {self.make_and_validate_key(key, version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(READ, [list(names)])
            return {names[name]: _value(value) for name, value in cursor.fetchall()}

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._write(WRITE, key, value, timeout, version)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._write(f"{WRITE} {ONLY_EXPIRED}", key, value, timeout, version) == 1

    def delete(self, key: str, version: int | None = None) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM crm_cache WHERE key = %s", [self.make_and_validate_key(key, version)])
            return bool(cursor.rowcount)

    def clear(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM crm_cache")

    def _write(self, sql: str, key: str, value: Any, timeout: Any, version: int | None) -> int:
        """How many rows it wrote."""
        try:
            text = json.dumps(value)
        except TypeError:
            self.delete(key, version)
            return 0
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        name = self.make_and_validate_key(key, version)
        with connection.cursor() as cursor:
            cursor.execute(PRUNE, [PRUNED])
            cursor.execute(sql, [name, text, FOREVER if seconds is None else float(seconds)])
            return int(cursor.rowcount)


def _value(value: Any) -> Any:
    """Django leaves jsonb as text to whoever reads it by hand."""
    return json.loads(value) if isinstance(value, str) else value
