"""Guards: a campaign, sender or sending domain whose mails come back too often is paused.

In: addresses with news (Dirty), after record. Out: a paused Guard and the announcement `guard_paused`; resumed by a
person, with a reason, and armed again at once: only attempts since then count. Stage: between record and evaluate.

    first     3 or more of the first 50 attempts, ever or since it was resumed, failed for good; one of them in 7 days
    lately    5 or more, and 2 % or more, of the last 250 attempts in 7 days

Failed for good: hard or soft, whosever the fault, as long as it counts (`conditions.failed`). What an incident holds
pauses nobody: incidents look at the news first.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from bounces import lease, outbox, policy
from bounces.conditions import failed
from bounces.lease import Lease
from bounces.models import Dirty, Guard

FIRST, FIRST_LIMIT = 50, 3
LATELY, LATELY_LIMIT, LATELY_SHARE = 250, 5, 0.02
WITHIN = timedelta(days=7)

# What has news of a failure in the last days: campaigns, senders, sending domains.
TOUCHED = f"""
WITH sent AS (
    SELECT DISTINCT t.campaign_key, t.sender
    FROM (SELECT address_id FROM bounces_dirty ORDER BY id LIMIT {policy.NEWS_CHUNK}) d
    JOIN bounces_bounce b ON b.address_id = d.address_id JOIN bounces_attempt t ON t.id = b.attempt_id
    WHERE {failed("t")} AND t.sent_at > %(since)s
      AND b.occurred_at > %(since)s::timestamptz - interval '1 day'  -- a reporter's clock may be slow
)
SELECT place.dimension, place.key FROM sent CROSS JOIN LATERAL (VALUES
    ('campaign', campaign_key), ('sender', sender),
    ('sender_domain', CASE WHEN position('@' IN sender) > 0 THEN lower(split_part(sender, '@', -1)) ELSE '' END)
) AS place(dimension, key)
WHERE place.key <> '' AND NOT EXISTS (
    SELECT FROM bounces_guard g WHERE g.dimension = place.dimension AND g.key = place.key AND g.state = 'paused')
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  (the only part is a number of ours)

# When a sending domain began, and whether it is past its first mails: what it sent before these days.
BEGAN = """
SELECT min(day), COALESCE(sum(attempted) FILTER (WHERE day < %(day)s), 0) FROM bounces_dailystat
WHERE dimension = 'sender_domain' AND key = %(key)s AND day > %(armed)s::date
"""
# The senders of a domain are those that the daily counts name in these days.
SENDERS = """
SELECT DISTINCT key FROM bounces_dailystat
WHERE dimension = 'sender' AND day >= %(day)s AND lower(split_part(key, '@', -1)) = %(key)s AND position('@' IN key) > 0
"""
# The failures among the first mails, and whether the newest of them is of these days; the failures among the last. Of a
# domain each sender's own first and last are read, as an index has them: all that it sent in a week may be very many.
COUNTED = f"""
SELECT first.failed, first.attempts, COALESCE(first.failed_at > %(since)s, false), lately.failed, lately.attempts
FROM (SELECT count(*) FILTER (WHERE failed) AS failed, count(*) AS attempts,
             max(sent_at) FILTER (WHERE failed) AS failed_at
      FROM (
        SELECT mail.sent_at, mail.failed FROM unnest(%(names)s::text[]) AS by(name) CROSS JOIN LATERAL (
            SELECT t.sent_at, t.id, {failed("t")} AS failed FROM bounces_attempt t
            WHERE t.{{column}} = by.name AND t.{{column}} <> '' AND t.sent_at > %(armed)s
            ORDER BY t.sent_at, t.id LIMIT %(first)s) AS mail
        ORDER BY mail.sent_at, mail.id LIMIT %(first)s) x) first,
     (SELECT count(*) FILTER (WHERE failed) AS failed, count(*) AS attempts FROM (
        SELECT mail.failed FROM unnest(%(names)s::text[]) AS by(name) CROSS JOIN LATERAL (
            SELECT t.sent_at, t.id, {failed("t")} AS failed FROM bounces_attempt t
            WHERE t.{{column}} = by.name AND t.{{column}} <> '' AND t.sent_at > GREATEST(%(since)s, %(armed)s)
            ORDER BY t.sent_at DESC, t.id DESC LIMIT %(last)s) AS mail
        ORDER BY mail.sent_at DESC, mail.id DESC LIMIT %(last)s) x) lately
"""  # noqa: S608  (a condition of ours)


class NoReason(ValueError):
    """A resume needs a reason that others can read later."""


def judge(first: tuple[int, int], lately: tuple[int, int], *, is_fresh: bool) -> tuple[str, int, int] | None:
    """The rule that pauses, with failed and attempted; None where none does. Each pair is (failed, attempted).

    `is_fresh`: whether one of the failures among the first attempts is of the last days.
    """
    if is_fresh and first[0] >= FIRST_LIMIT:
        return ("first", *first)
    if lately[0] >= LATELY_LIMIT and lately[0] >= LATELY_SHARE * lately[1]:
        return ("lately", *lately)
    return None


def watch(held: Lease, now: datetime) -> int:
    """Pauses what the news say; returns how many. May run twice."""
    if not Dirty.objects.exists():
        return 0
    with transaction.atomic():
        lease.guard(held)
        with connection.cursor() as cursor:
            cursor.execute(TOUCHED, {"since": now - WITHIN})
            touched = cursor.fetchall()
        armed = {(guard.dimension, guard.key): guard.resumed_at for guard in _guards_of(touched)}
        return sum(_look(place, armed.get(place), now) for place in touched)


def _guards_of(places: list[tuple[str, str]]) -> list[Guard]:
    keys = {key for _, key in places}
    return list(Guard.objects.filter(key__in=keys)) if keys else []


def _look(place: tuple[str, str], armed_at: datetime | None, now: datetime) -> bool:
    dimension, key = place
    given: dict[str, Any] = {"key": key, "since": now - WITHIN, "first": FIRST, "last": LATELY, "names": [key]}
    given["armed"] = armed_at or datetime.min.replace(year=1900, tzinfo=UTC)
    is_young, column = True, "campaign_key" if dimension == Guard.Dimension.CAMPAIGN else "sender"
    with connection.cursor() as cursor:
        if dimension == Guard.Dimension.SENDER_DOMAIN:
            is_young, given["names"] = _senders_of(cursor, given)
        cursor.execute(COUNTED.format(column=column), given)
        failed_first, first, is_fresh, failed_lately, lately = cursor.fetchone()
    found = judge((failed_first, first), (failed_lately, lately), is_fresh=is_young and is_fresh)
    if found is None:
        return False
    rule, bounced, attempted = found
    guard, _ = Guard.objects.update_or_create(
        dimension=dimension,
        key=key,
        defaults={"state": "paused", "rule": rule, "bounced": bounced, "attempted": attempted, "paused_at": now},
    )
    outbox.announce("guard_paused", {"guard_id": guard.pk, "dimension": dimension, "key": key}, now)
    return True


def _senders_of(cursor: Any, given: dict[str, Any]) -> tuple[bool, list[str]]:
    """Whether a sending domain may still be amid its first mails; its senders: all of a young one, else the latest."""
    day = given["since"].date()
    cursor.execute(BEGAN, given | {"day": day})
    began_on, before = cursor.fetchone()
    is_young = before < FIRST
    cursor.execute(SENDERS, given | {"day": min(began_on or day, day) if is_young else day})
    return is_young, [row[0] for row in cursor.fetchall()]


def resume(guard: Guard, by: Any, reason: str, now: datetime) -> bool:
    """Arms it anew; only attempts from now on count. False where it was not paused. Raises NoReason."""
    if not reason.strip():
        raise NoReason("Say why it may go on, so that others can read it later.")
    changed = Guard.objects.filter(pk=guard.pk, state=Guard.State.PAUSED).update(
        state=Guard.State.ARMED, resumed_at=now, resumed_by=by, resume_reason=reason.strip()
    )
    guard.refresh_from_db()
    return bool(changed)


# Of each campaign: the paused guards of itself, and of the senders and sending domains of its last mails.
PAUSING = """
SELECT g.key, g.id FROM bounces_guard g WHERE g.state = 'paused' AND g.dimension = 'campaign' AND g.key = ANY(%(keys)s)
UNION
SELECT campaign.key, g.id FROM unnest(%(keys)s::text[]) AS campaign(key)
CROSS JOIN LATERAL (
    SELECT DISTINCT mail.sender FROM (
        SELECT t.sender FROM bounces_attempt t
        WHERE t.campaign_key = campaign.key AND t.campaign_key <> ''
        ORDER BY t.sent_at DESC, t.id DESC LIMIT %(last)s) AS mail
) AS used
JOIN bounces_guard g ON g.state = 'paused' AND (
    (g.dimension = 'sender' AND g.key = used.sender)
    OR (g.dimension = 'sender_domain' AND position('@' IN used.sender) > 0
        AND g.key = lower(split_part(used.sender, '@', -1))))
"""


def pauses_of_campaigns(keys: Collection[str]) -> dict[str, list[Guard]]:
    """The paused guards that stop each campaign: its own first, then its senders'. At most three queries."""
    if not keys or not Guard.objects.filter(state=Guard.State.PAUSED).exists():
        return {}
    with connection.cursor() as cursor:
        cursor.execute(PAUSING, {"keys": list(keys), "last": LATELY})
        rows = cursor.fetchall()
    guards = Guard.objects.in_bulk([pk for _, pk in rows])
    found: dict[str, list[Guard]] = {}
    for key, pk in rows:
        if pk in guards:
            found.setdefault(key, []).append(guards[pk])
    return {key: sorted(each, key=_own_first) for key, each in found.items()}


def _own_first(guard: Guard) -> tuple[bool, bool, str]:
    """The campaign's own guard, then sending domains, then senders."""
    return guard.dimension != Guard.Dimension.CAMPAIGN, guard.dimension == Guard.Dimension.SENDER, guard.key


def pause_of(dimension: str, key: str) -> Guard | None:
    """The guard that pauses this campaign, sender or sending domain; None where nothing does."""
    return Guard.objects.filter(dimension=dimension, key=key, state=Guard.State.PAUSED).first()
