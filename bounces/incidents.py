"""Incidents: a receiving provider that says "unknown" of mailboxes which worked yesterday is not believed.

In: addresses with news (Dirty), just before the policy judges them. Out: an Incident, its bounces held, and once people
have decided, discarded or counted again. Stage: between record and evaluate. The test is in `suspicion.py`.

*Recently good* is an address that replied or clicked within 90 days before the mail, or took an earlier one: a bought
list has none, however dead it is. Windows of 1, 6 and 24 hours are looked at, by the hour in which the mail was sent.
Without attempts there is no share, and no alarm. What is held counts nowhere; so its addresses go back to what the
other facts say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from bounces import lease, outbox, policy
from bounces.lease import Lease
from bounces.models import Address, Bounce, Dirty, Incident
from bounces.standings import restand
from bounces.suspicion import AT_LEAST, Seen
from bounces.values import Standing

State = Incident.State

WINDOWS = (1, 6, 24)  # hours
LOOK_BACK = timedelta(hours=24)  # bounces so long before its window's end belong to an incident too
BASE = timedelta(days=28)
LOOKED_AT = timedelta(days=7)  # older bounces, as of an import of years, raise no alarm any more
QUIET = timedelta(hours=6)  # without a bounce, after which an incident is over
DISMISSED_FOR = timedelta(hours=24)  # a provider that people believe is believed so long
CHUNK = 2000

IS_HARD = """b.kind = 'hard' AND b.fault = 'recipient' AND (b.smtp_code IS NULL OR b.smtp_code >= 500)
    AND b.enhanced_code NOT LIKE '4.%%'"""
IS_GOOD = """(
    a.last_reply_at >= t.sent_at - interval '90 days' OR a.last_click_at >= t.sent_at - interval '90 days'
    OR EXISTS (
        SELECT FROM bounces_attempt e WHERE e.address_id = t.address_id AND e.bounced_at IS NULL
        AND e.sent_at >= t.sent_at - interval '120 days' AND e.sent_at < t.sent_at
        AND e.delivered_at >= t.sent_at - interval '90 days' AND e.delivered_at <= t.sent_at
    )
)"""

# Good addresses that failed, by provider and hour of sending, around the hours that have news.
FAILED_BY_HOUR = f"""
WITH news AS (
    SELECT DISTINCT b.provider, date_trunc('hour', t.sent_at) AS hour
    FROM (SELECT address_id FROM bounces_dirty ORDER BY id LIMIT {policy.NEWS_CHUNK}) d
    JOIN bounces_bounce b ON b.address_id = d.address_id
    JOIN bounces_attempt t ON t.id = b.attempt_id AND t.provider = b.provider
    WHERE b.standing = 'counted' AND b.incident_id IS NULL AND b.occurred_at > %(since)s AND {IS_HARD}
), span AS (
    SELECT provider, min(hour) - interval '23 hours' AS starts_at, max(hour) + interval '1 hour' AS ends_at,
           array_agg(hour) AS hours
    FROM news GROUP BY provider
)
SELECT span.provider, failed.hour, failed.hour = ANY(span.hours), failed.addresses
FROM span CROSS JOIN LATERAL (
    SELECT date_trunc('hour', t.sent_at) AS hour, count(DISTINCT t.address_id) AS addresses
    FROM bounces_bounce b JOIN bounces_attempt t ON t.id = b.attempt_id JOIN bounces_address a ON a.id = t.address_id
    WHERE b.provider = span.provider AND t.provider = span.provider AND b.standing = 'counted'
      AND b.incident_id IS NULL AND {IS_HARD}
      AND b.occurred_at >= span.starts_at AND t.sent_at >= span.starts_at AND t.sent_at < span.ends_at AND {IS_GOOD}
    GROUP BY 1
) AS failed
"""  # noqa: S608  (the parts are this module's constants, the values parameters)
IN_WINDOW = f"""
SELECT count(DISTINCT t.address_id) FILTER (WHERE EXISTS (
           SELECT FROM bounces_bounce b WHERE b.attempt_id = t.id AND b.provider = t.provider
           AND b.standing = 'counted' AND b.incident_id IS NULL AND {IS_HARD})),
       count(DISTINCT t.address_id)
FROM bounces_attempt t JOIN bounces_address a ON a.id = t.address_id
WHERE t.sent_at >= %(starts_at)s AND t.sent_at < %(ends_at)s AND t.provider = %(provider)s AND {IS_GOOD}
"""  # noqa: S608  (as above)
USUAL = f"""
SELECT (SELECT count(*) FROM bounces_bounce b JOIN bounces_attempt t ON t.id = b.attempt_id
        JOIN bounces_address a ON a.id = t.address_id
        WHERE b.provider = %(provider)s AND b.occurred_at >= %(base)s AND b.occurred_at < %(starts_at)s
          AND b.incident_id IS NULL AND {IS_HARD} AND {IS_GOOD}),
       (SELECT count(*) FROM bounces_attempt t
        WHERE t.sent_at >= %(base)s AND t.sent_at < %(starts_at)s AND t.provider = %(provider)s)
"""  # noqa: S608  (as above)
# Bounces that an incident covers and that count as yet: those of its beginning, and those that come in now.
COVERED = f"""
SELECT b.id, i.id, i.state FROM bounces_incident i JOIN bounces_bounce b ON b.provider = i.provider
WHERE i.state <> 'dismissed' AND b.standing = 'counted' AND b.incident_id IS NULL AND {IS_HARD}
  AND b.occurred_at >= i.began_at AND b.occurred_at <= COALESCE(i.ended_at, 'infinity')
ORDER BY b.id LIMIT %(limit)s
"""  # noqa: S608  (as above)


def is_due(now: datetime) -> bool:
    """Whether an incident has been quiet for long enough."""
    return _quiet(now).exists()


def _quiet(now: datetime) -> QuerySet[Incident]:
    return Incident.objects.filter(ended_at__isnull=True, state__in=Incident.HOLDING, last_bounce_at__lt=now - QUIET)


def watch(held: Lease, now: datetime) -> int:
    """Looks at the news before they are judged; returns how many incidents and bounces it changed. May run twice."""
    if not (Dirty.objects.exists() or is_due(now)):
        return 0
    with transaction.atomic():
        lease.guard(held)
        changed = _hold_covered()
        opened = sum(_open(provider, found, now) for provider, found in _suspects(now))
        changed += opened + (_hold_covered() if opened else 0) + _end_quiet(now)
    return changed


def _suspects(now: datetime) -> Iterable[tuple[str, tuple[int, datetime, Seen]]]:
    """The providers to suspect, each with the window that says so most clearly."""
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
        seen = [
            (hours, ends_at, _look(provider, hours, ends_at)) for hours, ends_at in _fullest(by_hour, news[provider])
        ]
        suspicious = [each for each in seen if each[2].is_suspicious]
        if suspicious:
            yield provider, min(suspicious, key=lambda each: each[2].chance)


def _fullest(by_hour: dict[datetime, int], hours_with_news: Iterable[datetime]) -> list[tuple[int, datetime]]:
    """Of each length, the window with most failures, where they are enough. As (hours, its end)."""
    windows: list[tuple[int, datetime]] = []
    for length in WINDOWS:
        sums = {
            hour: sum(count for at, count in by_hour.items() if hour - timedelta(hours=length) < at <= hour)
            for hour in hours_with_news
        }
        hour = max(sums, key=lambda at: (sums[at], at), default=None)
        if hour is not None and sums[hour] >= AT_LEAST:
            windows.append((length, hour + timedelta(hours=1)))
    return windows


def _look(provider: str, hours: int, ends_at: datetime) -> Seen:
    starts_at = ends_at - timedelta(hours=hours)
    given: dict[str, Any] = {"provider": provider, "starts_at": starts_at, "ends_at": ends_at, "base": starts_at - BASE}
    with connection.cursor() as cursor:
        cursor.execute(IN_WINDOW, given)
        bounced, attempted = cursor.fetchone()
        if not Seen(bounced, attempted, 0, 0).is_worth_a_look:
            return Seen(bounced, attempted, 0, 0)
        cursor.execute(USUAL, given)
        return Seen(bounced, attempted, *cursor.fetchone())


def _open(provider: str, found: tuple[int, datetime, Seen], now: datetime) -> int:
    hours, ends_at, seen = found
    known = Incident.objects.filter(provider=provider)
    if known.filter(state__in=Incident.HOLDING, ended_at__isnull=True).exists():
        return 0
    if known.filter(state=State.DISMISSED, began_at__lte=ends_at, decided_at__gte=ends_at - DISMISSED_FOR).exists():
        return 0
    incident = Incident.objects.create(
        provider=provider,
        began_at=ends_at - max(LOOK_BACK, timedelta(hours=hours)),
        opened_at=now,
        last_bounce_at=ends_at,
        window_hours=hours,
        window_ends_at=ends_at,
        good_attempted=seen.attempted,
        good_bounced=seen.bounced,
        usual_share=seen.usual,
        chance=seen.chance,
    )
    outbox.announce("incident_opened", {"incident_id": incident.pk}, now)
    return 1


def _hold_covered() -> int:
    """Takes what incidents cover out of the count: held, or discarded where the incident is confirmed and over."""
    held = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(COVERED, {"limit": CHUNK})
            rows = cursor.fetchall()
        for incident_id, state in {(incident_id, state) for _, incident_id, state in rows}:
            ids = [pk for pk, of, _ in rows if of == incident_id]
            to = Standing.DISCARDED if state == State.PASSED else Standing.HELD
            restand(Bounce.objects.filter(pk__in=ids), to, incident_id=incident_id)
            last = Bounce.objects.filter(incident_id=incident_id).aggregate(at=Max("occurred_at"))["at"]
            Incident.objects.filter(pk=incident_id, ended_at__isnull=True).update(last_bounce_at=last)
        held += len(rows)
        if len(rows) < CHUNK:
            return held


def _end_quiet(now: datetime) -> int:
    quiet = list(_quiet(now).select_for_update())
    for incident in quiet:
        incident.ended_at = incident.last_bounce_at + QUIET
        if incident.state == State.CONFIRMED:
            _pass(incident)
        incident.save(update_fields=["ended_at", "state"])
    return len(quiet)


def _pass(incident: Incident) -> None:
    incident.state = State.PASSED
    restand(bounces_of(incident).filter(standing=Standing.HELD), Standing.DISCARDED)


# --- what people decide ---------------------------------------------------------------------------


class AlreadyDecided(Exception):
    """Somebody else was faster."""


class NoReason(ValueError):
    """A decision needs a reason that others can read later."""


def confirm(incident: Incident, by: Any, note: str, now: datetime) -> Incident:
    """The provider was wrong: its bounces are discarded once it is over. Raises AlreadyDecided, NoReason."""
    with transaction.atomic():
        incident = _decide(incident, State.CONFIRMED, by, note, now)
        if incident.ended_at is not None:
            _pass(incident)
        incident.save()
    return incident


def dismiss(incident: Incident, by: Any, note: str, now: datetime) -> Incident:
    """The provider was right: its bounces count again, and statuses follow. Raises AlreadyDecided, NoReason."""
    with transaction.atomic():
        incident = _decide(incident, State.DISMISSED, by, note, now)
        incident.ended_at = incident.ended_at or now
        incident.save()
        restand(bounces_of(incident).filter(standing=Standing.HELD), Standing.COUNTED)
    return incident


def _decide(incident: Incident, state: Incident.State, by: Any, note: str, now: datetime) -> Incident:
    if not note.strip():
        raise NoReason("Say why, so that others can read it later.")
    found = Incident.objects.select_for_update().get(pk=incident.pk)
    allowed = (State.OPEN, State.CONFIRMED) if state == State.DISMISSED else (State.OPEN,)
    if found.state not in allowed:
        raise AlreadyDecided(f"This incident is “{found.get_state_display()}” already.")
    found.state, found.decided_by, found.decided_at, found.note = state, by, now, note.strip()
    return found


def bounces_of(incident: Incident) -> QuerySet[Bounce]:
    return Bounce.objects.filter(incident_id=incident.pk)


def undecided() -> QuerySet[Incident]:
    """What people should look at: open ones, and those that go on."""
    return Incident.objects.filter(state__in=Incident.HOLDING).order_by("-id")


@dataclass(frozen=True, slots=True)
class Hour:
    starts_at: datetime
    held: int
    others: int


def by_hour(incident: Incident) -> list[Hour]:
    """Hard bounces at the provider from its beginning to its end, one entry each hour, 72 at most. One query."""
    ends_at = (incident.ended_at or incident.last_bounce_at) + timedelta(hours=1)
    with connection.cursor() as cursor:
        cursor.execute(
            BY_HOUR,
            {"id": incident.pk, "provider": incident.provider, "starts_at": incident.began_at, "ends_at": ends_at},
        )
        return [Hour(*row) for row in cursor.fetchall()]


BY_HOUR = """
SELECT hour, count(b.id) FILTER (WHERE b.incident_id = %(id)s),
       count(b.id) FILTER (WHERE b.incident_id IS DISTINCT FROM %(id)s)
FROM generate_series(date_trunc('hour', %(starts_at)s::timestamptz), %(ends_at)s, interval '1 hour') AS hour
LEFT JOIN bounces_bounce b ON b.provider = %(provider)s AND b.kind = 'hard' AND b.fault = 'recipient'
    AND b.occurred_at >= hour AND b.occurred_at < hour + interval '1 hour'
GROUP BY hour ORDER BY hour LIMIT 72
"""


def affected(incident: Incident) -> QuerySet[Address]:
    """The addresses of its bounces: whom to verify again, or to write to again."""
    return Address.objects.filter(pk__in=bounces_of(incident).values("address"))
