"""Incidents: a receiving provider that says "unknown" of mailboxes which worked yesterday is not believed.

In: addresses with news (Dirty), just before the policy judges them. Out: an Incident, its bounces held, and once people
have decided, discarded or counted again. Stage: between record and evaluate. Who is suspected is in `noticing.py`.

What is held counts nowhere; so its addresses go back to what the other facts say. An incident is over when nothing came
back for hours, or when of the good addresses written to in the last hours no more were refused than at other times.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from bounces import inbox, lease, outbox, policy
from bounces.conditions import hard
from bounces.lease import Lease
from bounces.models import Address, Bounce, Dirty, Incident
from bounces.noticing import IS_COUNTED, Suspect, has_recovered, suspects
from bounces.standings import restand
from bounces.values import Standing

State = Incident.State

LOOK_BACK = timedelta(hours=24)  # bounces so long before its window's end belong to an incident too
QUIET = timedelta(hours=6)  # without a bounce, or with as few as usual, after which an incident is over
LOOK_AGAIN = timedelta(minutes=15)
DISMISSED_FOR = timedelta(hours=24)  # a provider that people believe is believed so long
CHUNK = 2000
CAMPAIGNS_SHOWN = 20
FLOW = "flow"  # the lease of `process.py`, which knows this module

# Bounces that an incident covers and that count as yet: of what has news, those that come in now; of an incident that
# has just been noticed, those of its beginning.
OF_NEWS = f"""
WITH news AS (
    SELECT DISTINCT address_id FROM (SELECT address_id FROM bounces_dirty ORDER BY id LIMIT {policy.NEWS_CHUNK}) d
)
SELECT b.id, i.id, i.state FROM news CROSS JOIN LATERAL (
    SELECT b.id, b.provider, b.occurred_at FROM bounces_bounce b
    WHERE b.address_id = news.address_id AND {IS_COUNTED}
    OFFSET 0
) b JOIN bounces_incident i ON i.provider = b.provider AND i.state <> 'dismissed'
    AND b.occurred_at >= i.began_at AND b.occurred_at <= COALESCE(i.ended_at, 'infinity')
ORDER BY b.id LIMIT {CHUNK}
"""  # noqa: S608  (the parts are constants of ours)
OF_THE_BEGINNING = f"""
SELECT b.id, i.id, i.state FROM bounces_incident i JOIN bounces_bounce b ON b.provider = i.provider
WHERE i.id = ANY(%(opened)s) AND {IS_COUNTED}
  AND b.occurred_at >= i.began_at AND b.occurred_at <= COALESCE(i.ended_at, 'infinity')
ORDER BY b.id LIMIT {CHUNK}
"""  # noqa: S608  (as above)


def is_due(now: datetime) -> bool:
    """Whether it is time to see if an incident is over, or one that people have decided about still holds bounces."""
    return _to_look_at(now).exists() or _decided_but_held().exists()


def _to_look_at(now: datetime) -> QuerySet[Incident]:
    return Incident.objects.filter(ended_at__isnull=True, state__in=Incident.HOLDING, look_at__lte=now)


def _decided_but_held() -> QuerySet[Bounce]:
    decided = Incident.objects.filter(state__in=[State.DISMISSED, State.PASSED]).values("pk")
    return Bounce.objects.filter(incident_id__in=decided, standing=Standing.HELD)


def watch(held: Lease, now: datetime) -> int:
    """Looks at the news before they are judged; returns how many incidents and bounces it changed. May run twice."""
    has_news = Dirty.objects.exists()
    if not (has_news or is_due(now)):
        return 0
    with transaction.atomic():
        lease.guard(held)
        changed = _notice(now) if has_news else 0
        return changed + _end_those_that_are_over(now) + _let_go(_decided_but_held())


def _notice(now: datetime) -> int:
    held = _hold(OF_NEWS) if Incident.objects.exclude(state=State.DISMISSED).exists() else 0
    opened = [_open(suspect, now) for suspect in suspects(now, _is_answered)]
    return held + len(opened) + (_hold(OF_THE_BEGINNING, opened) if opened else 0)


def _is_answered(provider: str, upto: datetime) -> bool:
    """Whether its failures up to then are held by an incident that goes on, or believed since somebody said so."""
    goes_on = Q(state__in=Incident.HOLDING, ended_at__isnull=True)
    is_believed = Q(state=State.DISMISSED, began_at__lte=upto, decided_at__gte=upto - DISMISSED_FOR)
    return Incident.objects.filter(goes_on | is_believed, provider=provider).exists()


def _open(suspect: Suspect, now: datetime) -> int:
    began_at = suspect.ends_at - max(LOOK_BACK, timedelta(hours=suspect.hours))
    incident = Incident.objects.create(
        provider=suspect.provider,
        began_at=began_at,
        opened_at=now,
        last_bounce_at=began_at,
        look_at=suspect.ends_at + QUIET,
        window_hours=suspect.hours,
        window_ends_at=suspect.ends_at,
        good_attempted=suspect.seen.attempted,
        good_bounced=suspect.seen.bounced,
        usual_share=suspect.seen.usual,
        chance=suspect.seen.chance,
    )
    outbox.announce("incident_opened", {"incident_id": incident.pk}, now)
    return incident.pk


def _hold(covered: str, opened: Sequence[int] = ()) -> int:
    """Takes what incidents cover out of the count: held, or discarded where the incident is confirmed and over."""
    held = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(covered, {"opened": list(opened)})
            rows = cursor.fetchall()
        for incident_id, state in sorted({(incident_id, state) for _, incident_id, state in rows}):
            bounces = Bounce.objects.filter(pk__in=[pk for pk, of, _ in rows if of == incident_id])
            restand(bounces, Standing.DISCARDED if state == State.PASSED else Standing.HELD, incident_id=incident_id)
            newest = bounces.order_by("-occurred_at").values("occurred_at")[:1]
            Incident.objects.filter(pk=incident_id, last_bounce_at__lt=newest).update(last_bounce_at=newest)
        held += len(rows)
        if len(rows) < CHUNK:
            return held


def _end_those_that_are_over(now: datetime) -> int:
    """What waits in the inbox may be its next hours: they are recorded first."""
    if inbox.is_waiting():
        return 0
    looked_at = list(_to_look_at(now).select_for_update())
    for incident in looked_at:
        if incident.last_bounce_at < now - QUIET or has_recovered(incident.provider, incident.usual_share, now - QUIET):
            incident.ended_at = min(incident.last_bounce_at + QUIET, now)
            incident.state = State.PASSED if incident.state == State.CONFIRMED else incident.state
            outbox.announce("incident_over", {"incident_id": incident.pk}, now)
        else:
            incident.look_at = now + LOOK_AGAIN
        incident.save(update_fields=["ended_at", "state", "look_at"])
    return sum(incident.ended_at is not None for incident in looked_at)


def _let_go(held: QuerySet[Bounce]) -> int:
    """Gives bounces of decided incidents the standing that was decided, CHUNK at most; the flow does the next."""
    rows = list(held.order_by("pk").values_list("pk", "incident_id")[:CHUNK])
    incidents = Incident.objects.in_bulk({incident_id for _, incident_id in rows if incident_id is not None})
    for pk, incident in incidents.items():
        to = Standing.DISCARDED if incident.state == State.PASSED else Standing.COUNTED
        restand(Bounce.objects.filter(pk__in=[bounce for bounce, of in rows if of == pk]), to)
    return len(rows)


# --- what people decide ---------------------------------------------------------------------------


# What was confirmed by mistake may be dismissed, be it over or not; what a dismissal did wrong, a repair takes back.
MAY_BECOME = {
    State.CONFIRMED: (State.OPEN,),
    State.DISMISSED: (State.OPEN, State.CONFIRMED, State.PASSED),
}


class AlreadyDecided(Exception):
    """Somebody else was faster."""


class NoReason(ValueError):
    """A decision needs a reason that others can read later."""


def confirm(incident: Incident, by: Any, note: str, now: datetime) -> Incident:
    """The provider was wrong: its bounces are discarded once it is over. Raises AlreadyDecided, NoReason."""
    return _decide(incident, State.CONFIRMED, by, note, now)


def dismiss(incident: Incident, by: Any, note: str, now: datetime) -> Incident:
    """The provider was right: its bounces count again, and statuses follow. Raises AlreadyDecided, NoReason."""
    return _decide(incident, State.DISMISSED, by, note, now)


def _decide(incident: Incident, state: Incident.State, by: Any, note: str, now: datetime) -> Incident:
    """The first of its bounces follow at once, those of a large one by the flow."""
    if not note.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        lease.wait_for_step(FLOW)  # which holds and lets go too
        found = Incident.objects.select_for_update().get(pk=incident.pk)
        if found.state not in MAY_BECOME[state]:
            raise AlreadyDecided(f"This incident is “{found.get_state_display()}” already.")
        if found.state == State.PASSED:  # neither counts, so the daily counts stay
            bounces_of(found).filter(standing=Standing.DISCARDED).update(standing=Standing.HELD)
        found.state, found.decided_by, found.decided_at, found.note = state, by, now, note.strip()
        if state == State.DISMISSED:
            found.ended_at = found.ended_at or now
        elif found.ended_at is not None:
            found.state = State.PASSED
        found.save()
        _let_go(_decided_but_held().filter(incident_id=found.pk))
    return found


def bounces_of(incident: Incident) -> QuerySet[Bounce]:
    return Bounce.objects.filter(incident_id=incident.pk)


@dataclass(frozen=True, slots=True)
class Missed:
    campaign_key: str  # empty: no campaign was told
    addresses: int


def missed(incident: Incident, hidden: Collection[str] = ()) -> list[Missed]:
    """What its addresses did not get, by campaign: whom to send it again once they are taken again.

    `hidden`: keys of campaigns that are left out.
    """
    rows = bounces_of(incident).exclude(campaign_key__in=hidden).order_by().values_list("campaign_key")
    counted = rows.annotate(addresses=Count("address", distinct=True)).order_by("-addresses", "campaign_key")
    return [Missed(*row) for row in counted[:CAMPAIGNS_SHOWN]]


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


BY_HOUR = f"""
SELECT hour, count(b.id) FILTER (WHERE b.incident_id = %(id)s),
       count(b.id) FILTER (WHERE b.incident_id IS DISTINCT FROM %(id)s)
FROM generate_series(date_trunc('hour', %(starts_at)s::timestamptz), %(ends_at)s, interval '1 hour') AS hour
LEFT JOIN bounces_bounce b ON b.provider = %(provider)s AND {hard("b")}
    AND b.occurred_at >= hour AND b.occurred_at < hour + interval '1 hour'
GROUP BY hour ORDER BY hour LIMIT 72
"""  # noqa: S608  (as above)


def affected(incident: Incident) -> QuerySet[Address]:
    """The addresses of its bounces: whom to verify again, or to write to again."""
    return Address.objects.filter(pk__in=bounces_of(incident).values("address"))
