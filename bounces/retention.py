"""What is done is not kept for ever: raw bytes go first, the inbox's rows later, and the numbers still add up.

In: how many days each is kept (0: for ever). Out: fewer rows. What is behind a bounce or a complaint stays as long as
that does; what waits for somebody stays; the rows that go are counted, so that the inbox's sum is all that ever arrived
(invariant I3). The same thing arriving again is known by its EventKey. May run twice and be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from bounces import lease, noticing
from bounces.lease import Lease
from bounces.models import InboundItem

LEASE = "retention"
LEASE_LASTS = timedelta(seconds=60)
BATCH = 2_000
CONTAINERS = [str(form) for form in InboundItem.CONTAINERS]


@dataclass(slots=True)
class Pruned:
    raw: int = 0
    rows: int = 0
    others: int = 0  # of other applications: setting PRUNED_TOO


def prune(clock: Callable[[], datetime], patience: timedelta) -> Pruned | None:
    """What is older than the settings keep, or what patience allows of it. None where somebody else is at it."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return None
    pruned, until = Pruned(), clock() + patience
    try:
        if settings.RAW_DAYS:
            pruned.raw = _walk(PRUNE_RAW, clock() - timedelta(days=settings.RAW_DAYS), held, clock, until)
        pruned.others = sum(import_string(name)(clock()) for name in settings.PRUNED_TOO) + noticing.forget(clock())
        if settings.INBOX_DAYS:
            kept_since = clock() - timedelta(days=settings.INBOX_DAYS)
            pruned.rows = _walk(PRUNE_ROWS, kept_since, held, clock, until)
            for sql in (PRUNE_EARLY, PRUNE_TOLD):
                _prune_dated(sql, kept_since, held, clock, until)
    except lease.LeaseLost:
        return None
    finally:
        lease.release(held)
    return pruned


def _walk(sql: str, before: datetime, held: Lease, clock: Callable[[], datetime], until: datetime) -> int:
    """Through all items by their ids, a batch a transaction."""
    after, total = 0, 0
    while clock() < until:
        with transaction.atomic(), connection.cursor() as cursor:
            lease.guard(held)
            cursor.execute(sql, {"after": after, "batch": BATCH, "before": before, "containers": CONTAINERS})
            last, number = cursor.fetchone()
        total += number
        lease.renew(held)
        # Ids grow with time: behind one that is younger there is nothing older.
        if last is None or InboundItem.objects.filter(pk=last, received_at__gte=before).exists():
            break
        after = last
    return total


def _prune_dated(sql: str, before: datetime, held: Lease, clock: Callable[[], datetime], until: datetime) -> None:
    """Rows that nothing refers to, by their own date, a batch a transaction."""
    is_full = True
    while is_full and clock() < until:
        with transaction.atomic(), connection.cursor() as cursor:
            lease.guard(held)
            cursor.execute(sql, {"before": before, "batch": BATCH})
            is_full = cursor.rowcount == BATCH
        lease.renew(held)


# Outcomes of messages that no tool has told of: their attempts come no more.
PRUNE_EARLY = """
DELETE FROM bounces_earlyoutcome WHERE id = ANY(ARRAY(
    SELECT id FROM bounces_earlyoutcome WHERE recorded_at < %(before)s ORDER BY recorded_at LIMIT %(batch)s
))
"""
# Announcements that all receivers were told.
PRUNE_TOLD = """
DELETE FROM bounces_outbox WHERE id = ANY(ARRAY(
    SELECT id FROM bounces_outbox WHERE done_at < %(before)s ORDER BY id LIMIT %(batch)s
))
"""
# Done with, and nothing that anybody looks at refers to it.
_IS_OVER = """
    item.state IN ('done', 'ignored') AND item.finished_at < %(before)s
    AND NOT EXISTS (SELECT FROM bounces_evidence e WHERE e.inbound_item_id = item.id)
    AND NOT EXISTS (SELECT FROM bounces_complaint c WHERE c.inbound_item_id = item.id)
"""
PRUNE_RAW = f"""
WITH seen AS (
    SELECT item_id FROM bounces_rawchunk WHERE item_id > %(after)s ORDER BY item_id LIMIT %(batch)s
), over AS (
    SELECT item.id FROM bounces_inbounditem item
    WHERE item.id IN (SELECT item_id FROM seen) AND {_IS_OVER} ORDER BY item.id FOR UPDATE OF item SKIP LOCKED
), gone AS (
    DELETE FROM bounces_rawchunk chunk USING over WHERE chunk.item_id = over.id RETURNING chunk.item_id
)
SELECT (SELECT max(item_id) FROM seen), (SELECT count(DISTINCT item_id) FROM gone)
"""  # noqa: S608  (our own text)
# Children go before their containers: those are counted as what is in them.
PRUNE_ROWS = f"""
WITH seen AS (
    SELECT id FROM bounces_inbounditem WHERE id > %(after)s AND state IN ('done', 'ignored')
    ORDER BY id LIMIT %(batch)s
), over AS (
    SELECT item.id FROM bounces_inbounditem item
    WHERE item.id IN (SELECT id FROM seen) AND {_IS_OVER}
      AND NOT EXISTS (SELECT FROM bounces_inbounditem child WHERE child.parent_id = item.id)
    ORDER BY item.id FOR UPDATE OF item SKIP LOCKED
), bytes AS (
    DELETE FROM bounces_rawchunk chunk USING over WHERE chunk.item_id = over.id
), gone AS (
    DELETE FROM bounces_inbounditem item USING over WHERE item.id = over.id RETURNING item.state, item.form
), counted AS (
    INSERT INTO bounces_prunedcount AS count (state, items)
    SELECT state, count(*) FROM gone WHERE NOT (state = 'done' AND form = ANY(%(containers)s)) GROUP BY state
    ON CONFLICT (state) DO UPDATE SET items = count.items + excluded.items
)
SELECT (SELECT max(id) FROM seen), (SELECT count(*) FROM gone)
"""  # noqa: S608  (our own text)
