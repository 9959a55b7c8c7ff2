"""Complaints, unsubscribes, and the dates on the address: what recipients and their servers did.

In: Told values. Out: Complaint and Suppression rows, the address' monotonic dates, the daily counts' difference.
A complaint or an unsubscribe from a trusted source suppresses at once, for ever; only a person lifts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime

from bounces.addresses import domain_of
from bounces.models import Attempt, Complaint
from bounces.recording.failures import complaint_key
from bounces.recording.statistics import Cell, Under, cells
from bounces.recording.told import Told
from bounces.statements import run
from bounces.suppressions import suppress_many
from bounces.values import Event, Standing

DATES = {
    Event.BOUNCED: "last_bounce_at",
    Event.DELIVERED: "last_delivered_at",
    Event.REPLIED: "last_reply_at",
    Event.CLICKED: "last_click_at",
}
COLUMNS = ("last_bounce_at", "last_delivered_at", "last_reply_at", "last_click_at")


def record_complaints(
    told: Sequence[Told],
    address_ids: dict[str, int],
    attempts: Sequence[Attempt | None],
    providers: Mapping[str, str],
) -> Counter[Cell]:
    """Keeps each complaint once (see `complaint_key`), with its earliest date; proof that comes later counts."""
    keys = [complaint_key(one, address_ids[one.email], attempt) for one, attempt in zip(told, attempts, strict=True)]
    found = {bytes(row.complaint_key): row for row in Complaint.objects.filter(complaint_key__in=set(keys))}
    old = {key: copy(row) for key, row in found.items()}
    under: dict[bytes, Under] = {}
    for key, one, attempt in zip(keys, told, attempts, strict=True):
        under.setdefault(key, _under(one, attempt, providers))
        found[key] = _merge_complaint(found.get(key), key, one, address_ids[one.email], attempt)
    Complaint.objects.bulk_create([row for key, row in found.items() if key not in old])
    Complaint.objects.bulk_update([found[key] for key in old], ["standing", "occurred_at", "attempt_id"])
    difference: Counter[Cell] = Counter()
    for key, row in found.items():
        before = old.get(key)
        is_counted_already = before is not None and before.standing == Standing.COUNTED
        # Under what else the first telling was counted is not known any more: what moves is the total.
        where = Under("", "", "", "") if is_counted_already else under[key]
        difference.update(_counts_of_complaint(row, where))
        difference.subtract(_counts_of_complaint(before, where))
    return difference


def _merge_complaint(
    row: Complaint | None, key: bytes, told: Told, address_id: int, attempt: Attempt | None
) -> Complaint:
    standing = Standing.COUNTED if told.is_trusted else Standing.UNVERIFIED
    if row is None:
        row = Complaint(
            address_id=address_id,
            inbound_item_id=told.item_id,
            source=told.source,
            standing=standing,
            feedback_type=told.report.feedback_type or "abuse",
            occurred_at=told.occurred_at,
            claimed_at=told.claimed_at,
            complaint_key=key,
        )
    row.occurred_at = min(row.occurred_at, told.occurred_at)
    row.attempt_id = row.attempt_id or (attempt.pk if attempt else None)
    if row.standing == Standing.UNVERIFIED:
        row.standing = standing
    return row


def _counts_of_complaint(row: Complaint | None, under: Under) -> Counter[Cell]:
    if row is None or row.standing != Standing.COUNTED:
        return Counter()
    return Counter(cells(under, row.occurred_at, "complaints"))


def _under(told: Told, attempt: Attempt | None, providers: Mapping[str, str]) -> Under:
    domain = domain_of(told.email)
    if attempt is None:
        return Under("", "", providers[domain], domain)
    return Under(attempt.campaign_key, attempt.sender, attempt.provider, domain)


SUPPRESSING = (
    (Event.COMPLAINED, "complaint", ""),
    (Event.UNSUBSCRIBED, "unsubscribe", ""),
    (Event.SUPPRESSED, "manual", "On a list that a provider exported."),
)


def suppress_those_who_asked(told: Sequence[Told], address_ids: dict[str, int]) -> None:
    """Suppresses whoever complained or unsubscribed, or is on a provider's list, by the word of a trusted source."""
    for event, reason, note in SUPPRESSING:
        asked = {one.email: one for one in told if one.report.event == event and one.is_trusted}
        suppress_many(
            {email: address_ids[email] for email in asked},
            reason=reason,
            source_of={email: one.source for email, one in asked.items()},
            at_of={email: one.occurred_at for email, one in asked.items()},
            note=note,
        )


def advance_dates(told: Sequence[Told], address_ids: dict[str, int]) -> set[int]:
    """Moves the addresses' dates forward, never back; returns the ids of those whose judgement that may change.

    A delivery to an address that is valid and never bounced changes nothing that the policy sees.
    """
    newest: dict[int, dict[str, datetime]] = {}
    for one in told:
        column = DATES.get(one.report.event)
        if column and one.is_trusted:
            dates = newest.setdefault(address_ids[one.email], {})
            dates[column] = max(dates.get(column, one.occurred_at), one.occurred_at)
    if not newest:
        return set()
    ids = sorted(newest)
    moved = run(ADVANCE, {"ids": ids, **{column: [newest[pk].get(column) for pk in ids] for column in COLUMNS}})
    return {pk for pk, is_settled in moved if not is_settled}


ADVANCE = """
UPDATE bounces_address a SET
    last_bounce_at = GREATEST(a.last_bounce_at, n.last_bounce_at),
    last_delivered_at = GREATEST(a.last_delivered_at, n.last_delivered_at),
    last_reply_at = GREATEST(a.last_reply_at, n.last_reply_at),
    last_click_at = GREATEST(a.last_click_at, n.last_click_at)
FROM unnest(%(ids)b::bigint[], %(last_bounce_at)b::timestamptz[], %(last_delivered_at)b::timestamptz[],
            %(last_reply_at)b::timestamptz[], %(last_click_at)b::timestamptz[])
    AS n(id, last_bounce_at, last_delivered_at, last_reply_at, last_click_at)
WHERE a.id = n.id
RETURNING a.id, a.status = 'valid' AND a.last_bounce_at IS NULL
"""


def answering(told: Sequence[Told], address_ids: dict[str, int]) -> set[int]:
    """The addresses that replied or clicked."""
    return {
        address_ids[one.email] for one in told if one.is_trusted and one.report.event in (Event.REPLIED, Event.CLICKED)
    }
