"""`manage.py scheduler`: starts what is due, woken by PostgreSQL, and outlives every outage of its servers."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import InterfaceError, connections
from django.utils import timezone
from psycopg import Error as PsycopgError
from redis import RedisError

log = logging.getLogger(__name__)

TICK = 0.25  # seconds while something is going on, or where nothing can be heard
REST = 10.0  # seconds while nothing is: for what becomes due by the clock, and for a notification that was lost
AWAKE = 3.0  # seconds after the last sign of work; longer than the transaction of one insert takes to commit
GAP = 0.05  # seconds at least between two ticks, however much is notified
LONGEST_PAUSE = 5.0  # between tries while a server is away
OUTAGES = (DatabaseError, InterfaceError, PsycopgError, RedisError, OSError)


class Command(BaseCommand):
    help = "Start due schedules and pending work until SIGTERM. Two of them do no harm."

    def handle(self, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        from bounces.wake import Ear

        ear = Ear()
        ear.stop_on_signals()
        run(ear)
        ear.close()


def run(ear: Any) -> None:
    """Ticks until the ear is stopped."""
    pause, awake_until = 0.0, 0.0
    while not ear.is_stopped:
        try:
            was_woken = ear.wait(pause)
            if ear.is_stopped:
                return
            if not ear.is_open:
                ear.open()
            is_busy = _tick()
        except OUTAGES as error:
            log.warning("scheduler_waits", extra={"error": f"{type(error).__name__}: {error}"})
            ear.close()
            connections.close_all()
            pause = min(max(pause, TICK) * 2, LONGEST_PAUSE)
            continue
        now = time.monotonic()
        if is_busy or was_woken:
            awake_until = now + AWAKE
        pause = TICK if now < awake_until or not ear.hears else REST
        if was_woken:
            time.sleep(GAP)


def _tick() -> bool:
    """Whether something is going on. Raises what a server that does not answer raises: what was due still is."""
    from bounces import schedule

    return schedule.tick(timezone.now())
