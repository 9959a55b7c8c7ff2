"""The policy: facts + one version of its numbers + `as_of` -> the status of each address, and why.

In: Address dates, counted bounces, rulings; the numbers of a Policy. Out: transitions. Stage: evaluate.
Source: DESIGN.md §4. `EVALUATE` is the one text that judges, for one address or ten million; it reads the facts as a
set, so the order in which they arrived does not matter (invariant I4).

Days are UTC days. D is the newest delivery, reply or click, R the newest restore. The rules, first match wins:

    hard_bounce_after_reply   a hard bounce that is the recipient's fault, no 4xx code, after R, of an address that
                              replied within 30 days before it or since: at risk, held for review
    hard_bounce               the same without the reply: invalid; a later delivery does not lift it
    soft_in_a_row             3 soft days after D and R that span 14 days: invalid
    soft_in_window            5 soft days after D and R, 90 days from the first to the last at most: invalid
    undeliverable             a verification newer than D and R says undeliverable: invalid
    soft_recent               2 soft days after D and R within the last 30 days: at risk, until they have passed
    alive                     a delivery, a reply, a click, a good verification: valid
    (none)                    unverified

The sender's fault and deferrals never count; the infrastructure's counts for `soft_recent` alone. A bounce from a clock
that runs ahead counts when its time has come: the address is judged again then. A `waive` ruling takes the evidence up
to its moment from one rule; undo goes by that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from bounces import lease, outbox
from bounces.lease import Lease
from bounces.models import Address, Dirty, Policy

NEWS_CHUNK = 1000

# Where the addresses to judge come from. The only identifiers that are put into the text.
GIVEN_IDS = "SELECT unnest(%(ids)s::bigint[]) AS id"
# Which bounces are read: as they are recorded, or as a run would have them.
AS_RECORDED = "bounces_bounce"

EVALUATE = """
WITH target AS (
    {target}
), waived AS (
    SELECT r.address_id,
           max(r.effective_at) FILTER (WHERE r.rule IN ('hard_bounce', 'hard_bounce_after_reply')) AS hard,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_in_a_row') AS in_a_row,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_in_window') AS in_window,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_recent') AS recent,
           max(r.effective_at) FILTER (WHERE r.rule = 'undeliverable') AS undeliverable,
           max(r.effective_at) FILTER (WHERE r.rule = 'alive') AS alive
    FROM bounces_ruling r JOIN target ON target.id = r.address_id
    WHERE r.kind = 'waive' AND r.lifted_at IS NULL
    GROUP BY r.address_id
), subject AS (
    SELECT a.id, a.status, a.status_rule, a.reevaluate_at, a.last_delivered_at, a.last_reply_at, a.last_click_at,
           a.verified_at, a.verified_ok, a.restored_at,
           GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at) AS alive_at,
           COALESCE(a.restored_at, '-infinity') AS restored,
           COALESCE(GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at, a.restored_at),
                    '-infinity') AS fresh,
           COALESCE(w.hard, '-infinity') AS hard_waived, COALESCE(w.in_a_row, '-infinity') AS row_waived,
           COALESCE(w.in_window, '-infinity') AS window_waived, COALESCE(w.recent, '-infinity') AS recent_waived,
           COALESCE(w.undeliverable, '-infinity') AS verification_waived,
           COALESCE(w.alive, '-infinity') AS alive_waived,
           CASE WHEN a.last_bounce_at > %(as_of)s THEN (
               SELECT min(b.occurred_at) FROM bounces_bounce b
               WHERE b.address_id = a.id AND b.standing = 'counted' AND b.occurred_at > %(as_of)s
           ) END AS ahead_at
    FROM bounces_address a JOIN target ON target.id = a.id LEFT JOIN waived w ON w.address_id = a.id
), hard AS (
    SELECT b.address_id, count(*) AS bounces, min(b.occurred_at) AS first_at, max(b.occurred_at) AS last_at,
           (array_agg(b.id ORDER BY b.occurred_at DESC, b.failure_key))[1] AS newest
    FROM {bounces} b JOIN subject s ON s.id = b.address_id
    WHERE b.kind = 'hard' AND b.fault = 'recipient' AND b.standing = 'counted'
      AND {is_permanent} AND b.occurred_at > s.restored AND b.occurred_at > s.hard_waived
      AND b.occurred_at <= %(as_of)s
    GROUP BY b.address_id
), soft_day AS (
    SELECT b.address_id, (b.occurred_at AT TIME ZONE 'UTC')::date AS day, max(b.occurred_at) AS last_at,
           bool_or(b.fault IN ('recipient', 'unknown')) AS is_own, mode() WITHIN GROUP (ORDER BY b.reason) AS reason
    FROM {bounces} b JOIN subject s ON s.id = b.address_id
    WHERE b.standing = 'counted' AND b.fault IN ('recipient', 'unknown', 'infrastructure')
      AND (b.kind = 'soft' OR (b.kind = 'hard' AND NOT (b.fault = 'recipient' AND {is_permanent})))
      AND b.occurred_at > s.fresh AND b.occurred_at <= %(as_of)s
    GROUP BY b.address_id, day
), in_a_row AS (
    SELECT d.address_id, count(*) AS days, min(d.day) AS first_day, max(d.day) AS last_day,
           mode() WITHIN GROUP (ORDER BY d.reason) AS reason
    FROM soft_day d JOIN subject s ON s.id = d.address_id
    WHERE d.is_own AND d.last_at > s.row_waived
    GROUP BY d.address_id
    HAVING count(*) >= %(soft_row_days)s AND max(d.day) - min(d.day) >= %(soft_row_span_days)s
), in_window AS (
    SELECT DISTINCT ON (address_id) address_id, back AS first_day, day AS last_day, reason
    FROM (
        SELECT d.address_id, d.day, d.reason,
               lag(d.day, %(soft_window_count)s - 1) OVER (PARTITION BY d.address_id ORDER BY d.day) AS back
        FROM soft_day d JOIN subject s ON s.id = d.address_id
        WHERE d.is_own AND d.last_at > s.window_waived
    ) AS spans
    WHERE day - back <= %(soft_window_days)s
    ORDER BY address_id, day DESC
), recent AS (
    SELECT d.address_id, count(*) AS days, min(d.day) AS first_day, max(d.day) AS last_day,
           mode() WITHIN GROUP (ORDER BY d.reason) AS reason,
           ((array_agg(d.day ORDER BY d.day DESC))[%(risk_count)s] + %(risk_window_days)s)::timestamp
               AT TIME ZONE 'UTC' AS ends_at
    FROM soft_day d JOIN subject s ON s.id = d.address_id
    WHERE d.last_at > s.recent_waived
      AND (d.day + %(risk_window_days)s)::timestamp AT TIME ZONE 'UTC' > %(as_of)s
    GROUP BY d.address_id
    HAVING count(*) >= %(risk_count)s
), judged AS (
    SELECT s.id, s.status, s.status_rule, s.reevaluate_at,
        CASE
            WHEN hard.bounces >= %(hard_limit)s
                AND s.last_reply_at >= hard.last_at - make_interval(days => %(reply_grace_days)s)
                THEN 'hard_bounce_after_reply'
            WHEN hard.bounces >= %(hard_limit)s THEN 'hard_bounce'
            WHEN in_a_row.days IS NOT NULL THEN 'soft_in_a_row'
            WHEN in_window.last_day IS NOT NULL THEN 'soft_in_window'
            WHEN s.verified_ok = false AND s.verified_at > s.fresh AND s.verified_at > s.verification_waived
                THEN 'undeliverable'
            WHEN recent.days IS NOT NULL THEN 'soft_recent'
            WHEN GREATEST(s.alive_at, CASE WHEN s.verified_ok THEN s.verified_at END) > s.alive_waived THEN 'alive'
            ELSE ''
        END AS rule,
        s.alive_at, s.last_delivered_at, s.last_reply_at, s.last_click_at, s.verified_at, s.verified_ok, s.restored_at,
        s.ahead_at, hard.bounces, hard.first_at, hard.last_at, hard.newest,
        in_a_row.days AS row_days, in_a_row.first_day AS row_first, in_a_row.last_day AS row_last,
        in_a_row.reason AS row_reason, in_window.first_day AS window_first, in_window.last_day AS window_last,
        in_window.reason AS window_reason,
        recent.days AS recent_days, recent.first_day AS recent_first, recent.last_day AS recent_last,
        recent.reason AS recent_reason, recent.ends_at
    FROM subject s
    LEFT JOIN hard ON hard.address_id = s.id
    LEFT JOIN in_a_row ON in_a_row.address_id = s.id
    LEFT JOIN in_window ON in_window.address_id = s.id
    LEFT JOIN recent ON recent.address_id = s.id
), verdict AS (
    SELECT j.*,
        CASE rule
            WHEN 'hard_bounce' THEN 'invalid' WHEN 'soft_in_a_row' THEN 'invalid' WHEN 'soft_in_window' THEN 'invalid'
            WHEN 'undeliverable' THEN 'invalid' WHEN 'hard_bounce_after_reply' THEN 'at_risk'
            WHEN 'soft_recent' THEN 'at_risk' WHEN 'alive' THEN 'valid' ELSE 'unverified'
        END AS to_status,
        LEAST(CASE rule WHEN 'soft_recent' THEN ends_at END, ahead_at) AS to_reevaluate_at
    FROM judged j
)
SELECT v.id AS address_id, v.status AS from_status, v.to_status, v.rule,
    jsonb_strip_nulls(CASE
        WHEN v.rule IN ('hard_bounce', 'hard_bounce_after_reply') THEN jsonb_build_object(
            'bounces', v.bounces, 'first_at', v.first_at, 'last_at', v.last_at, 'replied_at', v.last_reply_at,
            'delivered_at', v.last_delivered_at, 'bounce', b.id, 'reason', b.reason, 'smtp_code', b.smtp_code,
            'enhanced_code', NULLIF(b.enhanced_code, ''), 'remote_mta', NULLIF(b.remote_mta, ''))
        WHEN v.rule = 'soft_in_a_row' THEN jsonb_build_object(
            'days', v.row_days, 'first_on', v.row_first, 'last_on', v.row_last, 'reason', v.row_reason,
            'alive_at', v.alive_at)
        WHEN v.rule = 'soft_in_window' THEN jsonb_build_object(
            'days', %(soft_window_count)s, 'first_on', v.window_first, 'last_on', v.window_last,
            'reason', v.window_reason, 'alive_at', v.alive_at)
        WHEN v.rule = 'soft_recent' THEN jsonb_build_object(
            'days', v.recent_days, 'first_on', v.recent_first, 'last_on', v.recent_last, 'reason', v.recent_reason,
            'ends_at', v.ends_at, 'alive_at', v.alive_at)
        WHEN v.rule = 'undeliverable' THEN jsonb_build_object('verified_at', v.verified_at)
        WHEN v.rule = 'alive' THEN jsonb_build_object(
            'delivered_at', v.last_delivered_at, 'replied_at', v.last_reply_at, 'clicked_at', v.last_click_at,
            'verified_at', CASE WHEN v.verified_ok THEN v.verified_at END)
        ELSE jsonb_build_object('restored_at', v.restored_at)
    END) AS evidence,
    v.to_reevaluate_at AS reevaluate_at,
    (v.status, v.status_rule) IS DISTINCT FROM (v.to_status, v.rule) AS moves, v.reevaluate_at AS was_due_at
FROM verdict v LEFT JOIN {bounces} b ON b.id = v.newest
WHERE (v.status, v.status_rule) IS DISTINCT FROM (v.to_status, v.rule)
   OR v.reevaluate_at IS DISTINCT FROM v.to_reevaluate_at
"""

IS_PERMANENT = "(b.smtp_code IS NULL OR b.smtp_code >= 500) AND b.enhanced_code NOT LIKE '4.%%'"


def evaluation(target: str, bounces: str = AS_RECORDED) -> str:
    """The text that judges the addresses of `target` by their `bounces`: constants of this module and its callers."""
    return EVALUATE.format(target=target, bounces=bounces, is_permanent=IS_PERMANENT)


@dataclass(frozen=True, slots=True)
class Transition:
    """What the policy says of one address whose row no longer says so. `moves` is false where only a date changes."""

    address_id: int
    from_status: str
    to_status: str
    rule: str
    evidence: dict[str, Any]
    reevaluate_at: datetime | None
    moves: bool


def evaluate(address_ids: Sequence[int], policy: Policy, as_of: datetime) -> list[Transition]:
    """What would change for these addresses. Reads only."""
    with connection.cursor() as cursor:
        cursor.execute(evaluation(GIVEN_IDS), {"ids": list(address_ids), "as_of": as_of, **policy.numbers})
        return [
            Transition(address_id, from_status, to_status, rule, json.loads(evidence), reevaluate_at, moves)
            for address_id, from_status, to_status, rule, evidence, reevaluate_at, moves, _ in cursor.fetchall()
        ]


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
    moves = [t for t in transitions if t.moves]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE bounces_address a
            SET status = t.status, status_rule = t.rule, reevaluate_at = t.reevaluate_at,
                status_changed_at = CASE WHEN a.status <> t.status THEN %s ELSE a.status_changed_at END
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[]) AS t(id, status, rule, reevaluate_at)
            WHERE a.id = t.id
            """,
            [
                now,
                [t.address_id for t in transitions],
                [t.to_status for t in transitions],
                [t.rule for t in transitions],
                [t.reevaluate_at for t in transitions],
            ],
        )
        cursor.execute(
            """
            INSERT INTO bounces_statuschange
                (address_id, from_status, to_status, rule, evidence, policy_id, run_id, actor_id, at)
            SELECT t.id, t.from_status, t.to_status, t.rule, t.evidence, %s, %s, %s, %s
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
                AS t(id, from_status, to_status, rule, evidence)
            RETURNING id
            """,
            [
                policy.pk,
                run_id,
                actor_id,
                now,
                [t.address_id for t in moves],
                [t.from_status for t in moves],
                [t.to_status for t in moves],
                [t.rule for t in moves],
                [json.dumps(t.evidence) for t in moves],
            ],
        )
        change_ids = [row[0] for row in cursor.fetchall()]
    if change_ids:
        outbox.announce("status_changed", {"change_ids": change_ids}, now)
    return len(moves)


def lock_addresses(address_ids: Sequence[int]) -> None:
    """Locks the addresses until the transaction ends, in the order of their ids."""
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
        dirty = list(Dirty.objects.select_for_update(skip_locked=True).order_by("pk")[:NEWS_CHUNK])
        due = Address.objects.filter(reevaluate_at__lte=now).order_by("reevaluate_at")
        ids = {row.address_id for row in dirty} | set(due.values_list("pk", flat=True)[:NEWS_CHUNK])
        judge_now(sorted(ids), now)
        Dirty.objects.filter(pk__in=[row.pk for row in dirty]).delete()
    return len(ids)


def judge_now(address_ids: Sequence[int], now: datetime, *, actor_id: int | None = None) -> int:
    """Locks and judges these addresses by the active policy, in the caller's transaction. May run twice."""
    if not address_ids:
        return 0
    lock_addresses(address_ids)
    policy = Policy.active()
    return apply(evaluate(address_ids, policy, now), policy, now, actor_id=actor_id)
