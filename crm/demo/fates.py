"""What is really the matter with each mailbox: the truth that the flow has to find out from what comes back.

In: the people, which list each came by, how many days the story has. Out: a Fate an address. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crm.demo.cast import Person
from crm.demo.words import FREE_MAIL, OTHER_FREE_MAIL

LEAVE = 0.014  # the share of people who leave their company during the story


class Trouble(StrEnum):
    """Why a mail to a mailbox fails."""

    UNKNOWN = "unknown"  # the mailbox does not exist (any more)
    SUSPENDED = "suspended"  # the account is disabled
    FULL = "full"
    NO_HOST = "no_host"  # the domain is gone
    UNREACHABLE = "unreachable"  # the other side's servers do not answer
    BLOCKED = "blocked"  # our server is refused: our fault
    SPAM = "spam"  # our text is refused: our fault
    DELAYED = "delayed"  # a delay, delivered later


@dataclass(frozen=True, slots=True)
class Fate:
    """One trouble from one day of the story up to another (not included)."""

    trouble: Trouble
    first_day: int = 0
    end_day: int = 10_000
    replies_before: bool = False  # answered shortly before: a person has to look

    def holds_on(self, day: int) -> bool:
        return self.first_day <= day < self.end_day


@dataclass(slots=True)
class Story:
    """The fate of each address that has one, and the day on which a provider blocks us. Who heals leaves `fates`."""

    at_first: dict[str, Fate]
    blocked_day: int
    blocked_domain: str = FREE_MAIL
    fates: dict[str, Fate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fates = dict(self.at_first)

    def trouble_of(self, email: str, day: int) -> Trouble | None:
        if day == self.blocked_day and email.endswith(f"@{self.blocked_domain}"):
            return Trouble.BLOCKED
        fate = self.fates.get(email)
        return fate.trouble if fate and fate.holds_on(day) else None


def tell_fates(
    people: Sequence[Person],
    wrong: Collection[str],
    often: Collection[str],
    days: int,
    blocked_day: int,
    dice: random.Random,
) -> Story:
    """`wrong`: the addresses that were wrong from the start; `often`: those that are written to several times."""
    fates: dict[str, Fate] = {}
    for person in people:
        if person.email in wrong:
            fates[person.email] = Fate(dice.choices([Trouble.UNKNOWN, Trouble.SUSPENDED], [7, 1])[0])
        elif dice.random() < LEAVE:
            fates[person.email] = Fate(Trouble.UNKNOWN, first_day=dice.randrange(days // 5, days))
    _close_companies(people, fates, days, dice)
    healthy = [person.email for person in people if person.email not in fates]
    _fill_mailboxes(healthy, often, fates, days, dice)
    _answer_and_leave([email for email in healthy if email not in fates], often, fates, days, dice)
    return Story(fates, blocked_day)


def _close_companies(people: Sequence[Person], fates: dict[str, Fate], days: int, dice: random.Random) -> None:
    """One company closes and its domain goes; another's servers are down for some days lately."""
    domains = sorted({person.firm.domain for person in people if person.firm})
    closed, down = dice.sample(domains, 2)
    for person in people:
        if person.email.endswith(f"@{closed}"):
            fates[person.email] = Fate(Trouble.NO_HOST, first_day=days * 3 // 5)
        if person.email.endswith(f"@{down}"):
            fates[person.email] = Fate(Trouble.UNREACHABLE, first_day=days - 24)


def _fill_mailboxes(
    healthy: Sequence[str], often: Collection[str], fates: dict[str, Fate], days: int, dice: random.Random
) -> None:
    """Some are full for good, some are emptied after weeks, some have just filled up."""
    count = max(2, len(healthy) // 170)
    for email in dice.sample(healthy, count // 2 + 1):
        first = dice.randrange(days // 5, days * 3 // 4)
        end = 10_000 if dice.random() < 0.6 else first + dice.randrange(18, 40)
        fates[email] = Fate(Trouble.FULL, first, end)
    lately = [email for email in healthy if email in often and email not in fates]
    for email in dice.sample(lately, min(count, len(lately))):
        fates[email] = Fate(Trouble.FULL, first_day=days - 17)


def _answer_and_leave(
    healthy: Sequence[str], often: Collection[str], fates: dict[str, Fate], days: int, dice: random.Random
) -> None:
    """Some answer, and a few days later their mailbox is gone: for a person to look at."""
    at_work = [email for email in healthy if email in often and not email.endswith((FREE_MAIL, OTHER_FREE_MAIL))]
    for email in dice.sample(at_work, min(4, len(at_work))):
        fates[email] = Fate(Trouble.UNKNOWN, first_day=dice.randrange(days - 14, days - 4), replies_before=True)
