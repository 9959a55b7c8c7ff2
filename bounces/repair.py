"""Repair afterwards: what became invalid because of one provider, between two moments, for one reason, is taken back.

In: provider, from, to, reason. Out: first the addresses (the preview), then a Repair: a waive ruling each, and the
addresses judged again, a chunk a step, by the job; its undo likewise. Only addresses that are invalid still, by that
very bounce: newer facts have the last word. It may be killed anywhere: each step writes how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from bounces import lease, policy, rulings
from bounces.conditions import counted_hard, hard_after
from bounces.conflicts import retried
from bounces.lease import Lease
from bounces.models import Address, Policy, Repair, Ruling
from bounces.rulings import NoReason
from bounces.values import Status

__all__ = ["NoReason", "Repairable", "Scope", "count", "outlook", "preview", "start", "undo", "unfinished", "work"]

State = Repair.State
Clock = Callable[[], datetime]
LEASE = "repair"
LEASE_LASTS = timedelta(seconds=30)
CHUNK = 1000
RULE = "hard_bounce"
IN_SCOPE = """{b}.provider = %(provider)s AND {b}.occurred_at >= %(since)s AND {b}.occurred_at <= %(until)s
    AND (%(reason)s = '' OR {b}.reason = %(reason)s)"""

# An address is invalid by the hard bounces that nobody took back. Those of the scope are to be all of them.
FOUND = f"""
SELECT a.id, a.email, max(b.occurred_at) AS bounced_at
FROM bounces_bounce b
JOIN bounces_address a ON a.id = b.address_id AND a.status = 'invalid' AND a.status_rule = 'hard_bounce'
CROSS JOIN LATERAL {hard_after("a")} AS taken(back_at)
WHERE {counted_hard("b")} AND {IN_SCOPE.format(b="b")} AND b.occurred_at > taken.back_at AND a.id > %(after)s
  AND NOT EXISTS (
      SELECT FROM bounces_bounce o WHERE o.address_id = b.address_id AND {counted_hard("o")}
      AND o.occurred_at > taken.back_at AND NOT ({IN_SCOPE.format(b="o")}))
GROUP BY a.id, a.email
"""  # noqa: S608  (conditions of ours)


@dataclass(frozen=True, slots=True)
class Scope:
    provider: str  # as in Bounce.provider
    since: datetime
    until: datetime
    reason: str = ""  # a slug of the reasons; empty: any

    @property
    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Repairable:
    address_id: int
    email: str
    bounced_at: datetime  # its newest bounce in the scope: up to here the rule is waived


def preview(scope: Scope, after: int = 0) -> list[Repairable]:
    """What would be taken back: the first CHUNK behind an address, in the order of their ids. Reads only.

    An address that bounced for good outside of the scope too is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{FOUND} ORDER BY a.id LIMIT {CHUNK}", scope.given | {"after": after})
        return [Repairable(*row) for row in cursor.fetchall()]


def count(scope: Scope) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({FOUND}) AS found", scope.given | {"after": 0})  # noqa: S608  (our own)
        return int(cursor.fetchone()[0])


def outlook(found: Sequence[Repairable], by: Any, now: datetime) -> dict[int, str]:
    """The status that each of a preview would have: judged as if it were done, and nothing of it kept."""
    ids = [each.address_id for each in found]
    with transaction.atomic():
        _rule(found, None, by, "Looked at.", now)
        moves = {each.address_id: each.to_status for each in policy.evaluate(ids, Policy.active(), now)}
        transaction.set_rollback(True)
    return {pk: moves.get(pk, Status.INVALID) for pk in ids}


def start(scope: Scope, by: Any, why: str, now: datetime) -> Repair:
    """The scheduler's next tick starts its job. Raises NoReason."""
    if not why.strip():
        raise NoReason("Say why, so that others can read it later.")
    return Repair.objects.create(**scope.given, why=why.strip(), by=by, created_at=now, total=count(scope))


def undo(repair: Repair, by: Any, now: datetime) -> bool:
    """Lets the job take it back: the older bounces count again. False where there is nothing to take back."""
    with transaction.atomic():
        locked = Repair.objects.select_for_update().get(pk=repair.pk)
        if not locked.can_undo:
            return False
        locked.state, locked.finished_at, locked.error = State.UNDOING, None, ""
        locked.undone_by, locked.undone_at = by, now
        locked.save()
    repair.refresh_from_db()
    return True


def unfinished() -> Repair | None:
    """The one that waits for a worker, or was left by one."""
    return Repair.objects.filter(state__in=Repair.RUNNING).order_by("pk").first()


def work(repair_id: int, clock: Clock, watch: Callable[[Repair], None] | None = None) -> bool:
    """Carries it to its end; `watch` sees it after each step. May run twice. False when another process is at one."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        is_running = True
        while is_running:
            repair = _step(repair_id, held, clock())
            is_running = repair.is_running
            if watch:
                watch(repair)
            lease.renew(held)
    except (lease.LeaseLost, OperationalError, InterfaceError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:2000]
        Repair.objects.filter(pk=repair_id).update(state=State.FAILED, error=said, finished_at=clock())
        raise
    finally:
        lease.release(held)
    return True


@retried
def _step(repair_id: int, held: Lease, now: datetime) -> Repair:
    with transaction.atomic():
        lease.guard(held)
        repair = (
            Repair.objects.select_for_update(no_key=True, of=("self",))
            .select_related("by", "undone_by")
            .get(pk=repair_id)
        )
        if repair.state == State.RESTORING:
            _restore_chunk(repair, now)
        elif repair.state == State.UNDOING:
            _undo_chunk(repair, now)
        repair.save()
    return repair


def _restore_chunk(repair: Repair, now: datetime) -> None:
    found = preview(Scope(repair.provider, repair.since, repair.until, repair.reason), repair.cursor)
    ids = [each.address_id for each in found]
    policy.lock_addresses(ids)
    still = set(Address.objects.filter(pk__in=ids, status="invalid", status_rule=RULE).values_list("pk", flat=True))
    _rule([each for each in found if each.address_id in still], repair, repair.by, repair.why, now)
    policy.judge_now(sorted(still), now, actor_id=repair.by_id)
    repair.restored += len(still)
    repair.cursor = ids[-1] if ids else repair.cursor
    if len(found) < CHUNK:
        repair.state, repair.finished_at = State.DONE, now


def _rule(found: Sequence[Repairable], repair: Repair | None, by: Any, why: str, now: datetime) -> None:
    Ruling.objects.bulk_create(
        Ruling(
            address_id=each.address_id,
            kind=Ruling.Kind.WAIVE,
            rule=RULE,
            effective_at=each.bounced_at,
            reason=why,
            by=by,
            repair=repair,
            at=now,
        )
        for each in found
    )


def _undo_chunk(repair: Repair, now: datetime) -> None:
    ids = list(repair.rulings.filter(lifted_at__isnull=True).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    repair.undone += rulings.take_back(ids, repair.undone_by, now)
    if len(ids) < CHUNK:
        repair.state, repair.finished_at = State.UNDONE, now
