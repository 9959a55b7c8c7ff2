"""The text that judges: facts + one version of the policy's numbers + `as_of` -> the status of each address, and why.

In: which addresses (GIVEN_IDS, BETWEEN_IDS), the numbers of a Policy. Out: SQL whose rows are transitions, of those
addresses alone whose row no longer says what the policy says. Stage: evaluate. Source: DESIGN.md §4. `EVALUATE` is one
text for one address or ten million; it reads the facts as a set, so the order in which they arrived does not matter
(invariant I4). `tests/bounces/plain_policy.py` says the same in plain Python, slowly.

The evidence is what the sentence says: counts and dates. That of the bounces, and of an upheld status, is kept on the
address; a row changes where it has changed, too. The rest is on the address as dates (`EVIDENCE_OF_DATES`).

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
to its moment from one rule. An `uphold` ruling keeps a stricter status than the facts give, with its rule, until it
would have passed, or the address is alive, well verified or restored since. Undo goes by these two.
"""

from __future__ import annotations

from bounces.conditions import HARD_RULES, counted_hard, counted_soft, counts

# Which addresses are judged; `{id}` is the column that names them. The only identifiers that are put into the text.
GIVEN_IDS = "{id} = ANY(%(ids)s::bigint[])"
BETWEEN_IDS = "{id} > %(after)s AND {id} <= %(upto)s"

# Which bounces are read: as they are recorded, or as a run would have them.
AS_RECORDED = "bounces_bounce"

# Which bounces count as what: the conditions of the indexes `bounce_hard` and `bounce_soft`, so that a judgement reads
# those alone, and the bounces' rows only to explain those that decided.
IS_HARD = counted_hard("b")
IS_SOFT = counted_soft("b")

IS_OWN = "b.fault IN ('recipient', 'unknown')"

# What explains a status that no bounce decided: dates of the address itself, so that nothing is kept of it.
EVIDENCE_OF_DATES = """CASE {a}.{rule}
            WHEN 'undeliverable' THEN jsonb_build_object('verified_at', {a}.verified_at)
            WHEN 'alive' THEN jsonb_build_object(
                'delivered_at', {a}.last_delivered_at, 'replied_at', {a}.last_reply_at,
                'clicked_at', {a}.last_click_at, 'verified_at', CASE WHEN {a}.verified_ok THEN {a}.verified_at END)
            ELSE jsonb_build_object('restored_at', {a}.restored_at)
        END"""

# The addresses are named thrice, so that each table is read in the order of an index, whatever the planner believes.
# What only explains is read for those alone that a bounce decides. `OFFSET 0` keeps a step apart from the next: merged
# into one, each mention of a rule would work it out anew, which takes half as long again.
EVALUATE = """
WITH waived AS (
    SELECT r.address_id,
           max(r.effective_at) FILTER (WHERE r.rule IN {hard_rules}) AS hard,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_in_a_row') AS in_a_row,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_in_window') AS in_window,
           max(r.effective_at) FILTER (WHERE r.rule = 'soft_recent') AS recent,
           max(r.effective_at) FILTER (WHERE r.rule = 'undeliverable') AS undeliverable,
           max(r.effective_at) FILTER (WHERE r.rule = 'alive') AS alive
    FROM bounces_ruling r
    WHERE r.kind = 'waive' AND r.lifted_at IS NULL AND {of_rulings}
    GROUP BY r.address_id
), upheld AS (
    SELECT DISTINCT ON (r.address_id) r.address_id, r.status, r.rule, r.until, r.evidence, r.effective_at
    FROM bounces_ruling r
    WHERE r.kind = 'uphold' AND r.lifted_at IS NULL AND {of_rulings}
    ORDER BY r.address_id, r.effective_at DESC, r.status DESC, r.id
), subject AS (
    SELECT a.id, a.status, a.status_rule, a.evidence, a.reevaluate_at,
           a.last_delivered_at, a.last_reply_at, a.last_click_at, a.verified_at, a.verified_ok, a.restored_at,
           GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at) AS alive_at,
           GREATEST(a.restored_at, w.hard, '-infinity') AS hard_after,
           COALESCE(GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at, a.restored_at),
                    '-infinity') AS fresh,
           COALESCE(w.in_a_row, '-infinity') AS row_waived, COALESCE(w.in_window, '-infinity') AS window_waived,
           COALESCE(w.recent, '-infinity') AS recent_waived, COALESCE(w.alive, '-infinity') AS alive_waived,
           COALESCE(w.undeliverable, '-infinity') AS verification_waived,
           CASE WHEN a.last_bounce_at > %(as_of)s THEN (
               SELECT min(b.occurred_at) FROM bounces_bounce b
               WHERE b.address_id = a.id AND {is_counted} AND b.occurred_at > %(as_of)s
           ) END AS ahead_at,
           u.status AS upheld_status, u.rule AS upheld_rule, u.until AS upheld_until, u.evidence AS upheld_evidence,
           u.effective_at AS upheld_at
    FROM bounces_address a LEFT JOIN waived w ON w.address_id = a.id
    LEFT JOIN upheld u ON u.address_id = a.id AND (u.until IS NULL OR u.until > %(as_of)s)
        AND u.effective_at >= GREATEST(a.last_delivered_at, a.last_reply_at, a.last_click_at, a.restored_at,
                                       CASE WHEN a.verified_ok THEN a.verified_at END, '-infinity')
    WHERE {of_addresses}
), hard AS (
    SELECT s.id AS address_id, count(*) AS bounces, min(b.occurred_at) AS first_at, max(b.occurred_at) AS last_at
    FROM subject s JOIN {bounces} b ON b.address_id = s.id
    WHERE {of_bounces} AND {is_hard}
      AND b.occurred_at > s.hard_after AND b.occurred_at <= %(as_of)s
    GROUP BY s.id
), soft_day AS (
    SELECT s.id AS address_id, (b.occurred_at AT TIME ZONE 'UTC')::date AS day,
           bool_or({is_own}) AND bool_or(b.occurred_at > s.row_waived) AS in_a_row,
           bool_or({is_own}) AND bool_or(b.occurred_at > s.window_waived) AS in_window,
           bool_or(b.occurred_at > s.recent_waived) AS in_recent
    FROM subject s JOIN {bounces} b ON b.address_id = s.id
    WHERE {of_bounces} AND {is_soft}
      AND b.occurred_at > s.fresh AND b.occurred_at <= %(as_of)s
    GROUP BY s.id, day
), spanned AS (
    SELECT *, (day + %(risk_window_days)s)::timestamp AT TIME ZONE 'UTC' AS recent_until,
           lag(day, %(soft_window_count)s - 1) OVER (PARTITION BY address_id, in_window ORDER BY day) AS back
    FROM soft_day
), soft AS (
    SELECT address_id,
           count(*) FILTER (WHERE in_a_row) AS row_days,
           min(day) FILTER (WHERE in_a_row) AS row_first, max(day) FILTER (WHERE in_a_row) AS row_last,
           max(back) FILTER (WHERE in_window AND day - back <= %(soft_window_days)s) AS window_first,
           max(day) FILTER (WHERE in_window AND day - back <= %(soft_window_days)s) AS window_last,
           count(*) FILTER (WHERE in_recent AND recent_until > %(as_of)s) AS recent_days,
           min(day) FILTER (WHERE in_recent AND recent_until > %(as_of)s) AS recent_first,
           max(day) FILTER (WHERE in_recent AND recent_until > %(as_of)s) AS recent_last,
           array_agg(recent_until ORDER BY day) FILTER (WHERE in_recent AND recent_until > %(as_of)s) AS recent_ends
    FROM spanned
    GROUP BY address_id
), judged AS (
    SELECT s.*, hard.bounces, hard.first_at, hard.last_at, soft.row_days, soft.row_first, soft.row_last,
        soft.window_first, soft.window_last, soft.recent_days, soft.recent_first, soft.recent_last,
        soft.recent_ends[1] AS recent_changes_at,
        soft.recent_ends[soft.recent_days - %(risk_count)s + 1] AS recent_ends_at,
        CASE
            WHEN hard.bounces >= %(hard_limit)s
                AND s.last_reply_at >= hard.last_at - make_interval(days => %(reply_grace_days)s)
                THEN 'hard_bounce_after_reply'
            WHEN hard.bounces >= %(hard_limit)s THEN 'hard_bounce'
            WHEN soft.row_days >= %(soft_row_days)s AND soft.row_last - soft.row_first >= %(soft_row_span_days)s
                THEN 'soft_in_a_row'
            WHEN soft.window_last IS NOT NULL THEN 'soft_in_window'
            WHEN s.verified_ok = false AND s.verified_at > s.fresh AND s.verified_at > s.verification_waived
                THEN 'undeliverable'
            WHEN soft.recent_days >= %(risk_count)s THEN 'soft_recent'
            WHEN GREATEST(s.alive_at, CASE WHEN s.verified_ok THEN s.verified_at END) > s.alive_waived THEN 'alive'
            ELSE ''
        END AS rule_of_facts
    FROM subject s LEFT JOIN hard ON hard.address_id = s.id LEFT JOIN soft ON soft.address_id = s.id
    OFFSET 0
), weighed AS (
    SELECT j.*,
        CASE rule_of_facts
            WHEN 'hard_bounce' THEN 'invalid' WHEN 'soft_in_a_row' THEN 'invalid' WHEN 'soft_in_window' THEN 'invalid'
            WHEN 'undeliverable' THEN 'invalid' WHEN 'hard_bounce_after_reply' THEN 'at_risk'
            WHEN 'soft_recent' THEN 'at_risk' WHEN 'alive' THEN 'valid' ELSE 'unverified'
        END AS status_of_facts
    FROM judged j
), compared AS (
    SELECT w.*, COALESCE(CASE upheld_status WHEN 'invalid' THEN status_of_facts <> 'invalid'
                                            WHEN 'at_risk' THEN status_of_facts IN ('valid', 'unverified') END,
                         false) AS stands
    FROM weighed w
), verdict AS (
    SELECT c.*,
        CASE WHEN stands THEN upheld_status ELSE status_of_facts END AS to_status,
        CASE WHEN stands THEN upheld_rule ELSE rule_of_facts END AS rule,
        LEAST(CASE WHEN stands THEN upheld_until WHEN rule_of_facts = 'soft_recent' THEN recent_changes_at END,
              ahead_at) AS to_reevaluate_at
    FROM compared c
    OFFSET 0
), counted AS (
    SELECT v.*, jsonb_strip_nulls(CASE
        WHEN v.stands THEN v.upheld_evidence || jsonb_build_object('upheld_at', v.upheld_at)
        WHEN v.to_status IN ('valid', 'unverified') THEN NULL
        WHEN v.rule IN {hard_rules} THEN jsonb_build_object(
            'bounces', v.bounces, 'first_at', v.first_at, 'last_at', v.last_at, 'replied_at', v.last_reply_at,
            'delivered_at', v.last_delivered_at)
        WHEN v.rule = 'soft_in_a_row' THEN jsonb_build_object(
            'days', v.row_days, 'first_on', v.row_first, 'last_on', v.row_last, 'alive_at', v.alive_at)
        WHEN v.rule = 'soft_in_window' THEN jsonb_build_object(
            'days', %(soft_window_count)s, 'first_on', v.window_first, 'last_on', v.window_last, 'alive_at', v.alive_at)
        WHEN v.rule = 'soft_recent' THEN jsonb_build_object(
            'days', v.recent_days, 'first_on', v.recent_first, 'last_on', v.recent_last, 'ends_at', v.recent_ends_at,
            'alive_at', v.alive_at)
    END) AS figures
    FROM verdict v
), explained AS (
    SELECT v.*, v.figures || CASE
        WHEN v.stands THEN '{{}}'
        WHEN v.rule IN {hard_rules} THEN (
            SELECT jsonb_strip_nulls(jsonb_build_object(
                'bounce', b.id, 'reason', b.reason, 'smtp_code', b.smtp_code,
                'enhanced_code', NULLIF(b.enhanced_code, ''), 'remote_mta', NULLIF(b.remote_mta, ''),
                'forwarded_to', NULLIF(b.forwarded_to, '')))
            FROM {bounces} b
            WHERE b.address_id = v.id AND {is_hard} AND b.occurred_at = v.last_at
            ORDER BY b.evidence_rank DESC, b.id LIMIT 1)
        WHEN v.rule = 'soft_in_a_row' THEN jsonb_build_object('reason', {reason_in_a_row})
        WHEN v.rule = 'soft_in_window' THEN jsonb_build_object('reason', {reason_in_window})
        WHEN v.rule = 'soft_recent' THEN jsonb_build_object('reason', {reason_recent})
    END AS to_evidence
    FROM counted v
), changed AS (
    SELECT * FROM explained
    WHERE (status, status_rule) IS DISTINCT FROM (to_status, rule) OR reevaluate_at IS DISTINCT FROM to_reevaluate_at
        OR {is_outdated}
    OFFSET 0
)
SELECT v.id AS address_id, v.status AS from_status, v.to_status, v.rule,
    COALESCE(v.to_evidence, jsonb_strip_nulls({of_dates})) AS evidence,
    v.to_reevaluate_at AS reevaluate_at,
    (v.status, v.status_rule) IS DISTINCT FROM (v.to_status, v.rule) AS moves,
    v.to_evidence AS kept, v.status_rule AS was_rule, v.reevaluate_at AS was_due_at, v.evidence AS was_kept,
    v.alive_at AS was_alive_at
FROM changed v
"""
# What failed on most of the days that decided; of a day, what failed most often. `day` are those of the rule.
REASON = """(SELECT mode() WITHIN GROUP (ORDER BY d.reason) FROM (
                SELECT mode() WITHIN GROUP (ORDER BY b.reason) AS reason
                FROM {bounces} b
                CROSS JOIN LATERAL (SELECT (b.occurred_at AT TIME ZONE 'UTC')::date AS day) AS dated
                WHERE b.address_id = v.id AND {is_soft} AND b.occurred_at > v.fresh AND b.occurred_at <= %(as_of)s
                  AND dated.day BETWEEN {first} AND {last}
                GROUP BY dated.day HAVING {counts}) AS d)"""
# Whether the evidence on the address is not that of the facts. The reason and the codes of the bounce that decides
# change by news alone, which is judged by itself: a run over all, which would look that bounce up for each address,
# compares the counts and dates.
IS_OUTDATED = "evidence IS DISTINCT FROM to_evidence"
NAMED = "ARRAY['bounce', 'reason', 'smtp_code', 'enhanced_code', 'remote_mta', 'forwarded_to']"
# The figures of an upheld status alone have these names: taking them away costs as much as making the figures.
IS_OUTDATED_IN_FIGURES = f"evidence - {NAMED} IS DISTINCT FROM CASE WHEN stands THEN figures - {NAMED} ELSE figures END"
IS_OWN_DAY = f"bool_or({IS_OWN}) AND "
REASONS = {
    "reason_in_a_row": ("v.row_first", "v.row_last", IS_OWN_DAY + "max(b.occurred_at) > v.row_waived"),
    "reason_in_window": ("v.window_last", "v.window_last", IS_OWN_DAY + "max(b.occurred_at) > v.window_waived"),
    "reason_recent": ("v.recent_first", "v.recent_last", "max(b.occurred_at) > v.recent_waived"),
}


def evaluation(target: str, bounces: str = AS_RECORDED, is_outdated: str = IS_OUTDATED) -> str:
    """The text that judges the addresses of `target` by their `bounces`: constants of this module and its callers."""
    reasons = {
        name: REASON.format(bounces=bounces, is_soft=IS_SOFT, first=first, last=last, counts=counts)
        for name, (first, last, counts) in REASONS.items()
    }
    return EVALUATE.format(
        of_addresses=target.format(id="a.id"),
        of_rulings=target.format(id="r.address_id"),
        of_bounces=target.format(id="b.address_id"),
        bounces=bounces,
        is_counted=counts("b"),
        hard_rules=HARD_RULES,
        is_hard=IS_HARD,
        is_soft=IS_SOFT,
        is_own=IS_OWN,
        is_outdated=is_outdated,
        of_dates=EVIDENCE_OF_DATES.format(a="v", rule="rule"),
        **reasons,
    )
