"""The flow: the only module that knows all stages, in order.

In: what waits in the inbox, addresses with news, announcements that are due. Out: facts, statuses, announcements told.
`run_flow` may run twice and be killed anywhere: each step is one transaction that writes its effect together with the
fact that it is done, guarded by the flow's lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction

from bounces import guards, inbox, incidents, lease, outbox, policy, proof
from bounces.containers import expand
from bounces.inbox import Outcome, quarantined
from bounces.intake.events import report_of
from bounces.intake.exported.opening import open_list
from bounces.intake.webhooks.opening import open_events
from bounces.lease import Lease
from bounces.models import InboundItem
from bounces.parsing import read
from bounces.recording import Told, record
from bounces.rules_in_force import rules_in_force
from bounces.telling import outcome_of, told_of
from bounces.values import Reading

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
LEASE = "flow"
LEASE_LASTS = timedelta(seconds=20)
RENEWED = timedelta(seconds=2)  # how often, while many items are read
POISON = f"It stopped its reader {inbox.TRIES} times."


def run_flow(clock: Clock, patience: timedelta = timedelta(minutes=5)) -> bool:
    """Drains the inbox, judges the news, tells the outbox, until nothing is left or patience ends.

    False when another process holds the flow: that one does the work.
    """
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        until = clock() + patience
        while step(held, clock) and clock() < until:
            lease.renew(held)
    finally:
        lease.release(held)
    return True


def step(held: Lease, clock: Clock) -> bool:
    """One batch of each stage; whether there was anything to do."""
    drained = drain_batch(held, clock())
    watched = incidents.watch(held, clock()) + guards.watch(held, clock())
    judged = policy.evaluate_news(clock(), held)
    announced = outbox.tell_due(clock(), held)
    return bool(drained or watched or judged or announced)


def has_work(now: datetime) -> bool:
    return inbox.is_waiting() or policy.has_news(now) or incidents.is_due(now) or outbox.is_due(now)


def drain_batch(held: Lease, now: datetime) -> int:
    """Takes a batch of items through parse, classify and record; returns how many it finished."""
    taken = inbox.take()
    poison = {item.pk: quarantined(POISON) for item in taken if item.tries > inbox.TRIES}
    inbox.finish(poison, now)
    items = [item for item in taken if item.pk not in poison]
    for archive in [item for item in items if item.is_archive]:
        expand(archive, held, now)
    for one in [item for item in items if item.form == InboundItem.Form.LIST]:
        open_list(one, held, now)
    open_events([item for item in items if item.form == InboundItem.Form.EVENTS], held, now)
    settle([item for item in items if not item.is_container], held, now)
    return len(taken)


def settle(items: Sequence[InboundItem], held: Lease, now: datetime) -> None:
    """Reads and records items together; where that fails, each half, so that in the end one bad one spoils no other."""
    if not items:
        return
    bodies = inbox.bodies(items)
    readings = read_all(items, bodies, held)
    try:
        record_items(items, readings, held, now)
    except (OperationalError, InterfaceError, lease.LeaseLost):
        raise
    except Exception as error:
        log.exception("inbox_batch_failed", items=[item.pk for item in items])
        if len(items) == 1:
            inbox.finish({items[0].pk: quarantined(f"Our own fault, not its sender's: {type(error).__name__}.")}, now)
            return
        middle = len(items) // 2
        settle(items[:middle], held, now)
        settle(items[middle:], held, now)


def read_all(items: Sequence[InboundItem], bodies: Mapping[int, bytes], held: Lease) -> dict[int, Reading]:
    """Holds on to the lease while it reads: of many items each may take its time."""
    readings: dict[int, Reading] = {}
    until = time.monotonic() + RENEWED.total_seconds()
    for item in items:
        readings[item.pk] = read_item(item, bodies.get(item.pk, b""))
        if time.monotonic() > until:
            lease.renew(held)
            until = time.monotonic() + RENEWED.total_seconds()
    lease.renew(held)
    return readings


def read_item(item: InboundItem, body: bytes) -> Reading:
    return report_of(body) if item.form == InboundItem.Form.EVENT else read(body)


def record_items(items: Sequence[InboundItem], readings: dict[int, Reading], held: Lease, now: datetime) -> None:
    """Records what was read and finishes the items, in one transaction."""
    with transaction.atomic():
        lease.guard(held)
        record_waiting(items, readings, now)


def record_waiting(items: Sequence[InboundItem], readings: dict[int, Reading], now: datetime) -> None:
    """Those of the items that still wait. Inside the caller's transaction."""
    items = inbox.lock(items)
    readings = proof.name_recipients(items, readings)
    rules = rules_in_force()
    told = prove_all({item.pk: told_of(item, readings[item.pk], rules) for item in items})
    recorded = record([one for several in told.values() for one in several])
    outcomes: dict[int, Outcome] = {
        item.pk: outcome_of(readings[item.pk], told[item.pk], recorded.new[item.pk]) for item in items
    }
    inbox.finish(outcomes, now)
    proof.reopen(recorded.told_of)


def prove_all(told: dict[int, list[Told]]) -> dict[int, list[Told]]:
    """Those of all items together: their addresses are locked in one order."""
    proved = iter(proof.prove([one for several in told.values() for one in several]))
    return {pk: [next(proved) for _ in several] for pk, several in told.items()}
