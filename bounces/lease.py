"""Who may do a thing now: leases in the database, with fencing. By the database's clock alone.

In: a name and how long. Out: a `Lease` value, or None where somebody else holds it. A holder that was presumed dead
finds out before it writes: `guard` is called in the transaction of each step, and raises LeaseLost when the fence
has moved on. One that stands still amid a step (a stopped process, a machine that sleeps) loses its transaction after
a while, so that whoever takes over waits no longer than that.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection, transaction

RENEW = """
UPDATE bounces_lease SET expires_at = clock_timestamp() + make_interval(secs => %(lasts)s)
WHERE name = %(name)s AND fence = %(fence)s
RETURNING set_config('idle_in_transaction_session_timeout', %(standstill)s, true)
"""
GUARD = """
SELECT set_config('idle_in_transaction_session_timeout', %(standstill)s, true)
FROM bounces_lease WHERE name = %(name)s AND fence = %(fence)s FOR SHARE
"""

LEAST_STANDSTILL = timedelta(seconds=10)


class LeaseLost(Exception):
    """Somebody else took over: stop, and write nothing more."""


# What ends a step from without, and says nothing about what it was at: another goes on with that. PostgreSQL's word for
# a transaction that stood still is an InternalError.
PUT_OUT = (LeaseLost, OperationalError, InterfaceError, InternalError)


# Deadlock, serialization failure, lock not available, shutdown by an admin. A connection that breaks is none of them:
# what was worked at may have broken it.
BY_OTHERS = frozenset({"40P01", "40001", "55P03", "57P01"})


def is_by_others(error: BaseException) -> bool:
    """Whether it ended for what others did, and never for what it was at. Pure."""
    return isinstance(error, LeaseLost) or getattr(error.__cause__, "sqlstate", None) in BY_OTHERS


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
    """Holds the lease's row until the transaction ends, so that nobody takes over amid a step. Raises LeaseLost.

    PostgreSQL ends a transaction in which nothing is said for as long as the lease lasts.
    """
    _hold(GUARD, lease)


def _hold(statement: LiteralString, lease: Lease) -> None:
    standstill = max(lease.lasts, LEAST_STANDSTILL)
    values: dict[str, str | int | float] = {
        "name": lease.name,
        "fence": lease.fence,
        "lasts": lease.lasts.total_seconds(),
        "standstill": f"{standstill.total_seconds() * 1000:.0f}ms",
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
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
    _hold(RENEW, lease)


def release(lease: Lease) -> None:
    """Lets the next one in at once. Does nothing when the lease is already another's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bounces_lease SET expires_at = 'epoch' WHERE name = %s AND fence = %s",
            [lease.name, lease.fence],
        )


@contextmanager
def kept(name: str, lasts: timedelta) -> Iterator[Lease | None]:
    """The lease, renewed by a thread for as long as the work takes; None where somebody else holds it.

    For work that has no steps of its own: a process that is killed loses the lease within `lasts`.
    """
    held = acquire(name, lasts)
    if held is None:
        yield None
        return
    stop = threading.Event()
    thread = threading.Thread(target=_go_on_renewing, args=(held, stop), name=f"lease {name}", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        stop.set()
        thread.join()
        release(held)


def _go_on_renewing(held: Lease, stop: threading.Event) -> None:
    """With a connection of its own. One that fails is tried again: until the lease has run out there is time."""
    while not stop.wait(held.lasts.total_seconds() / 4):
        try:
            renew(held)
        except LeaseLost:
            break
        except (DatabaseError, InterfaceError):
            connection.close()
    connection.close()
