"""A step of a run in earnest: its next addresses judged and written by one statement.

In: a run, a moment, how many addresses. Out: their statuses with the history and the announcement, and the run's rows
with their outcome. Stage: evaluate.

Nothing is locked while it judges. No other judgement comes between the statement's snapshot and its writing
(`policy.JUDGING`), so no newer one is overruled; facts that are recorded meanwhile have left their news, which is
judged afterwards. An address that somebody holds, or that was written to meanwhile, is left out and judged as news: so
that nobody waits in a circle.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from bounces import policy
from bounces.evaluation import IS_OUTDATED_IN_FIGURES, evaluation
from bounces.models import CleaningRun

MOST_WRITTEN = 2_500  # addresses a step: they are held until it ends

JUDGE_AND_WRITE = """
WITH transition AS MATERIALIZED (
    SELECT * FROM (
        {evaluation}
    ) AS judged
    ORDER BY address_id LIMIT %(most)s
), reached AS (
    SELECT CASE WHEN count(*) < %(most)s THEN %(upto)s ELSE max(address_id) END AS upto FROM transition
), free AS (
    SELECT a.id
    FROM bounces_address a JOIN transition t ON t.address_id = a.id
    WHERE {of_addresses} AND a.status = t.from_status AND a.status_rule = t.was_rule
      AND a.reevaluate_at IS NOT DISTINCT FROM t.was_due_at AND a.evidence IS NOT DISTINCT FROM t.was_kept
      AND GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at) IS NOT DISTINCT FROM t.was_alive_at
    ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED
), written AS MATERIALIZED (
    SELECT t.* FROM transition t JOIN free ON free.id = t.address_id
), marked AS (
    {mark}
), history AS (
    {history}
), told AS (
    {announcement}
), report AS (
    INSERT INTO bounces_cleaningrow (run_id, address_id, from_status, to_status, rule, evidence, reevaluate_at, outcome)
    SELECT %(run)s, t.address_id, t.from_status, t.to_status, t.rule, t.evidence, t.reevaluate_at,
           CASE WHEN w.address_id IS NULL THEN 'left_out' ELSE 'applied' END
    FROM transition t LEFT JOIN written w USING (address_id)
    WHERE t.moves ORDER BY t.address_id
    RETURNING outcome
), left_to_news AS (
    INSERT INTO bounces_dirty (address_id)
    SELECT t.address_id FROM transition t LEFT JOIN written w USING (address_id)
    WHERE w.address_id IS NULL ORDER BY t.address_id
), found AS (
    SELECT a.status, count(*) AS addresses FROM bounces_address a
    WHERE {of_addresses} AND a.id <= (SELECT upto FROM reached) GROUP BY a.status
)
SELECT (SELECT upto FROM reached), (SELECT jsonb_object_agg(status, addresses) FROM found),
       (SELECT count(*) FROM history), (SELECT count(*) FROM report)
"""


@dataclass(frozen=True, slots=True)
class Done:
    upto: int  # the last address that was judged
    before: dict[str, int]  # how many of them had which status
    applied: int
    left_out: int


def judge_and_write(run: CleaningRun, target: str, given: dict[str, Any], upto: int, now: datetime) -> Done:
    """Writes MOST_WRITTEN of the addresses of `target` at most. In the caller's transaction; a chunk is taken once."""
    text = JUDGE_AND_WRITE.format(
        evaluation=evaluation(target, is_outdated=IS_OUTDATED_IN_FIGURES),
        of_addresses=target.format(id="a.id"),
        mark=policy.MARK.format(source="written"),
        history=policy.KEEP_HISTORY.format(source="written"),
        announcement=policy.ANNOUNCEMENT,
    )
    values = {
        **given,
        **run.policy.numbers,
        "as_of": now,
        "now": now,
        "upto": upto,
        "most": MOST_WRITTEN,
        "policy": run.policy_id,
        "run": run.pk,
        "actor": run.started_by_id,
        "topic": "status_changed",
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [policy.JUDGING])
        cursor.execute(text, values)
        last, before, applied, rows = cursor.fetchone()
    return Done(last, json.loads(before or "{}"), applied, rows - applied)
