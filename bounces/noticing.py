"""Which receiving providers fail good addresses far too often: the counting behind an incident.

In: addresses with news (Dirty), just before the policy judges them. Out: a Suspect for each provider to suspect, with
the window that says so most clearly. Reads only. Stage: between record and evaluate. The test is in `suspicion.py`.

*Recently good* is an address that replied or clicked within 90 days before the mail, or took an earlier one: a bought
list has none, however dead it is. Windows of 1, 6 and 24 hours are looked at, by the hour in which the mail was sent.
Without attempts there is no share, and no alarm. A mail is at a provider by what was known of its domain before it was
sent: had only the bounces told whose domain it is, the mails that arrived there would be missing beside them.

Most passes of the flow find nothing, so what they cost is bounded: failures are few, and the mails beside them are
counted only as far as they leave a share worth a look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from bounces import policy
from bounces.conditions import counted_hard, hard
from bounces.suspicion import AT_LEAST, SHARE, Seen, is_usual, most_usual

WINDOWS = (1, 6, 24)  # hours
BASE = timedelta(days=28)
LOOKED_AT = timedelta(days=7)  # older bounces, as of an import of years, raise no alarm any more

# What an incident may cover, and what it would have covered: those that count, and those that it holds already.
IS_COUNTED = f"({counted_hard('b')} AND b.incident_id IS NULL)"
IS_REFUSED = f"({hard('b')} AND b.standing IN ('counted', 'held'))"
# The address' own date comes first: it spares most that are not good the look at their mails.
IS_GOOD = """(
    a.last_reply_at >= t.sent_at - interval '90 days' OR a.last_click_at >= t.sent_at - interval '90 days'
    OR (a.last_delivered_at >= t.sent_at - interval '90 days' AND EXISTS (
        SELECT FROM bounces_attempt e WHERE e.address_id = t.address_id AND e.bounced_at IS NULL
        AND e.sent_at >= t.sent_at - interval '120 days' AND e.sent_at < t.sent_at
        AND e.delivered_at >= t.sent_at - interval '90 days' AND e.delivered_at <= t.sent_at
    ))
)"""
# What every good address of a span meets, whatever mail it is about: most that fail died long ago, or never lived.
MAY_BE_GOOD = """GREATEST(a.last_reply_at, a.last_click_at, a.last_delivered_at)
    >= span.starts_at - interval '90 days'"""

# Good addresses that failed, by provider and hour of sending, around the hours that have news. OFFSET 0 keeps the order
# of looking: news one address after the other, as they are few and a week's bounces very many, each by its own bounces
# whatever their dates; and the mails of those bounces alone whose address may be good.
FAILED_BY_HOUR = f"""
WITH news AS (
    SELECT DISTINCT n.provider, n.hour
    FROM (SELECT DISTINCT address_id FROM (
        SELECT address_id FROM bounces_dirty ORDER BY id LIMIT {policy.NEWS_CHUNK}) x) d
    CROSS JOIN LATERAL (
        SELECT b.provider, date_trunc('hour', t.sent_at) AS hour
        FROM (
            SELECT b.provider, b.attempt_id, b.occurred_at FROM bounces_bounce b
            WHERE b.address_id = d.address_id AND {IS_COUNTED}
            OFFSET 0
        ) b JOIN bounces_attempt t ON t.id = b.attempt_id AND t.provider = b.provider
        WHERE b.occurred_at > %(since)s
        OFFSET 0
    ) n
), span AS (
    SELECT provider, min(hour) - interval '23 hours' AS starts_at, max(hour) + interval '1 hour' AS ends_at,
           array_agg(hour) AS hours
    FROM news GROUP BY provider
)
SELECT span.provider, failed.hour, failed.hour = ANY(span.hours), failed.addresses
FROM span CROSS JOIN LATERAL (
    SELECT date_trunc('hour', t.sent_at) AS hour, count(DISTINCT t.address_id) AS addresses
    FROM (
        SELECT b.attempt_id, a.last_reply_at, a.last_click_at, a.last_delivered_at
        FROM bounces_bounce b JOIN bounces_address a ON a.id = b.address_id
        WHERE b.provider = span.provider AND {IS_COUNTED}
          AND b.occurred_at >= span.starts_at AND {MAY_BE_GOOD}
        OFFSET 0
    ) a JOIN bounces_attempt t ON t.id = a.attempt_id
    WHERE t.provider = span.provider AND t.sent_at >= span.starts_at AND t.sent_at < span.ends_at AND {IS_GOOD}
    GROUP BY 1
) AS failed
"""  # noqa: S608  (the parts are this module's constants, the values parameters)
WRITTEN_TO = f"""
FROM bounces_attempt t JOIN bounces_address a ON a.id = t.address_id
WHERE t.provider = %(provider)s AND t.sent_at >= %(starts_at)s AND t.sent_at < %(ends_at)s AND {IS_GOOD}
"""
SOME_WRITTEN_TO = f"""
SELECT count(DISTINCT address_id) FROM (SELECT t.address_id {WRITTEN_TO} LIMIT %(limit)s) AS counted
"""  # noqa: S608  (as above)
IN_WINDOW = f"""
SELECT count(DISTINCT t.address_id) FILTER (WHERE EXISTS (
           SELECT FROM bounces_bounce b WHERE b.attempt_id = t.id AND b.provider = t.provider
           AND {IS_COUNTED})),
       count(DISTINCT t.address_id)
{WRITTEN_TO}
"""  # noqa: S608  (as above)
SINCE = f"""
SELECT count(DISTINCT t.address_id) FILTER (WHERE EXISTS (
           SELECT FROM bounces_bounce b WHERE b.attempt_id = t.id AND {IS_REFUSED})),
       count(DISTINCT t.address_id)
{WRITTEN_TO}
"""  # noqa: S608  (as above)
USUALLY_WRITTEN_TO = """
SELECT count(*) FROM bounces_attempt t
WHERE t.provider = %(provider)s AND t.sent_at >= %(base)s AND t.sent_at < %(starts_at)s
"""
USUALLY_FAILED = f"""
SELECT count(*) FROM (
    SELECT FROM bounces_bounce b JOIN bounces_attempt t ON t.id = b.attempt_id
    JOIN bounces_address a ON a.id = t.address_id
    WHERE b.provider = %(provider)s AND b.occurred_at >= %(base)s AND b.occurred_at < %(starts_at)s
      AND {IS_COUNTED} AND {IS_GOOD}
    LIMIT %(limit)s
) AS failed
"""  # noqa: S608  (as above)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A provider, the window that gives it away, and what was counted there."""

    provider: str
    hours: int
    ends_at: datetime
    seen: Seen


def suspects(now: datetime, is_answered: Callable[[str, datetime], bool]) -> Iterator[Suspect]:
    """The providers to suspect. `is_answered`: whether people know already of a provider's failures up to a moment."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED_BY_HOUR, {"since": now - LOOKED_AT})
        rows = cursor.fetchall()
    failed: dict[str, dict[datetime, int]] = defaultdict(dict)
    news: dict[str, list[datetime]] = defaultdict(list)
    for provider, hour, has_news, addresses in rows:
        failed[provider][hour] = addresses
        if has_news:
            news[provider].append(hour)
    for provider, by_hour in failed.items():
        looked_at = [
            Suspect(provider, hours, ends_at, _look(provider, hours, ends_at, most))
            for hours, ends_at, most in _fullest(by_hour, news[provider])
            if not is_answered(provider, ends_at)
        ]
        suspicious = [each for each in looked_at if each.seen.is_suspicious]
        if suspicious:
            yield min(suspicious, key=lambda each: each.seen.chance)


def _fullest(by_hour: dict[datetime, int], hours_with_news: Iterable[datetime]) -> Iterator[tuple[int, datetime, int]]:
    """Of each length, the window with most failures, where they are enough. As (hours, its end, failures at most)."""
    for length in WINDOWS:
        sums = {
            hour: sum(count for at, count in by_hour.items() if hour - timedelta(hours=length) < at <= hour)
            for hour in hours_with_news
        }
        hour = max(sums, key=lambda at: (sums[at], at), default=None)
        if hour is not None and sums[hour] >= AT_LEAST:
            yield length, hour + timedelta(hours=1), sums[hour]


def _look(provider: str, hours: int, ends_at: datetime, failed: int) -> Seen:
    """`failed`: at most so many addresses did."""
    starts_at = ends_at - timedelta(hours=hours)
    given: dict[str, Any] = {"provider": provider, "starts_at": starts_at, "ends_at": ends_at, "base": starts_at - BASE}
    enough = int(failed / SHARE)
    # A quarter more mails than addresses are enough, as hardly anybody is written to twice in a day.
    some = _count(SOME_WRITTEN_TO, given | {"limit": enough + enough // 4 + 1})
    if some > enough:
        return Seen(failed, some, 0, 0)
    with connection.cursor() as cursor:
        cursor.execute(IN_WINDOW, given)
        bounced, attempted = cursor.fetchone()
    seen = Seen(bounced, attempted, 0, 0)
    if not seen.is_worth_a_look:
        return seen
    base = _count(USUALLY_WRITTEN_TO, given)
    return Seen(bounced, attempted, _count(USUALLY_FAILED, given | {"limit": most_usual(seen.share, base)}), base)


def has_recovered(provider: str, usual: float, since: datetime) -> bool:
    """Whether few enough of the good addresses written to since then were refused, held bounces included.

    Where nobody was written to nothing is known.
    """
    with connection.cursor() as cursor:
        cursor.execute(SINCE, {"provider": provider, "starts_at": since, "ends_at": datetime.max.replace(tzinfo=UTC)})
        bounced, attempted = cursor.fetchone()
    return is_usual(Seen(bounced, attempted, 0, 0), usual)


def _count(sql: str, given: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return int(cursor.fetchone()[0])
