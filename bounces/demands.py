"""What a caller asks beyond the policy: a campaign may write to fewer addresses than may be written to, never to more.

In: a verdict, what the caller demands, the moment. Out: the same verdict, or `no` with the caller's sentence. Pure.
The status stays what the facts say. Source: issue 4, "segments and campaigns may only tighten the verdict".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from bounces.values import Answer, Status

if TYPE_CHECKING:
    from bounces.verdict import Verdict


class WritesTo(StrEnum):
    """Whom, of those that may be written to."""

    ANY = "any"  # with caution too
    SURE = "sure"  # those whose answer is yes
    VALID = "valid"  # those of them that are known to be alive


@dataclass(frozen=True, slots=True)
class Demand:
    """`whose` begins the sentence: "campaign “Spring”". `quiet_days`: 0 lets recent bounces be."""

    whose: str
    writes_to: WritesTo = WritesTo.ANY
    quiet_days: int = 0

    def quiet_since(self, now: datetime) -> datetime:
        """No bounce may be newer than this. A clock that runs ahead does not make a bounce older than it is."""
        return now - timedelta(days=self.quiet_days)


def tighten(verdict: Verdict, bounced_at: datetime | None, demand: Demand | None, now: datetime) -> Verdict:
    """What is `no` stays as it is; the rest may become `no`, never anything better."""
    because = "" if demand is None or verdict.answer == Answer.NO else _left_out(verdict, bounced_at, demand, now)
    if demand is None or not because:
        return verdict
    sentence = f"Left out by {demand.whose}, which {because}. {verdict.sentence}"
    return replace(verdict, answer=Answer.NO, reason="campaign", sentence=sentence)


def _left_out(verdict: Verdict, bounced_at: datetime | None, demand: Demand, now: datetime) -> str:
    if demand.writes_to != WritesTo.ANY and verdict.answer == Answer.CAUTION:
        return "leaves out addresses with caution"
    if demand.writes_to == WritesTo.VALID and verdict.status != Status.VALID:
        return "writes only to addresses known to be alive"
    if demand.quiet_days and bounced_at is not None and bounced_at > demand.quiet_since(now):
        days = demand.quiet_days
        return f"writes only to addresses without a bounce in the last {days} day{'' if days == 1 else 's'}"
    return ""
