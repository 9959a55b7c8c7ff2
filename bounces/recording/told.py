"""What the inbox tells the recorder: one report with where it came from and how it was judged.

In: reports and judgements. Out: `Told` values whose dates are believable and whose identity is fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bounces.moments import EARLIEST, claimed
from bounces.unnamed import failure_name
from bounces.values import Judgement, Report, Shortcoming, Trust

CLOCKS_DIFFER = timedelta(minutes=5)  # no more than this is worth a word


@dataclass(frozen=True, slots=True)
class Told:
    """One report of one inbox item."""

    item_id: int
    source: str
    trust: Trust
    event_key: str  # unique within its source, for ever (invariant I2)
    payload_digest: str
    received_at: datetime
    email: str  # normalised
    report: Report
    judgement: Judgement | None  # of bounced and deferred only
    attempt_id: int | None = None  # by the return-path token that came with it, where that is true
    is_proved: bool = False  # by a token or an attempt, where its source is not trusted (see `bounces/proof.py`)
    shortcoming: Shortcoming | None = None  # the proof that it lacks

    @property
    def occurred_at(self) -> datetime:
        """When it happened. Nothing happened before 1990, or after we heard of it."""
        said = self.report.occurred_at
        if said is None or said < EARLIEST or said > self.received_at:
            return self.received_at
        return said

    @property
    def claimed_at(self) -> datetime | None:
        """The date it gave, where that cannot be; kept for people to see, it orders nothing."""
        said = self.report.occurred_at
        if said is None or EARLIEST <= said <= self.received_at + CLOCKS_DIFFER:
            return None
        return claimed(said)

    @property
    def name_of_its_own(self) -> str:
        """What its message is called where it names none: the same however often this failure is told."""
        is_dated = self.occurred_at == self.report.occurred_at
        return (failure_name(self.report) if is_dated else "") or self.payload_digest

    @property
    def is_trusted(self) -> bool:
        """Whether it counts: by the word of its source, or by proof."""
        return self.trust == Trust.TRUSTED or self.is_proved

    @property
    def identity(self) -> str:
        """Its event key. What was told without proof may be told again with it, and is new then."""
        return self.event_key if self.is_trusted else f"{self.event_key}:unproved"

    @property
    def names_attempt(self) -> bool:
        """Whether all its names of a message are surely one message's: then what they name is one attempt."""
        return self.is_trusted and (self.is_from_tool or self.attempt_id is not None)

    @property
    def makes_attempt(self) -> bool:
        return self.is_trusted and self.is_from_tool

    @property
    def is_from_tool(self) -> bool:
        """Whether a tool tells of its own sending, so that an attempt may be made of it."""
        return self.report.reader == "event"
