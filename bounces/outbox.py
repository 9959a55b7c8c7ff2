"""The outbox: what happened is announced in the transaction in which it happened, and told afterwards.

In: `announce` within a transaction. Out: each receiver of the topic (setting OUTBOX_RECEIVERS, dotted names) called
with the payload, at least once: receivers may run twice. One that fails is tried again, later and later, and its
error is kept on the row. Stage: announce.
"""

from __future__ import annotations

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
    with transaction.atomic():
        lease.guard(held)
        due = Outbox.objects.select_for_update(skip_locked=True).filter(done_at__isnull=True, due_at__lte=now)
        rows = list(due.order_by("due_at", "pk")[:BATCH])
        for row in rows:
            _tell(row, now)
    return len(rows)


def _tell(row: Outbox, now: datetime) -> None:
    row.tries += 1
    try:
        with transaction.atomic():
            for name in settings.OUTBOX_RECEIVERS.get(row.topic, []):
                import_string(name)(row.payload)
    except Exception as error:
        log.exception("outbox_receiver_failed", topic=row.topic, outbox=row.pk)
        row.error = f"{type(error).__name__}: {error}"[:2000]
        row.due_at = now + min(timedelta(seconds=2**row.tries), LONGEST_WAIT)
    else:
        row.done_at, row.error = now, ""
    row.save(update_fields=["tries", "error", "due_at", "done_at"])
