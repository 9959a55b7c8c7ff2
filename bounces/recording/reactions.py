"""Unsubscribes, and the dates on the address: what recipients and their servers did.

In: Told values. Out: Suppression rows, the address' monotonic dates. A complaint or an unsubscribe from a trusted
source suppresses at once, for ever; only a person lifts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bounces.recording.told import Told
from bounces.statements import run
from bounces.suppressions import suppress_many
from bounces.values import Event

DATES = {
    Event.BOUNCED: "last_bounce_at",
    Event.DELIVERED: "last_delivered_at",
    Event.REPLIED: "last_reply_at",
    Event.CLICKED: "last_click_at",
}
COLUMNS = ("last_bounce_at", "last_delivered_at", "last_reply_at", "last_click_at")


SUPPRESSING = {Event.COMPLAINED: "complaint", Event.UNSUBSCRIBED: "unsubscribe", Event.SUPPRESSED: "manual"}
ELSEWHERE = "bounce"  # why a list suppresses whom mail of another tool did not reach


def suppress_those_who_asked(told: Sequence[Told], address_ids: dict[str, int]) -> None:
    """Suppresses whoever complained or unsubscribed, or is on a provider's list, by the word of a trusted source."""
    for reason in (*SUPPRESSING.values(), ELSEWHERE):
        latest_first = sorted(told, key=lambda one: (one.occurred_at, one.source, one.report.note), reverse=True)
        asked = {one.email: one for one in latest_first if one.is_trusted and reason_of(one) == reason}
        suppress_many(
            {email: address_ids[email] for email in asked},
            reason=reason,
            source_of={email: one.source for email, one in asked.items()},
            at_of={email: one.occurred_at for email, one in asked.items()},
            note_of={email: one.report.note for email, one in asked.items()},
        )


def reason_of(one: Told) -> str:
    """Why it suppresses; "" where it does not."""
    reason = SUPPRESSING.get(one.report.event, "")
    return ELSEWHERE if reason == "manual" and one.report.because == ELSEWHERE else reason


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
