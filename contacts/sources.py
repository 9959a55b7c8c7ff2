"""How our mail arrives at the people of each source: a file, a tool, a person who typed them in.

In: contacts, their addresses, and the facts that `bounces` keeps (attempts, bounces, complaints): those that its daily
counts are made of, by the same days and standings. Out: a Source each, with the rates and words of
`bounces/reputation.py`. An address counts for each source that brought a contact who has it.
The count reads every contact: a worker makes it, pages show the latest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from bounces import lease
from bounces.conditions import counts, failed
from bounces.reputation import PERIODS, Standing
from contacts.models import SourceCount

LEASE = "sources"
LEASE_LASTS = timedelta(minutes=5)
FRESH = timedelta(minutes=10)  # so long a count is shown before it is made anew
KEPT = 200  # sources: those with most bounces
# A delivery is counted on its own day, and may come so long after the message was sent (RFC 5321 4.5.4.1: 4 to 5 days;
# tools report later).
SLOWEST = timedelta(days=30)
FACTS = ("attempted", "bounced", "delivered", "hard", "soft", "blocked", "complaints")


@dataclass(frozen=True, slots=True)
class Source:
    name: str  # empty: of contacts that say none
    contacts: int
    addresses: int  # of these contacts, each once
    standing: Standing


def latest(days: int, now: datetime) -> SourceCount:
    """The latest count over one of PERIODS, made or not; a new one is asked for where it is old."""
    count, _ = SourceCount.objects.get_or_create(days=days)
    if count.asked_at is None and (count.counted_at is None or count.counted_at < now - FRESH):
        SourceCount.objects.filter(pk=count.pk, asked_at=None).update(asked_at=now)
        count.asked_at = now
    return count


def sources_of(count: SourceCount) -> list[Source]:
    """Those with most bounces first."""
    return [
        Source(name, contacts, addresses, Standing(name, name, **dict(zip(FACTS, facts, strict=True))))
        for name, contacts, addresses, *facts in count.rows
    ]


def is_waiting(now: datetime) -> bool:  # noqa: ARG001 -- as the tick asks all that may wait
    return SourceCount.objects.filter(asked_at__isnull=False).exists() and lease.is_free(LEASE)


def work(clock: Callable[[], datetime]) -> bool:
    """Makes the counts that were asked for. May run twice, and be killed anywhere. False: another is at it."""
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        while count := SourceCount.objects.filter(asked_at__isnull=False).order_by("asked_at").first():
            now = clock()
            with transaction.atomic():
                count.rows = count_sources(count.days, now)
                lease.guard(held)
                count.asked_at, count.counted_at = None, now
                count.save()
            lease.renew(held)
    finally:
        lease.release(held)
    return True


def count_sources(days: int, now: datetime) -> list[list[Any]]:
    """The sources with most bounces in the last days, today included: name, contacts, addresses, FACTS. One query."""
    assert days in PERIODS
    today = now.astimezone(UTC).date()
    first, end = _midnight(today - timedelta(days=days - 1)), _midnight(today + timedelta(days=1))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(COUNT, {"first": first, "end": end, "earliest": first - SLOWEST, "most": KEPT})
        return [list(row) for row in cursor.fetchall()]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


COUNT = """
WITH reached AS (
    SELECT DISTINCT c.source, r.address_id
    FROM contacts_contact c JOIN contacts_contactaddress r ON r.contact_id = c.id WHERE c.deleted_at IS NULL
), people AS (
    SELECT source, count(*) AS contacts FROM contacts_contact WHERE deleted_at IS NULL GROUP BY source
), sent AS (
    SELECT address_id,
           count(*) FILTER (WHERE sent_at >= %(first)s AND sent_at < %(end)s) AS attempted,
           count(*) FILTER (WHERE sent_at >= %(first)s AND sent_at < %(end)s AND {failed}) AS bounced,
           count(*) FILTER (WHERE delivered_at >= %(first)s AND delivered_at < %(end)s) AS delivered
    FROM bounces_attempt t WHERE sent_at >= %(earliest)s GROUP BY address_id
), failed AS (
    SELECT address_id, count(*) FILTER (WHERE kind = 'hard') AS hard, count(*) FILTER (WHERE kind = 'soft') AS soft,
           count(*) FILTER (WHERE fault = 'sender' AND kind <> 'deferred') AS blocked
    FROM bounces_bounce b
    WHERE {counted} AND occurred_at >= %(first)s AND occurred_at < %(end)s GROUP BY address_id
), complained AS (
    SELECT address_id, count(*) AS complaints FROM bounces_complaint b
    WHERE {counted} AND occurred_at >= %(first)s AND occurred_at < %(end)s GROUP BY address_id
), by_source AS (
    SELECT reached.source, count(*) AS addresses, {sums}
    FROM reached LEFT JOIN sent USING (address_id) LEFT JOIN failed USING (address_id)
    LEFT JOIN complained USING (address_id) GROUP BY reached.source
)
SELECT source, contacts, coalesce(addresses, 0), {facts}
FROM people LEFT JOIN by_source USING (source)
ORDER BY bounced DESC NULLS LAST, attempted DESC NULLS LAST, contacts DESC, source LIMIT %(most)s
""".format(  # noqa: S608 -- columns of ours
    counted=counts("b"),
    failed=failed("t"),
    sums=", ".join(f"coalesce(sum({fact}), 0)::bigint AS {fact}" for fact in FACTS),
    facts=", ".join(f"coalesce({fact}, 0)" for fact in FACTS),
)
