"""Turns: imports that run at the same time take the worker one after the other, and leave it to other bulk work.

In: the runs that are to go on, a clock. Out: each carried on for a while, whoever had the least so far first: a short
list is done before a long one that came earlier, and long ones share. A turn ends between two steps, and only where
somebody waits: an import that is alone keeps the worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.db.models import F, QuerySet

from bounces import lease
from bounces.workers import has_worker
from contacts.importing import working
from contacts.importing.runs import LEASE
from contacts.importing.working import Clock, TurnOver
from contacts.models import ImportRun

QUEUE = "bulk"  # whose worker carries them on
ORDER = ("worked", "size", "pk")
Waits = Callable[[], bool]


def waiting() -> QuerySet[ImportRun]:
    """In the order of their turns."""
    return ImportRun.objects.filter(state__in=ImportRun.RUNNING).order_by(*ORDER)


def work_in_turns(clock: Clock, others_wait: Waits) -> bool:
    """Carries on all imports that are to go on. `others_wait`: whether other work needs the worker.

    True where it left the worker to other work, with imports that are to go on still. May run twice.
    """
    while run := waiting().first():
        if not _take_turn(run, clock, others_wait):
            return False  # another process works at an import: it goes on with the others
        if others_wait():
            return waiting().exists()
    return False


def _take_turn(run: ImportRun, clock: Clock, others_wait: Waits) -> bool:
    began = time.monotonic()
    _begin(run)

    def watch(run: ImportRun) -> None:
        is_over = time.monotonic() - began >= settings.IMPORT_TURN
        if is_over and (others_wait() or waiting().exclude(pk=run.pk).exists()):
            raise TurnOver

    try:
        return working.work(run.pk, clock, watch)
    finally:
        seconds = time.monotonic() - began
        ImportRun.objects.filter(pk=run.pk).update(worked=F("worked") + seconds, is_in_turn=False)


def _begin(run: ImportRun) -> None:
    ImportRun.objects.filter(is_in_turn=True).exclude(pk=run.pk).update(is_in_turn=False)  # of a killed worker
    ImportRun.objects.filter(pk=run.pk).update(is_in_turn=True)


def is_left_alone(run: ImportRun) -> bool:
    """Whether it is to go on and nobody is there to carry it: no process holds the lease, and no worker lives. One that
    was killed holds the lease for up to a minute still."""
    return run.is_running and lease.is_free(LEASE) and not has_worker(QUEUE)


def place_of(run: ImportRun) -> int:
    """How many imports have their turn before it; 0 while it has its own."""
    ahead = list(waiting().order_by("-is_in_turn", *ORDER).values_list("pk", flat=True))
    return ahead.index(run.pk) if run.pk in ahead else 0
