"""The outbox: what happened is announced in the transaction in which it happened, and told afterwards.

In: `announce` within a transaction. Out: each receiver of the topic (setting OUTBOX_RECEIVERS, dotted names) called
with the payload, at least once. Stage: announce.

Receivers only write rows, and may run twice: mails and requests have queues of their own. Each receiver has a savepoint
and a counter of its own, so that one that fails neither rolls back nor repeats the others. The try is counted and the
next one put off before anything is tried: what kills its process waits as long as what fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from bounces import lease
from bounces.lease import Lease
from bounces.models import Outbox

log = structlog.get_logger(__name__)

BATCH = 20
LONGEST_WAIT = timedelta(hours=1)

# `announce` as a part of another statement, with its parameters `topic` and `now`: `payload` is an aggregate of what
# `source` gives, and nothing is announced where that is nothing.
ANNOUNCE = """INSERT INTO bounces_outbox (topic, payload, due_at, tries, error)
    SELECT %(topic)s, {payload}, %(now)s, 0, '' FROM {source} HAVING count(*) > 0"""


def announce(topic: str, payload: dict[str, Any], now: datetime) -> None:
    """Writes an announcement in the caller's transaction; it is told from now on."""
    Outbox.objects.create(topic=topic, payload=payload, due_at=now)


def is_due(now: datetime) -> bool:
    return Outbox.objects.filter(done_at__isnull=True, due_at__lte=now).exists()


def tell_due(now: datetime, held: Lease) -> int:
    """Tells what is due; returns how many rows it saw to, well or not."""
    rows = claim(now, held)
    tell([row for row in rows if row.tries == 1], now, held)
    for row in rows:
        if row.tries > 1:
            tell([row], now, held)
    return len(rows)


def claim(now: datetime, held: Lease) -> list[Outbox]:
    """Takes what is due: its try is counted and the next one put off, whatever becomes of this one."""
    with transaction.atomic():
        lease.guard(held)
        due = Outbox.objects.select_for_update(skip_locked=True).filter(done_at__isnull=True, due_at__lte=now)
        rows = [part for row in due.order_by("due_at", "pk")[:BATCH] for part in _split(row, now)]
        for row in rows:
            row.tries += 1
            row.due_at = now + wait_after(row.tries)
        Outbox.objects.bulk_update(rows, ["tries", "due_at"])
    return rows


def _split(row: Outbox, now: datetime) -> list[Outbox]:
    """One that was claimed and never finished did not survive one of its receivers: from now on, each is on its own."""
    if row.receiver or not row.tries:
        return [row]
    row.done_at = now
    row.save(update_fields=["done_at"])
    return [_for_one(row, name, now) for name in receivers_of(row)]


def _for_one(row: Outbox, receiver: str, due_at: datetime, error: str = "") -> Outbox:
    return Outbox.objects.create(
        topic=row.topic, payload=row.payload, receiver=receiver, tries=row.tries, due_at=due_at, error=error
    )


def receivers_of(row: Outbox) -> list[str]:
    return [row.receiver] if row.receiver else settings.OUTBOX_RECEIVERS.get(row.topic, [])


def wait_after(tries: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(tries, 12)), LONGEST_WAIT)


def tell(rows: Sequence[Outbox], now: datetime, held: Lease) -> None:
    if not rows:
        return
    with transaction.atomic():
        lease.extend(held)
        for row in rows:
            _tell(row, now)


def _tell(row: Outbox, now: datetime) -> None:
    failed = {name: error for name in receivers_of(row) if (error := _call(name, row))}
    if row.receiver:
        row.error = failed.get(row.receiver, "")
        row.done_at = None if failed else now
    else:
        row.done_at = now
        for name, error in failed.items():
            _for_one(row, name, row.due_at, error)
    row.save(update_fields=["error", "done_at"])


def _call(receiver: str, row: Outbox) -> str:
    """What went wrong, in a line; empty where nothing did."""
    try:
        with transaction.atomic():
            import_string(receiver)(row.payload)
    except Exception as error:
        log.exception("outbox_receiver_failed", topic=row.topic, receiver=receiver, outbox=row.pk)
        return f"{type(error).__name__}: {error}"[:2000]
    return ""
