"""The flow: the only module that knows all stages, in order.

In: what waits in the inbox, addresses with news, announcements that are due. Out: facts, statuses, announcements told.
`run_flow` may run twice and be killed anywhere: each step is one transaction that writes its effect together with the
fact that it is done, guarded by the flow's lease.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

import structlog
from django.db import transaction

from bounces import guards, inbox, incidents, lease, outbox, policy, proof
from bounces.conflicts import is_conflict
from bounces.containers import expand
from bounces.inbox import Item, Outcome, quarantined
from bounces.intake.events import read_report, report_of
from bounces.intake.exported.opening import open_list
from bounces.intake.keep import keep_finished
from bounces.intake.webhooks import opening
from bounces.lease import Lease
from bounces.models import InboundItem
from bounces.parsing import read
from bounces.recording import Told, record
from bounces.rules_in_force import rules_in_force
from bounces.telling import Arrived, outcome_of, told_of
from bounces.values import Reading

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
LEASE = "flow"
LEASE_LASTS = timedelta(seconds=20)
NEWS_CHUNKS = 3  # of a batch
RENEWED = timedelta(seconds=2)  # how often, while many items are read
POISON = f"It stopped its reader {inbox.TRIES} times."


def run_flow(clock: Clock, patience: timedelta = timedelta(minutes=5)) -> bool:
    """Drains the inbox, judges the news, tells the outbox, until nothing is left or patience ends.

    False when another process holds the flow: that one does the work.
    """
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    spare_what_is_there()
    try:
        until = clock() + patience
        while step(held, clock) and clock() < until:
            lease.renew(held)
    finally:
        lease.release(held)
    return True


@cache
def spare_what_is_there() -> None:
    """Once a process: what it has loaded by now stays. To look through that for garbage, time and again while batches
    come and go, costs a fifth of the drain.
    """
    gc.freeze()


def step(held: Lease, clock: Clock) -> bool:
    """One batch of each stage; whether there was anything to do."""
    drained = drain_batch(held, clock())
    judged = judge_news(held, clock)
    announced = outbox.tell_due(clock(), held)
    return bool(drained or judged or announced)


def judge_news(held: Lease, clock: Clock) -> int:
    """A few chunks, each watched before it is judged: a batch may have brought more news than one holds."""
    total = 0
    for _ in range(NEWS_CHUNKS):
        watched = incidents.watch(held, clock()) + guards.watch(held, clock())
        judged = policy.evaluate_news(clock(), held)
        total += watched + judged
        if judged < policy.NEWS_CHUNK:
            break
    return total


def has_work(now: datetime) -> bool:
    return inbox.is_waiting() or policy.has_news(now) or incidents.is_due(now) or outbox.is_due(now)


def drain_batch(held: Lease, now: datetime) -> int:
    """Takes a batch of items through parse, classify and record; returns how many it finished.

    Who is put out by others - a lease that ran out, a deadlock, a shutdown - was not stopped by its items.
    """
    taken = inbox.take(held)
    try:
        work_through(taken, held, now)
    except lease.PUT_OUT as error:
        if lease.is_by_others(error):
            inbox.give_back(item.pk for item in taken)
        raise
    return len(taken)


def work_through(taken: Sequence[Item], held: Lease, now: datetime) -> None:
    poison = {item.pk: quarantined(POISON) for item in taken if item.tries > inbox.TRIES}
    if poison:
        inbox.end(poison, held, now)
    items = [item for item in taken if item.pk not in poison]
    for archive in [item for item in items if item.is_archive]:
        expand(archive, held, now)
    for one in [item for item in items if item.form == InboundItem.Form.LIST]:
        open_list(one, held, now)
    settle_requests([item for item in items if item.form == InboundItem.Form.EVENTS], held, now)
    settle([item for item in items if not item.is_container], held, now)


# --- what providers posted


def settle_requests(items: Sequence[Item], held: Lease, now: datetime) -> None:
    """Records the events of requests and keeps them, in one step; where that fails, each waits for its own turn."""
    bodies = inbox.bodies(item.pk for item in items)
    for requests in opening.in_groups(items, bodies):
        lease.renew(held)  # reading many took its time
        try:
            in_step(held, lambda: record_requests(requests, now))  # noqa: B023  (called at once)
        except lease.PUT_OUT:
            raise
        except Exception:
            log.exception("inbox_requests_failed", items=[item.pk for item, _ in requests])
            in_step(held, lambda: opening.open_requests(requests, now))  # noqa: B023  (called at once)


def record_requests(requests: Sequence[opening.Request], now: datetime) -> None:
    """Inside the caller's transaction. May run twice."""
    if opening.is_large(requests):
        opening.open_requests(requests, now)
        return
    found = {item.pk: several for item, several in requests}
    waiting = inbox.lock(found)
    children = opening.children_of(waiting, found)
    events = [child for child in children if child.event]
    outcomes, told_of = record_all(events, {child.pk: read_report(child.event) for child in events})
    keep_finished([child.ended(outcomes.get(child.pk)) for child in children], now)
    opening.close(waiting, found, opening.outcomes_of(waiting, found, children), now)
    proof.reopen(told_of)


# --- mails, and events that tools reported


def settle(items: Sequence[Item], held: Lease, now: datetime) -> None:
    """Reads and records items together; where that fails, each half, so that in the end one bad one spoils no other."""
    if not items:
        return
    readings = read_all(items, inbox.bodies(item.pk for item in items), held)
    try:
        in_step(held, lambda: record_waiting(readings, now))
    except lease.PUT_OUT:
        raise
    except Exception as error:
        log.exception("inbox_batch_failed", items=[item.pk for item in items])
        if len(items) == 1 and is_conflict(error) and items[0].tries < inbox.TRIES:
            return  # somebody else changed its rows at that moment: the next batch takes it again
        if len(items) == 1:
            ours = quarantined(f"Our own fault, not its sender's: {type(error).__name__}.")
            inbox.end({items[0].pk: ours}, held, now)
            return
        middle = len(items) // 2
        settle(items[:middle], held, now)
        settle(items[middle:], held, now)


def read_all(items: Sequence[Item], bodies: Mapping[int, bytes], held: Lease) -> dict[int, Reading]:
    """Holds on to the lease while it reads: of many items each may take its time."""
    readings: dict[int, Reading] = {}
    until = time.monotonic() + RENEWED.total_seconds()
    for item in items:
        readings[item.pk] = read_item(item.form, bodies.get(item.pk, b""))
        if time.monotonic() > until:
            lease.renew(held)
            until = time.monotonic() + RENEWED.total_seconds()
    lease.renew(held)
    return readings


def read_item(form: str, body: bytes) -> Reading:
    return report_of(body) if form == InboundItem.Form.EVENT else read(body)


def in_step(held: Lease, work: Callable[[], None]) -> None:
    """One transaction, in which nobody else takes over."""
    with transaction.atomic():
        lease.guard(held)
        work()


def record_waiting(readings: dict[int, Reading], now: datetime) -> None:
    """Records what was read of those items that still wait, and finishes them. Inside the caller's transaction."""
    outcomes, told_of = record_all(inbox.lock(readings), readings)
    inbox.finish(outcomes, now)
    proof.reopen(told_of)


def record_all(items: Sequence[Arrived], readings: Mapping[int, Reading]) -> tuple[dict[int, Outcome], set[int]]:
    """What became of each, and the addresses with news of an attempt."""
    named = proof.name_addressees(proof.name_recipients({item.pk: readings[item.pk] for item in items}))
    rules = rules_in_force()
    told = prove_all({item.pk: told_of(item, named[item.pk], rules) for item in items})
    recorded = record([one for several in told.values() for one in several])
    outcomes = {item.pk: outcome_of(named[item.pk], told[item.pk], recorded.new[item.pk]) for item in items}
    return outcomes, recorded.told_of


def prove_all(told: dict[int, list[Told]]) -> dict[int, list[Told]]:
    """Those of all items together: their addresses are locked in one order."""
    proved = iter(proof.prove([one for several in told.values() for one in several]))
    return {pk: [next(proved) for _ in several] for pk, several in told.items()}
