"""What each fact adds to the daily counts, and the one statement that adds it.

In: facts before and after a change. Out: the difference, upserted in sorted order in the transaction of the facts.
Since a count is always the difference of two pure sums, a fact that improves (better evidence, an earlier date)
moves its counts with it, and one told twice adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bounces.addresses import domain_of
from bounces.models import Attempt, Bounce, Complaint, DailyStat
from bounces.providers import counted_as
from bounces.statements import columns, run
from bounces.values import Fault, Kind, Standing

Cell = tuple[str, str, date, str]  # dimension, key, day, column


@dataclass(frozen=True, slots=True)
class Under:
    """What a fact is counted under, besides `all`. Empty text: not known, not counted there."""

    campaign: str
    sender: str
    provider: str
    domain: str  # the recipient's


FAILURES = {str(Standing.COUNTED): "bounced", str(Standing.HELD): "held"}  # those discarded are in no column


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def cells(under: Under, at: datetime, column: str) -> Iterable[Cell]:
    day = day_of(at)
    yield ("all", "", day, column)
    if under.campaign:
        yield ("campaign", under.campaign, day, column)
    if under.sender:
        yield ("sender", under.sender, day, column)
    if "@" in under.sender:
        yield ("sender_domain", domain_of(under.sender).lower(), day, column)
    if under.provider:
        yield ("provider", counted_as(under.provider), day, column)
    if under.domain:
        yield ("recipient_domain", under.domain, day.replace(day=1), column)


def counts_of_attempt(attempt: Attempt | None, domain: str) -> Counter[Cell]:
    """`attempted`, `bounced` and `held` belong to the day of sending: their quotient is a rate."""
    counts: Counter[Cell] = Counter()
    if attempt is None:
        return counts
    under = Under(attempt.campaign_key, attempt.sender, attempt.provider, domain)
    counts.update(cells(under, attempt.sent_at, "attempted"))
    if attempt.bounced_at and attempt.bounce_standing in FAILURES:
        counts.update(cells(under, attempt.sent_at, FAILURES[attempt.bounce_standing]))
    if attempt.delivered_at:
        counts.update(cells(under, attempt.delivered_at, "delivered"))
    return counts


def counts_of_bounce(bounce: Bounce | None, domain: str) -> Counter[Cell]:
    counts: Counter[Cell] = Counter()
    if bounce is None or bounce.standing != Standing.COUNTED:
        return counts
    under = Under(bounce.campaign_key, bounce.sender, bounce.provider, domain)
    counts.update(cells(under, bounce.occurred_at, str(bounce.kind)))
    if bounce.fault == Fault.SENDER and bounce.kind != Kind.DEFERRED:
        counts.update(cells(under, bounce.occurred_at, "blocked"))
    return counts


def counts_of_complaint(complaint: Complaint | None, domain: str) -> Counter[Cell]:
    if complaint is None or complaint.standing != Standing.COUNTED:
        return Counter()
    under = Under(complaint.campaign_key, complaint.sender, complaint.provider, domain)
    return Counter(cells(under, complaint.occurred_at, "complaints"))


def add_counts(difference: Counter[Cell]) -> None:
    """Adds to the daily rows. The rows are touched in sorted order, so that two writers never wait in a circle."""
    by_row: dict[tuple[str, str, date], Counter[str]] = {}
    for (dimension, key, day, column), count in difference.items():
        if count:
            by_row.setdefault((dimension, key, day), Counter())[column] += count
    if not by_row:
        return
    rows = sorted(by_row)
    keys = columns(rows, ("dimensions", "keys", "days"))
    run(MAKE_ROWS, keys)
    run(ADD_TO_ROWS, keys | {column: [by_row[row][column] for row in rows] for column in DailyStat.COUNTS})


MAKE_ROWS = """
INSERT INTO bounces_dailystat (dimension, key, day)
SELECT * FROM unnest(%(dimensions)b::text[], %(keys)b::text[], %(days)b::date[])
ON CONFLICT (dimension, key, day) DO NOTHING
"""
# A difference may be negative, and the row it belongs to is there: so an UPDATE, which checks the sums alone. Its rows
# are locked in their order before: it would take them in whatever order the planner reads them.
ADD_TO_ROWS = """
WITH more AS MATERIALIZED (
    SELECT stat.id, {given} FROM unnest({arrays}, %(dimensions)b::text[], %(keys)b::text[], %(days)b::date[])
        AS given({names}, dimension, key, day)
    JOIN bounces_dailystat stat USING (dimension, key, day)
    ORDER BY dimension, key, day FOR NO KEY UPDATE OF stat
)
UPDATE bounces_dailystat stat SET {sums} FROM more WHERE stat.id = more.id
""".format(  # noqa: S608  (the names are the model's own)
    given=", ".join(f"given.{name}" for name in DailyStat.COUNTS),
    sums=", ".join(f"{name} = stat.{name} + more.{name}" for name in DailyStat.COUNTS),
    arrays=", ".join(f"%({name})b::bigint[]" for name in DailyStat.COUNTS),
    names=", ".join(DailyStat.COUNTS),
)
