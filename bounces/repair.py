"""Repair afterwards: what became invalid because of one provider, between two moments, for one reason, is taken back.

In: provider, from, to, reason. Out: first the addresses (the preview), then a waive ruling each, and the addresses
judged again at once. Only addresses that are invalid still, by that very bounce: newer facts have the last word. It
stands in the history of the review queue, where it can be taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bounces import policy
from bounces.models import Address, Policy, ReviewItem, Ruling
from bounces.review import note_repair
from bounces.rulings import NoReason
from bounces.values import Status

CHUNK = 1000
RULE = "hard_bounce"

# The newest change of an address is what made it invalid; its evidence names the bounce.
FOUND = """
SELECT a.id, a.email, b.occurred_at FROM bounces_bounce b
JOIN bounces_address a ON a.id = b.address_id AND a.status = 'invalid' AND a.status_rule = 'hard_bounce'
WHERE b.provider = %(provider)s AND b.kind = 'hard' AND b.fault = 'recipient' AND b.standing = 'counted'
  AND b.occurred_at >= %(since)s AND b.occurred_at <= %(until)s AND (%(reason)s = '' OR b.reason = %(reason)s)
  AND NOT EXISTS (
      SELECT FROM bounces_bounce o WHERE o.address_id = b.address_id AND o.kind = 'hard' AND o.fault = 'recipient'
      AND o.standing = 'counted' AND o.occurred_at > COALESCE(a.restored_at, '-infinity')
      AND NOT (o.provider = %(provider)s AND o.occurred_at >= %(since)s AND o.occurred_at <= %(until)s
               AND (%(reason)s = '' OR o.reason = %(reason)s)))
ORDER BY a.id
"""


__all__ = ["NoReason", "Repairable", "Scope", "outlook", "preview", "repair"]


@dataclass(frozen=True, slots=True)
class Scope:
    provider: str  # as in Bounce.provider
    since: datetime
    until: datetime
    reason: str = ""  # a slug of the reasons; empty: any


@dataclass(frozen=True, slots=True)
class Repairable:
    address_id: int
    email: str
    bounced_at: datetime  # its newest bounce in the scope: up to here the rule is waived


def preview(scope: Scope) -> list[Repairable]:
    """What would be taken back. Reads only. An address that bounced for good outside of the scope too is left out."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND, {name: getattr(scope, name) for name in Scope.__slots__})
        newest: dict[int, Repairable] = {}
        for address_id, email, bounced_at in cursor.fetchall():
            known = newest.get(address_id)
            if known is None or bounced_at > known.bounced_at:
                newest[address_id] = Repairable(address_id, email, bounced_at)
        return list(newest.values())


def outlook(found: Sequence[Repairable], by: Any, now: datetime) -> dict[int, str]:
    """The status that each of the first CHUNK would have: judged as if it were done, and nothing of it kept."""
    looked_at = found[:CHUNK]
    ids = [each.address_id for each in looked_at]
    with transaction.atomic():
        _rule(looked_at, by, "Looked at.", now)
        moves = {each.address_id: each.to_status for each in policy.evaluate(ids, Policy.active(), now)}
        transaction.set_rollback(True)
    return {pk: moves.get(pk, Status.INVALID) for pk in ids}


def repair(scope: Scope, by: Any, why: str, now: datetime) -> int:
    """Takes them back, a chunk a transaction; returns how many. May run twice. Raises NoReason."""
    if not why.strip():
        raise NoReason("Say why, so that others can read it later.")
    found = preview(scope)
    item: ReviewItem | None = None
    number = 0
    for start in range(0, len(found), CHUNK):
        with transaction.atomic():
            made = _waive(found[start : start + CHUNK], by, why.strip(), now)
            item = note_repair(item, scope.provider, made, by, why.strip(), now)
        number += len(made)
    return number


def _waive(chunk: Sequence[Repairable], by: Any, why: str, now: datetime) -> list[int]:
    """Returns the rulings' ids."""
    ids = [each.address_id for each in chunk]
    policy.lock_addresses(ids)
    still = set(Address.objects.filter(pk__in=ids, status="invalid", status_rule=RULE).values_list("pk", flat=True))
    made = _rule([each for each in chunk if each.address_id in still], by, why, now)
    policy.judge_now(ids, now, actor_id=by.pk)
    return made


def _rule(chunk: Sequence[Repairable], by: Any, why: str, now: datetime) -> list[int]:
    made = Ruling.objects.bulk_create(
        Ruling(
            address_id=each.address_id,
            kind=Ruling.Kind.WAIVE,
            rule=RULE,
            effective_at=each.bounced_at,
            reason=why,
            by=by,
            at=now,
        )
        for each in chunk
    )
    return [ruling.pk for ruling in made]
