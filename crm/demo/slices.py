"""One part of the story at a time, committed: what stops between two parts goes on with the next.

In: work that tells some days, a `Memory` of what the next days build on. Out: the rows of those days, and the row
`DemoLoad` that says so, in one transaction. Workers never see half a day: what a day brings is judged, by that day's
clock, before it is committed. Between two parts the real flow has its turn, so that real mail is not kept waiting.

What would fall due by today's clock is put aside between the parts: an incident's next look, and the day on which an
address is judged again. Else the real flow would judge the middle of the story as if it were over.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from time import sleep
from typing import Any, Protocol

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bounces import inbox, lease, process
from bounces.models import Address, Dirty, Incident
from crm.demo.models import DemoLoad
from crm.mail.models import OutgoingEmail

WAITS = 240  # quarters of a second
BUSY = "Another process has held the flow for a minute: a worker is busy. The demo goes on with the next start."
FAR = timedelta(days=36_500)
SET_ADDRESSES = """
UPDATE bounces_address a SET reevaluate_at = kept.value::timestamptz
FROM jsonb_each_text(%s::jsonb) kept WHERE a.id = kept.key::bigint AND a.reevaluate_at IS NULL
"""


class Memory(Protocol):
    """What the next day builds on, as JSON, and taken up again."""

    def keep(self) -> dict[str, Any]: ...

    def recall(self, state: dict[str, Any]) -> None: ...


def tell_slice(row: DemoLoad, memory: Memory, days_done: int, work: Callable[[], None], *, is_last: bool) -> None:
    """Commits what `work` does. Done anew where somebody else changed the same rows meanwhile."""
    for _ in range(WAITS):
        if process.has_work(timezone.now()):
            process.run_flow(timezone.now)
        try:
            if _tell(row, memory, days_done, work, is_last=is_last):
                return
        except OperationalError:  # could not be serialised, or a deadlock: nothing of it was written
            if connection.in_atomic_block:
                raise
        sleep(0.25)
    raise TimeoutError(BUSY)


def _tell(row: DemoLoad, memory: Memory, days_done: int, work: Callable[[], None], *, is_last: bool) -> bool:
    """False: the flow is another's at the moment, or real work waits for it."""
    state = dict(row.state)
    with transaction.atomic():
        _isolate()
        held = lease.acquire(process.LEASE, process.LEASE_LASTS)
        if held is None:
            return False
        lease.release(held)  # nobody else takes it before this transaction ends: its row is ours until then
        if inbox.is_waiting() or Dirty.objects.exists():
            return False
        memory.recall(state)
        _take_up(state)
        work()
        OutgoingEmail.objects.filter(recipient__email__endswith=".example", state="waiting").delete()
        put_aside = {} if is_last else _put_aside()
        now = timezone.now()
        row.state, row.days_done, row.changed_at = {**memory.keep(), **put_aside}, days_done, now
        row.finished_at = now if is_last else None
        row.save()
    return True


def _isolate() -> None:
    """One snapshot: what really arrives while a day of the story is told is not judged by that day's clock."""
    if connection.savepoint_ids:  # within the caller's transaction, which chose already
        return
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL synchronous_commit = off")  # a part that a crash loses is told again


def _put_aside() -> dict[str, Any]:
    addresses = Address.objects.filter(reevaluate_at__isnull=False, domain__endswith=".example")
    incidents = Incident.objects.filter(ended_at__isnull=True, look_at__lt=timezone.now() + FAR / 2)
    kept = {
        "judged_again": {str(pk): at.isoformat() for pk, at in addresses.values_list("pk", "reevaluate_at") if at},
        "looked_at": {str(pk): at.isoformat() for pk, at in incidents.values_list("pk", "look_at")},
    }
    addresses.update(reevaluate_at=None)
    incidents.update(look_at=timezone.now() + FAR)
    return kept


def _take_up(state: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SET_ADDRESSES, [json.dumps(state.get("judged_again", {}))])
    for pk, at in state.get("looked_at", {}).items():
        Incident.objects.filter(pk=pk).update(look_at=parse_datetime(at))
