"""What wakes the scheduler: PostgreSQL says so when a transaction with new work commits.

In: tables whose rows wait for a worker, each with a statement trigger `wake` that notifies the channel (migrations
named `wake_the_scheduler`). Out: an `Ear` that listens to it. A notification says only "look": what there is to do, the
tables know. One that is lost (a server that restarts) costs no more than the wait for the scheduler's next tick.

In PostgreSQL commits that notify wait for each other. So while the flow runs, which looks for itself, its rows notify
nobody; and of transactions that insert side by side one notifies for all: the scheduler, once woken, looks for longer
than an insert takes to commit.
"""

from __future__ import annotations

import os
import select
import signal
import time
from types import FrameType
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import connection
from psycopg import sql

log = structlog.get_logger(__name__)

CHANNEL = "rebound_work"
PROBE_LASTS = 2.0  # seconds in which a notification of our own has to arrive


class Ear:
    """Listens on a connection of its own, direct to PostgreSQL: a pool that shares connections passes nothing on."""

    def __init__(self) -> None:
        self.hears = False
        self.is_stopped = False
        self._connection: psycopg.Connection[Any] | None = None
        self._inner, self._outer = os.pipe()

    def stop_on_signals(self) -> None:
        """From the next signal on, `wait` returns at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_signal)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- a handler's signature
        self.is_stopped = True
        os.write(self._outer, b"x")

    def open(self) -> None:
        """Raises what psycopg and Django raise. Where nothing can be heard, `hears` stays False."""
        self.close()
        values: dict[str, Any] = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
        heard_at = settings.DIRECT_DATABASE_URL
        self._connection = (
            psycopg.connect(heard_at, autocommit=True) if heard_at else psycopg.connect(**values, autocommit=True)
        )
        self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
        self.hears = self._probe()
        if not self.hears:
            log.warning("scheduler_cannot_listen", advice="Set REBOUND_DIRECT_DATABASE_URL: a pool passes nothing on.")

    def _probe(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        until = time.monotonic() + PROBE_LASTS
        while (left := until - time.monotonic()) > 0:
            if self.wait(left):
                return not self.is_stopped
        return False

    def wait(self, seconds: float) -> bool:
        """Until something is notified or a signal comes: True. Raises OperationalError when the server is gone."""
        heard: list[int] = [self._inner]
        if self._connection is not None:
            heard.append(self._connection.fileno())
        ready, _, _ = select.select(heard, [], [], seconds)
        if self._connection is not None and self._connection.fileno() in ready:
            return self._drain(self._connection)
        return bool(ready)

    @staticmethod
    def _drain(listening: psycopg.Connection[Any]) -> bool:
        listening.pgconn.consume_input()
        heard = False
        while listening.pgconn.notifies() is not None:
            heard = True
        return heard

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self.hears = None, False
