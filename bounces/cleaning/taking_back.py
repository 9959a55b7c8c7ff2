"""What taking rows of a run back does: rulings, so that no later evaluation moves the addresses again.

In: a run, some of its applied rows, in the caller's transaction. Out: rulings, the addresses judged again at once, and
of each row whether it was taken back, or kept because newer facts (or the clock) have decided since. Stage: evaluate.

Where the run made an address worse, a `waive` takes the evidence away from the rule, up to the moment at which the run
judged it; where the next rule would mark the address nearly as badly, that one is waived too, until the address is no
worse than it was. Where a looser policy made it better, an `uphold` keeps the older status with its rule: as long as
the policy that gave it would have kept it, and nothing newer shows that the address lives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from bounces import policy
from bounces.models import CleaningRow, CleaningRun, Policy, Ruling
from bounces.values import Status

RANK = {Status.UNVERIFIED: 0, Status.VALID: 1, Status.AT_RISK: 2, Status.INVALID: 3}
UPHELD = (Status.AT_RISK, Status.INVALID)

Outcome = CleaningRow.Outcome
Rows = Mapping[int, CleaningRow]  # by address


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of an address: whose it is, by which rule and policy, when."""

    run_id: int | None
    rule: str
    evidence: dict[str, Any]
    policy_id: int
    at: datetime


def take_back(run: CleaningRun, rows: Sequence[CleaningRow], now: datetime) -> tuple[int, int]:
    """Returns how many were taken back, and kept. Rows that got another rule alone are left as they are."""
    moved = {row.address_id: row for row in rows if row.from_status != row.to_status}
    policy.lock_addresses(sorted(moved))
    newest = _changes(moved, skipped=0)
    ours = {pk: row for pk, row in moved.items() if pk in newest and newest[pk].run_id == run.pk}
    _waive(run, {pk: row for pk, row in ours.items() if is_mark(row.from_status, row.to_status)}, newest, now)
    _uphold(run, {pk: row for pk, row in ours.items() if row.from_status in UPHELD and _is_lift(row)}, newest, now)
    undone = _judge_again(run, ours, now)
    kept = [row.pk for row in moved.values() if row.pk not in undone]
    CleaningRow.objects.filter(pk__in=undone).update(outcome=Outcome.UNDONE)
    CleaningRow.objects.filter(pk__in=kept).update(outcome=Outcome.KEPT)
    run.undone += len(undone)
    run.kept += len(kept)
    return len(undone), len(kept)


def is_mark(before: str, after: str) -> bool:
    """Whether a change made an address worse, or said something of one of which nothing was known."""
    return RANK[Status(after)] > RANK[Status(before)]


def _is_lift(row: CleaningRow) -> bool:
    return is_mark(row.to_status, row.from_status)


def _judge_again(run: CleaningRun, rows: Rows, now: datetime) -> set[int]:
    """Returns the rows whose address is back: no worse than it was, and where it had been lifted no better."""
    active = Policy.active()
    transitions = policy.evaluate(sorted(rows), active, now)
    policy.apply(transitions, active, now, actor_id=run.undone_by_id)
    return {rows[t.address_id].pk for t in transitions if _is_back(rows[t.address_id], t.to_status)}


def _is_back(row: CleaningRow, status: str) -> bool:
    return not (is_mark(status, row.from_status) if _is_lift(row) else is_mark(row.from_status, status))


def _waive(run: CleaningRun, rows: Rows, newest: Mapping[int, Changed], now: datetime) -> None:
    """One rule after the other, while the next one marks the address worse than it was; a rule once at most."""
    active = Policy.active()
    waived: dict[int, set[str]] = {pk: set() for pk in rows}
    to_waive = {pk: newest[pk].rule for pk in rows}
    while to_waive:
        waives = [{"address_id": pk, "kind": Ruling.Kind.WAIVE, "rule": rule} for pk, rule in to_waive.items()]
        _rule(run, waives, newest, now)
        for pk, rule in to_waive.items():
            waived[pk].add(rule)
        judged = policy.evaluate(sorted(to_waive), active, now)
        to_waive = {
            t.address_id: t.rule
            for t in judged
            if is_mark(rows[t.address_id].from_status, t.to_status) and t.rule not in waived[t.address_id]
        }


def _uphold(run: CleaningRun, rows: Rows, newest: Mapping[int, Changed], now: datetime) -> None:
    """Those that the policy of their older status would still judge so, or worse."""
    before = _changes(rows, skipped=1)
    rulings = []
    for judged in _judged_by_their_policies(before, now):
        pk = judged.address_id
        if not is_mark(judged.to_status, rows[pk].from_status):
            rulings.append(
                {
                    "address_id": pk,
                    "kind": Ruling.Kind.UPHOLD,
                    "status": rows[pk].from_status,
                    "rule": before[pk].rule,
                    "evidence": before[pk].evidence,
                    "until": _end_of(judged) if judged.to_status == rows[pk].from_status else None,
                }
            )
    _rule(run, rulings, newest, now)


def _judged_by_their_policies(before: Mapping[int, Changed], now: datetime) -> Iterable[policy.Transition]:
    by_policy: dict[int, list[int]] = {}
    for pk, change in before.items():
        by_policy.setdefault(change.policy_id, []).append(pk)
    for older in Policy.objects.filter(pk__in=by_policy).order_by("pk"):
        yield from policy.evaluate(sorted(by_policy[older.pk]), older, now)


def _end_of(judged: policy.Transition) -> datetime | None:
    """When the status passes by the clock alone."""
    end = judged.evidence.get("ends_at")
    return datetime.fromisoformat(end) if end else None


def _rule(run: CleaningRun, rulings: list[dict[str, Any]], newest: Mapping[int, Changed], now: datetime) -> None:
    """Evidence up to the moment at which the run judged the address is what was decided about."""
    Ruling.objects.bulk_create(
        Ruling(
            effective_at=newest[fields["address_id"]].at,
            reason=run.undo_reason,
            by=run.undone_by,
            run=run,
            at=now,
            **fields,
        )
        for fields in rulings
    )


CHANGES = """
SELECT given.id, c.run_id, c.rule, c.evidence, c.policy_id, c.at
FROM unnest(%s::bigint[]) AS given(id)
CROSS JOIN LATERAL (
    SELECT run_id, rule, evidence, policy_id, at FROM bounces_statuschange
    WHERE address_id = given.id ORDER BY at DESC, id DESC OFFSET %s LIMIT 1
) AS c
"""


def _changes(address_ids: Iterable[int], skipped: int) -> dict[int, Changed]:
    """The newest change of each address, or (`skipped` 1) the one before it."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGES, [sorted(address_ids), skipped])
        return {
            pk: Changed(run_id, rule, json.loads(evidence), policy_id, at)
            for pk, run_id, rule, evidence, policy_id, at in cursor.fetchall()
        }
