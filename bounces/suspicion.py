"""Whether a receiving provider fails our good addresses far too often to be believed. Pure: counts in, answer out.

The test is a binomial tail. Had each mail to a recently good address the provider's usual chance to come back as
"unknown", how likely would so many be? An incident is suspected where all four hold:

    AT_LEAST    so many different good addresses failed; small numbers never raise an alarm
    SHARE       they are such a share of the good addresses written to
    TIMES       that share is so many times the usual one
    CHANCE      and by chance so many would fail less often than this

The usual chance is what the trailing weeks show, mixed with PRIOR_MAILS imagined mails that fail at PRIOR_SHARE: a
provider that we hardly know is thought to be like the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, log1p

AT_LEAST = 8
SHARE = 0.05
TIMES = 5.0
CHANCE = 1e-9
PRIOR_MAILS = 1000
PRIOR_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Seen:
    """Recently good addresses of one provider in one window, and the same of the weeks before it."""

    bounced: int  # of `attempted`
    attempted: int
    base_bounced: int
    base_attempted: int

    @property
    def share(self) -> float:
        return self.bounced / self.attempted if self.attempted else 0.0

    @property
    def usual(self) -> float:
        bounced = self.base_bounced + PRIOR_SHARE * PRIOR_MAILS
        return min(bounced / (max(self.base_attempted, self.base_bounced) + PRIOR_MAILS), 0.5)

    @property
    def chance(self) -> float:
        """How likely so many or more failures are where nothing is wrong."""
        return tail(self.bounced, self.attempted, self.usual)

    @property
    def is_worth_a_look(self) -> bool:
        """Whether the base is worth counting at all."""
        return self.bounced >= AT_LEAST and self.share >= SHARE

    @property
    def is_suspicious(self) -> bool:
        return self.is_worth_a_look and self.share >= TIMES * self.usual and self.chance < CHANCE


def is_usual(seen: Seen, usual: float) -> bool:
    """Whether a provider that was suspected does as always again. Of nobody written to, nothing is known."""
    return seen.attempted > 0 and seen.share < max(SHARE, 2 * usual)


def most_usual(share: float, base_attempted: int) -> int:
    """So many usual failures, or more, clear a share of suspicion: to count further is of no use."""
    return int(share / TIMES * (base_attempted + PRIOR_MAILS)) + 1


def tail(least: int, mails: int, share: float) -> float:
    """The chance that `least` or more of `mails` fail, where each fails with the chance `share`. 1 up to the mean."""
    if least <= mails * share:
        return 1.0
    if least > mails:
        return 0.0
    ways = lgamma(mails + 1) - lgamma(least + 1) - lgamma(mails - least + 1)
    term = exp(ways + least * log(share) + (mails - least) * log1p(-share))
    total = 0.0
    for number in range(least, mails + 1):
        total += term
        term *= (mails - number) / (number + 1) * share / (1 - share)
        if term < total * 1e-12:
            break
    return min(total, 1.0)
