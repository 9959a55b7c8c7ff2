"""Which receiving providers fail good addresses far too often: the counting behind an incident.

In: addresses with news (Dirty), just before the policy judges them. Out: a Suspect for each provider to suspect, with
the window that says so most clearly. Stage: between record and evaluate. The test is in `suspicion.py`.

*Recently good* is an address that replied or clicked within 90 days before the mail, or took an earlier one: a bought
list has none, however dead it is. Windows of 1, 6 and 24 hours are looked at, by the hour in which the mail was sent.
Without attempts there is no share, and no alarm. A mail is at a provider by what was known of its domain before it was
sent: had only the bounces told whose domain it is, the mails that arrived there would be missing beside them.

Most passes of the flow find nothing, so what they cost follows the news, not the day: a failure of a good address is
kept (GoodFailure) when its address has news, and the mails beside the failures are counted only as far as they leave a
share worth a look. How many there are at least is kept too (GoodMail), as more may come but none go.
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
from bounces.models import GoodFailure, GoodMail
from bounces.suspicion import AT_LEAST, SHARE, Seen, is_usual, most_usual

WINDOWS = (1, 6, 24)  # hours
BASE = timedelta(days=28)
LOOKED_AT = timedelta(days=7)  # older bounces, as of an import of years, raise no alarm any more
KEPT = LOOKED_AT + timedelta(days=2)  # a window with news reaches back by a day

# What an incident may cover, and what it would have covered: those that count, and those that it holds already.
IS_COUNTED = f"({counted_hard('b')} AND b.incident_id IS NULL)"
IS_REFUSED = f"({hard('b')} AND b.standing IN ('counted', 'held'))"
# The address' own date comes first: it spares most that are not good the look at their mails.
# A mail that bounced never makes its address good, whatever the standing of its bounce. Otherwise an incident would
# grow by what it holds, and a decision about it would take away what GoodMail has counted.
IS_GOOD = """(
    a.last_reply_at >= t.sent_at - interval '90 days' OR a.last_click_at >= t.sent_at - interval '90 days'
    OR (a.last_delivered_at >= t.sent_at - interval '90 days' AND EXISTS (
        SELECT FROM bounces_attempt e WHERE e.address_id = t.address_id AND e.bounced_at IS NULL
        AND e.sent_at >= t.sent_at - interval '120 days' AND e.sent_at < t.sent_at
        AND e.delivered_at >= t.sent_at - interval '90 days' AND e.delivered_at <= t.sent_at
    ))
)"""
# The news, one address after the other: OFFSET 0 keeps the order of looking, as they are few and a week's bounces very
# many, each by its own bounces whatever their dates; and the mails of those bounces alone.
NEWS = f"""
SELECT DISTINCT address_id FROM (SELECT address_id FROM bounces_dirty ORDER BY id LIMIT {policy.NEWS_CHUNK}) x
"""  # noqa: S608  (a number of ours)
FORGET_NEWS = f"DELETE FROM bounces_goodfailure g USING ({NEWS}) d WHERE g.address_id = d.address_id"  # noqa: S608  (ours)
KEEP = f"""
INSERT INTO bounces_goodfailure (bounce_id, address_id, provider, hour)
SELECT n.bounce_id, d.address_id, n.provider, date_trunc('hour', n.sent_at)
FROM ({{news}}) d
CROSS JOIN LATERAL (
    SELECT b.id AS bounce_id, b.provider, t.sent_at, b.address_id
    FROM (
        SELECT b.id, b.address_id, b.provider, b.attempt_id, b.occurred_at FROM bounces_bounce b
        WHERE b.address_id = d.address_id AND {IS_COUNTED}
        OFFSET 0
    ) b JOIN bounces_attempt t ON t.id = b.attempt_id AND t.provider = b.provider
    JOIN bounces_address a ON a.id = t.address_id
    WHERE b.occurred_at > %(kept_since)s AND {IS_GOOD}
    OFFSET 0
) n
ON CONFLICT (bounce_id) DO NOTHING
"""  # noqa: S608  (the parts are this module's constants, the values parameters)
# Good addresses that failed, by provider and hour of sending, around the hours that have news. What is kept says which
# bounces; whether they count still, they say themselves.
FAILED_BY_HOUR = f"""
WITH news AS (
    SELECT DISTINCT g.provider, g.hour FROM bounces_goodfailure g
    JOIN ({NEWS}) d USING (address_id) JOIN bounces_bounce b ON b.id = g.bounce_id
    WHERE b.occurred_at > %(since)s
), span AS (
    SELECT provider, min(hour) - interval '23 hours' AS starts_at, max(hour) + interval '1 hour' AS ends_at,
           array_agg(hour) AS hours
    FROM news GROUP BY provider
)
SELECT span.provider, g.hour, g.hour = ANY(span.hours), count(DISTINCT g.address_id)
FROM span JOIN bounces_goodfailure g
    ON g.provider = span.provider AND g.hour >= span.starts_at AND g.hour < span.ends_at
JOIN bounces_bounce b ON b.id = g.bounce_id AND {IS_COUNTED}
GROUP BY 1, 2, 3
"""  # noqa: S608  (as above)
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
    given = {"since": now - LOOKED_AT, "kept_since": now - KEPT}
    with connection.cursor() as cursor:
        cursor.execute(FORGET_NEWS)
        cursor.execute(KEEP.format(news=NEWS), given)
        cursor.execute(FAILED_BY_HOUR, given)
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
    some = _written_to_at_least(given | {"hours": hours}, enough)
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


def _written_to_at_least(given: dict[str, Any], enough: int) -> int:
    """How many good addresses the window's mails went to, as far as that matters: as known, else counted and kept."""
    of_window = {"provider": given["provider"], "hours": given["hours"], "ends_at": given["ends_at"]}
    known = GoodMail.objects.filter(**of_window).values_list("addresses", flat=True).first() or 0
    if known > enough:
        return known
    # Half more mails than addresses are enough, as hardly anybody is written to twice in a day, and failures to come
    # find some left over.
    some = _count(SOME_WRITTEN_TO, given | {"limit": enough + enough // 2 + 40})
    GoodMail.objects.update_or_create(**of_window, defaults={"addresses": some})
    return some


def forget(now: datetime) -> int:
    """What is kept of days that are looked at no more. May run twice."""
    before = now - KEPT
    failures, _ = GoodFailure.objects.filter(hour__lt=before - timedelta(days=1)).delete()
    mails, _ = GoodMail.objects.filter(ends_at__lt=before).delete()
    return failures + mails


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
