"""What is really the matter with each mailbox: the truth that the flow has to find out from what comes back.

In: the people, which list each came by, how many days the story has. Out: a Fate an address. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crm.demo.cast import Person
from crm.demo.words import FREE_MAIL, OTHER_FREE_MAIL


class Trouble(StrEnum):
    """Why a mail to a mailbox fails."""

    UNKNOWN = "unknown"  # the mailbox does not exist (any more)
    SUSPENDED = "suspended"  # the account is disabled
    FULL = "full"
    NO_HOST = "no_host"  # the domain is gone
    UNREACHABLE = "unreachable"  # the other side's servers do not answer
    BLOCKED = "blocked"  # our server is refused: our fault
    SPAM = "spam"  # our text is refused: our fault
    GREYLISTED = "greylisted"  # a delay, delivered later


@dataclass(frozen=True, slots=True)
class Fate:
    """One trouble from one day of the story up to another (not included)."""

    trouble: Trouble
    first_day: int = 0
    end_day: int = 10_000
    replies_before: bool = False  # answered shortly before: a person has to look

    def holds_on(self, day: int) -> bool:
        return self.first_day <= day < self.end_day


@dataclass(frozen=True, slots=True)
class Story:
    """The fate of each address that has one, and the day on which a provider blocks us."""

    fates: dict[str, Fate]
    blocked_day: int
    blocked_domain: str = FREE_MAIL

    def trouble_of(self, email: str, day: int) -> Trouble | None:
        if day == self.blocked_day and email.endswith(f"@{self.blocked_domain}"):
            return Trouble.BLOCKED
        fate = self.fates.get(email)
        return fate.trouble if fate and fate.holds_on(day) else None


def tell_fates(people: Sequence[Person], bad_list: set[str], days: int, blocked_day: int, dice: random.Random) -> Story:
    """`bad_list`: addresses that were typed off badges, of which more are wrong."""
    fates: dict[str, Fate] = {}
    for person in people:
        wrong = 0.045 if person.email in bad_list else 0.020
        if dice.random() < wrong:
            fates[person.email] = Fate(dice.choices([Trouble.UNKNOWN, Trouble.SUSPENDED], [5, 1])[0])
        elif dice.random() < 0.034:
            fates[person.email] = Fate(Trouble.UNKNOWN, first_day=dice.randrange(days // 5, days))
    _close_companies(people, fates, days, dice)
    _fill_mailboxes(people, fates, days, dice)
    _answer_and_leave(people, fates, days, dice)
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


def _fill_mailboxes(people: Sequence[Person], fates: dict[str, Fate], days: int, dice: random.Random) -> None:
    """Some are full for good, some are emptied after weeks, some have just filled up."""
    free = [person.email for person in people if person.email not in fates]
    count = max(2, len(people) // 100)
    for email in dice.sample(free, 3 * count):
        first = dice.randrange(days // 4, days)
        end = 10_000 if dice.random() < 0.6 else first + dice.randrange(18, 40)
        fates[email] = Fate(Trouble.FULL, first, end)
    for email in dice.sample([each for each in free if each not in fates], count):
        fates[email] = Fate(Trouble.FULL, first_day=days - 28)


def _answer_and_leave(people: Sequence[Person], fates: dict[str, Fate], days: int, dice: random.Random) -> None:
    private = (f"@{FREE_MAIL}", f"@{OTHER_FREE_MAIL}")
    free = [person.email for person in people if person.email not in fates and not person.email.endswith(private)]
    for email in dice.sample(free, min(6, len(free))):
        fates[email] = Fate(Trouble.UNKNOWN, first_day=dice.randrange(days - 18, days - 4), replies_before=True)
