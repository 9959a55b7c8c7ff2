"""Who may do a thing now: leases in the database, with fencing. By the database's clock alone.

In: a name and how long. Out: a `Lease` value, or None where somebody else holds it. A holder that was presumed dead
finds out before it writes: `guard` is called in the transaction of each step, and raises LeaseLost when the fence
has moved on.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

RENEW = """
UPDATE bounces_lease SET expires_at = clock_timestamp() + make_interval(secs => %s) WHERE name = %s AND fence = %s
"""


class LeaseLost(Exception):
    """Somebody else took over: stop, and write nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    fence: int
    lasts: timedelta


def acquire(name: str, lasts: timedelta) -> Lease | None:
    """Takes the lease if it is free or has run out."""
    holder = f"{socket.gethostname()}:{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO bounces_lease AS l (name, holder, fence, expires_at)
            VALUES (%(name)s, %(holder)s, 1, clock_timestamp() + make_interval(secs => %(lasts)s))
            ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
            WHERE l.expires_at < clock_timestamp()
            RETURNING fence
            """,
            {"name": name, "holder": holder, "lasts": lasts.total_seconds()},
        )
        row = cursor.fetchone()
    return Lease(name, row[0], lasts) if row else None


def is_free(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM bounces_lease WHERE name = %s AND expires_at >= clock_timestamp()", [name])
        return cursor.fetchone() is None


def guard(lease: Lease) -> None:
    """Holds the lease's row until the transaction ends, so that nobody takes over amid a step. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM bounces_lease WHERE name = %s AND fence = %s FOR SHARE", [lease.name, lease.fence]
        )
        if cursor.fetchone() is None:
            raise LeaseLost(f"the lease {lease.name} went to another holder")


def wait_for_step(name: str) -> None:
    """Waits until the step that a holder is amid has ended; the next waits until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM bounces_lease WHERE name = %s FOR UPDATE", [name])


def renew(lease: Lease) -> None:
    """Puts off the end. Between steps, in a transaction of its own. Raises LeaseLost."""
    with transaction.atomic():
        extend(lease)


def extend(lease: Lease) -> None:
    """`guard` and `renew` at once, for steps that are short beside what the lease lasts. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [lease.lasts.total_seconds(), lease.name, lease.fence])
        if cursor.rowcount == 0:
            raise LeaseLost(f"the lease {lease.name} went to another holder")


def release(lease: Lease) -> None:
    """Lets the next one in at once. Does nothing when the lease is already another's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bounces_lease SET expires_at = 'epoch' WHERE name = %s AND fence = %s",
            [lease.name, lease.fence],
        )
