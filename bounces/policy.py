"""The policy applied: addresses judged by `evaluation.py`, and what that says of them written down.

In: addresses, or those with news; a Policy. Out: their status with the evidence of today, their history (StatusChange:
the transitions alone, each with the evidence of its moment), the announcement `status_changed`. Stage: evaluate. The
only writer of an address' status. The rules are in `evaluation.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bounces import lease, outbox
from bounces.evaluation import GIVEN_IDS, evaluation
from bounces.lease import Lease
from bounces.models import Address, Dirty, Policy
from bounces.statements import run

NEWS_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Transition:
    """What the policy says of one address whose row no longer says so.

    `moves` is false where the status and its rule stay, and only a date or the evidence changes. `kept` is the part of
    the evidence that the address keeps: None where its own dates say all.
    """

    address_id: int
    from_status: str
    to_status: str
    rule: str
    evidence: dict[str, Any]
    reevaluate_at: datetime | None
    moves: bool
    kept: dict[str, Any] | None


def evaluate(address_ids: Sequence[int], policy: Policy, as_of: datetime) -> list[Transition]:
    """What would change for these addresses. Reads only."""
    with connection.cursor() as cursor:
        cursor.execute(evaluation(GIVEN_IDS), {"ids": list(address_ids), "as_of": as_of, **policy.numbers})
        return [
            Transition(
                address_id, from_status, to_status, rule, json.loads(evidence), due, moves, kept and json.loads(kept)
            )
            for address_id, from_status, to_status, rule, evidence, due, moves, kept, *_ in cursor.fetchall()
        ]


ANNOUNCEMENT = outbox.ANNOUNCE.format(
    payload="jsonb_build_object('change_ids', jsonb_agg(id ORDER BY id))", source="history"
)
# Parts of a statement: what they write of locked addresses is what `{source}` selects.
MARK = """UPDATE bounces_address a
    SET status = t.to_status, status_rule = t.rule, evidence = t.kept, reevaluate_at = t.reevaluate_at,
        status_changed_at = CASE WHEN a.status <> t.to_status THEN %(now)s ELSE a.status_changed_at END
    FROM {source} t
    WHERE a.id = t.address_id"""
KEEP_HISTORY = """INSERT INTO bounces_statuschange
        (address_id, from_status, to_status, rule, evidence, policy_id, run_id, actor_id, at)
    SELECT address_id, from_status, to_status, rule, evidence, %(policy)s, %(run)s, %(actor)s, %(now)s
    FROM {source}
    WHERE moves
    ORDER BY address_id
    RETURNING id"""
# Writes transitions of locked addresses, their history and the announcement; returns the addresses, and how many move.
WRITE = """
WITH transition AS MATERIALIZED (
    {transitions}
), marked AS (
    {mark}
), history AS (
    {history}
), told AS (
    {announcement}
)
SELECT (SELECT count(*) FROM transition),
       (SELECT COALESCE(array_agg(address_id), '{{}}')::text FROM transition),
       (SELECT count(*) FROM history)
"""
GIVEN_TRANSITIONS = """
    SELECT * FROM unnest(%(ids)s::bigint[], %(from)s::text[], %(to)s::text[], %(rules)s::text[], %(evidence)s::jsonb[],
        %(dates)s::timestamptz[], %(moves)s::boolean[], %(kept)s::jsonb[])
        AS t(address_id, from_status, to_status, rule, evidence, reevaluate_at, moves, kept)
"""


def apply(
    transitions: Sequence[Transition],
    policy: Policy,
    now: datetime,
    *,
    run_id: int | None = None,
    actor_id: int | None = None,
) -> int:
    """Writes transitions of addresses that the caller has locked, their history and the announcement. Returns moves."""
    if not transitions:
        return 0
    given = {
        "ids": [t.address_id for t in transitions],
        "from": [t.from_status for t in transitions],
        "to": [t.to_status for t in transitions],
        "rules": [t.rule for t in transitions],
        "evidence": [json.dumps(t.evidence) for t in transitions],
        "dates": [t.reevaluate_at for t in transitions],
        "moves": [t.moves for t in transitions],
        "kept": [None if t.kept is None else json.dumps(t.kept) for t in transitions],
    }
    return write(GIVEN_TRANSITIONS, given, policy, now, run_id=run_id, actor_id=actor_id).moves


@dataclass(frozen=True, slots=True)
class Written:
    """How many addresses were written; which, as PostgreSQL writes an array; how many of them have moved."""

    addresses: int
    address_ids: str
    moves: int


def write(
    transitions: str,
    given: dict[str, Any],
    policy: Policy,
    now: datetime,
    *,
    run_id: int | None = None,
    actor_id: int | None = None,
) -> Written:
    """Writes what the text `transitions` selects, without reading it here; otherwise as `apply`."""
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE.format(
                transitions=transitions,
                mark=MARK.format(source="transition"),
                history=KEEP_HISTORY.format(source="transition"),
                announcement=ANNOUNCEMENT,
            ),
            {**given, "policy": policy.pk, "run": run_id, "actor": actor_id, "topic": "status_changed", "now": now},
        )
        return Written(*cursor.fetchone())


JUDGING = 7_301_040  # among PostgreSQL's advisory locks: shared by those who judge what they have locked


def keep_runs_out() -> None:
    """No step of a run comes between from here on until the transaction ends: one that is under way is waited for.

    A run judges first and locks afterwards what moves (`cleaning/at_once.py`). Whoever is going to delete addresses
    asks before locking them: what a step has written of an address waits for that lock when it commits.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [JUDGING])


def lock_addresses(address_ids: Sequence[int]) -> None:
    """Locks the addresses until the transaction ends, in the order of their ids, and keeps runs out."""
    keep_runs_out()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM bounces_address WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(address_ids)]
        )


def has_news(now: datetime) -> bool:
    return Dirty.objects.exists() or Address.objects.filter(reevaluate_at__lte=now).exists()


def evaluate_news(now: datetime, held: Lease) -> int:
    """Judges one chunk of the addresses with news, or whose time has come; returns how many it judged."""
    with transaction.atomic():
        lease.guard(held)
        dirty = {pk for (pk,) in run(TAKE_NEWS, {"limit": NEWS_CHUNK})}
        due = Address.objects.filter(reevaluate_at__lte=now).order_by("reevaluate_at")
        ids = dirty | set(due.values_list("pk", flat=True)[:NEWS_CHUNK])
        judge_now(sorted(ids), now)
    return len(ids)


# What is noted from now on stays: it may not be seen by this judgement. An array is made once, whatever the planner
# believes of a table that is empty most of the time.
TAKE_NEWS = """
DELETE FROM bounces_dirty
WHERE id = ANY(ARRAY(SELECT id FROM bounces_dirty ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING address_id
"""


def judge_now(address_ids: Sequence[int], now: datetime, *, actor_id: int | None = None) -> int:
    """Locks and judges these addresses by the active policy, in the caller's transaction. May run twice."""
    if not address_ids:
        return 0
    lock_addresses(address_ids)
    policy = Policy.active()
    given = {"ids": list(address_ids), "as_of": now, **policy.numbers}
    return write(evaluation(GIVEN_IDS), given, policy, now, actor_id=actor_id).moves
