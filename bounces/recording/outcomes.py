"""What became of an attempt: noted on it, or kept until the attempt is told.

In: reports of an attempt; reports that count and name a message that no tool has told of yet. Out: the attempt's dates;
EarlyOutcome rows, which an attempt takes over when it comes (`joining.py`). A failure or a complaint has a row of its
own that waits: of those only the sender and the campaign are kept here. Stage: record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bounces.models import Attempt, EarlyOutcome
from bounces.recording.names import Identity
from bounces.recording.rows import insert
from bounces.recording.told import Told
from bounces.values import Event, Trust

DATES = {
    Event.DELIVERED: "delivered_at",
    Event.DEFERRED: "deferred_at",
    Event.BOUNCED: "bounced_at",
    Event.COMPLAINED: "complained_at",
    Event.REPLIED: "replied_at",
}
HAVE_ROWS = (Event.BOUNCED, Event.DEFERRED, Event.COMPLAINED)  # of their own


def note(attempt: Attempt, told: Told) -> None:
    """Writes down on the attempt what the report says became of it."""
    event, at = told.report.event, told.occurred_at
    if told.is_from_tool and told.trust == Trust.TRUSTED:
        attempt.newest_at = newest(attempt.newest_at, at)
    note_event(attempt, event, at, told.report.sender, told.report.campaign)


def note_event(attempt: Attempt, event: str, at: datetime, sender: str, campaign_key: str) -> None:
    attempt.sent_at = min(attempt.sent_at, at)
    attempt.sender = first_of(attempt.sender, sender)
    attempt.campaign_key = first_of(attempt.campaign_key, campaign_key)
    column = DATES.get(Event(event))
    if column:
        setattr(attempt, column, earliest(getattr(attempt, column), at))
    elif event == Event.OPENED:
        attempt.opens += 1
    elif event == Event.CLICKED:
        attempt.clicks += 1


def first_of(one: str, other: str) -> str:
    """Of two the first in the order of the alphabet; the one that is not empty."""
    return min(one, other) if one and other else one or other


def earliest(one: datetime | None, other: datetime) -> datetime:
    return min(one, other) if one else other


def newest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def keep_early(told: Iterable[tuple[Told, Attempt | None, Sequence[Identity]]]) -> None:
    """What new reports say of messages without an attempt. `told` gives the names of each, the best first."""
    rows = [
        EarlyOutcome(
            address_id=names[0][0],
            name=as_text(names[0]),
            event=one.report.event,
            occurred_at=one.occurred_at,
            sender=one.report.sender,
            campaign_key=one.report.campaign,
        )
        for one, attempt, names in told
        if attempt is None and names and names[0][1] in "mp" and one.is_trusted and _says_more(one)
    ]
    insert(EarlyOutcome, rows, ("address_id", "name", "event", "occurred_at", "sender", "campaign_key"))


def _says_more(told: Told) -> bool:
    return told.report.event not in HAVE_ROWS or bool(told.report.sender or told.report.campaign)


def as_text(name: Identity) -> str:
    """ "m:one@rebound.example", "p:12345": also what keys of failures are made of."""
    return f"{name[1]}:{name[2]}"
