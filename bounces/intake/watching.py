"""Watching mailboxes all the time: each in a thread of its own, told of new mail by the server (IDLE) where it can.

In: the sources, again every few seconds, so that what an admin changes takes effect by itself. Out: kept mails. What
fails is said on the source's row and tried again after a pause that grows. Beside it the scheduler's turns find the
lease taken, and do nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connections

from bounces import lease
from bounces.intake.imap import LEASE_LASTS, lease_name, read_folder
from bounces.intake.mailboxes import TROUBLE, opened_source, sources
from bounces.intake.seen import note_trouble, note_well
from bounces.lease import Lease
from bounces.models import IntakeSource

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
LOOK_AGAIN = 5.0  # seconds between two looks at the sources
IDLE = 25.0  # seconds: far below the half hour after which servers hang up, and below the lease
POLL = timedelta(seconds=30)  # where the server cannot IDLE
PAUSES = (5.0, 15.0, 60.0, 300.0)  # seconds after one failure, two, …
MOST_MAILBOXES = 100
GRACE = 4.0  # seconds to end in, once asked to: what is cut off after that is read again


def watch_all(clock: Clock, stop: threading.Event) -> None:
    """Until asked to stop. Raises nothing: a database that does not answer is asked again."""
    threads: dict[int, threading.Thread] = {}
    while True:
        try:
            for source in sources()[:MOST_MAILBOXES]:
                if source.pk not in threads or not threads[source.pk].is_alive():
                    threads[source.pk] = _begin(source, clock, stop)
        except (DatabaseError, InterfaceError) as error:
            log.warning("mailboxes_wait", error=f"{type(error).__name__}: {error}")
            connections.close_all()
        if stop.wait(LOOK_AGAIN):
            break
    deadline = time.monotonic() + GRACE
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    connections.close_all()


def _begin(source: IntakeSource, clock: Clock, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=_run, args=(source, clock, stop), name=f"mailbox {source.name}", daemon=True)
    thread.start()
    return thread


def _run(source: IntakeSource, clock: Clock, stop: threading.Event) -> None:
    """Until the source is changed or switched off (then it begins anew, or not), or asked to stop."""
    failures = 0
    try:
        while not stop.is_set() and is_current(source):
            is_good = watch(source, clock, stop)
            failures = failures + 1 if is_good is False else 0
            if not is_good:
                stop.wait(PAUSES[min(failures, len(PAUSES)) - 1] if failures else LOOK_AGAIN)
    except (DatabaseError, InterfaceError) as error:
        log.warning("mailbox_waits", source=source.name, error=f"{type(error).__name__}: {error}")
    finally:
        connections.close_all()


def is_current(source: IntakeSource) -> bool:
    """Whether the row is still as it was when watching began. A refresh token that came anew is no change."""
    row = IntakeSource.objects.filter(pk=source.pk).first()
    return row is not None and row.is_enabled and _told(row) == _told(source)


def _told(source: IntakeSource) -> tuple[object, ...]:
    return source.name, source.trust, source.options, source.sealed_secrets


def watch(source: IntakeSource, clock: Clock, stop: threading.Event) -> bool | None:
    """One connection, for as long as it holds. False where it failed; None where somebody else reads this mailbox.

    Somebody else may be a reader that was killed: its lease runs out, and no failure is to be waited off.
    """
    held = lease.acquire(lease_name(source.pk), LEASE_LASTS)
    if held is None:
        return None
    try:
        _stay(source, held, clock, stop)
    except TROUBLE as error:
        note_trouble(source.pk, str(error), clock())
        return False
    except lease.LeaseLost:
        return None
    finally:
        lease.release(held)
    return True


def _stay(source: IntakeSource, held: Lease, clock: Clock, stop: threading.Event) -> None:
    with opened_source(source) as (opened, inlet):
        read_at = clock() - POLL
        has_news = True
        while not stop.is_set() and is_current(source):
            if has_news or clock() - read_at >= POLL:
                for _ in read_folder(opened, inlet, held, clock):
                    if stop.is_set():
                        return
                read_at = clock()
                note_well(source.pk)
            lease.renew(held)
            has_news = opened.wait(IDLE, stop.is_set) if opened.can_idle else bool(stop.wait(POLL.total_seconds()))
