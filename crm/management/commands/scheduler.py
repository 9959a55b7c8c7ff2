"""`manage.py scheduler`: ticks four times a second, and outlives every outage of its servers."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseError
from django.db import InterfaceError, connections
from django.utils import timezone
from redis import RedisError

log = logging.getLogger(__name__)

TICK = 0.25  # seconds
LONGEST_PAUSE = 5.0
OUTAGES = (DatabaseError, InterfaceError, RedisError, OSError)


class Command(BaseCommand):
    help = "Start due schedules and pending work, four times a second, until SIGTERM. Two of them do no harm."

    def handle(self, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        pause = TICK
        while not stop.wait(pause):
            pause = TICK if _tick() else min(pause * 2, LONGEST_PAUSE)


def _tick() -> bool:
    """False: a server does not answer. What was due is still due at the next tick."""
    from bounces import schedule

    try:
        schedule.tick(timezone.now())
    except OUTAGES as error:
        log.warning("scheduler_waits", extra={"error": f"{type(error).__name__}: {error}"})
        connections.close_all()
        return False
    return True
