"""The campaigns: a table, and from it who is written to on which day of the story. Pure.

In: the people in the order in which they came, how many days there are. Out: Plans and Sendings by day.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from crm.demo.cast import COLLEAGUES, Person


@dataclass(frozen=True, slots=True)
class List:
    """One file of contacts: up to which share of the people, on which day (a share of the days) it came, and how many
    of its addresses were wrong from the start."""

    file: str
    end: float
    day: float
    wrong: float


OLD, FAIR, SIGNUPS, REFERRALS = (
    List("old-crm-export.csv", 0.62, 0.0, 0.026),
    List("trade-fair-badges.csv", 0.78, 0.30, 0.065),
    List("webinar-signups.csv", 0.91, 0.56, 0.006),
    List("partner-referrals.csv", 1.0, 0.90, 0.01),
)
LISTS = (OLD, FAIR, SIGNUPS, REFERRALS)


@dataclass(frozen=True, slots=True)
class Plan:
    """One campaign. `share` is of the people from `of` to `of_end`; waves are (first, last) shares of the days."""

    key: str
    name: str
    description: str
    owner: int  # of COLLEAGUES
    state: str
    of: float
    of_end: float
    share: float
    waves: tuple[tuple[float, float], ...]


PLANS = (
    Plan(
        "product-tour", "Product tour", "Two mails to everyone on the old list.", 0, "finished",
        0.0, OLD.end, 0.95, ((0.0, 0.16), (0.18, 0.34)),
    ),
    Plan(
        "webinar-series", "Webinar series", "Invitation and recording.", 4, "finished",
        0.0, OLD.end, 0.65, ((0.36, 0.48), (0.50, 0.56)),
    ),
    Plan(
        "trade-fair-leads", "Trade fair leads", "Everyone whose badge we scanned. The list was typed off by hand.", 1,
        "paused", OLD.end, FAIR.end, 1.0, ((0.31, 0.40), (0.44, 0.52)),
    ),
    Plan(
        "newsletter", "Monthly newsletter", "Once a month, to all who want it.", 2, "running",
        0.0, SIGNUPS.end, 0.80, ((0.24, 0.32), (0.57, 0.66), (0.76, 0.85), (0.93, 1.0)),
    ),
    Plan(
        "renewals", "Renewal reminders", "Plans that renew within a quarter.", 5, "running",
        0.0, FAIR.end, 0.50, ((0.68, 0.80), (0.86, 1.0)),
    ),
    Plan(
        "win-back", "Win back the silent", "Those who have not opened anything since spring. Text to be agreed.", 6,
        "draft", 0.0, FAIR.end, 0.15, (),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sending:
    """One message that the plan has for one person; whether it goes out is decided on the day."""

    plan: Plan
    wave: int
    person: Person

    @property
    def sender(self) -> str:
        return COLLEAGUES[self.plan.owner].email


def split_lists(people: Sequence[Person]) -> dict[List, Sequence[Person]]:
    parts: dict[List, Sequence[Person]] = {}
    start = 0
    for each in LISTS:
        end = round(each.end * len(people))
        parts[each], start = people[start:end], end
    return parts


def choose_members(people: Sequence[Person], dice: random.Random) -> dict[str, list[Person]]:
    """Who is in which campaign, by its key."""
    chosen = {plan: people[int(plan.of * len(people)) : int(plan.of_end * len(people))] for plan in PLANS}
    return {plan.key: dice.sample(list(some), int(plan.share * len(some))) for plan, some in chosen.items()}


def plan_days(
    members: Mapping[str, Sequence[Person]], joined: Mapping[str, int], days: Sequence[date], dice: random.Random
) -> dict[int, list[Sending]]:
    """The messages of each day, by its number. Nobody is written to at the weekend, or before the day they joined."""
    by_day: dict[int, list[Sending]] = defaultdict(list)
    for plan in PLANS:
        for wave, (first, last) in enumerate(plan.waves):
            working = working_days(days, first, last)
            for person in members[plan.key]:
                number = dice.choice(working)
                if number >= joined[person.email]:
                    by_day[number].append(Sending(plan, wave, person))
    return by_day


def working_days(days: Sequence[date], first: float, last: float) -> list[int]:
    """The numbers of the weekdays in this part of the story, or its first day where it holds none."""
    start = int(first * len(days))
    end = max(int(last * len(days)), start + 1)
    return [number for number in range(start, end) if days[number].weekday() < 5] or [start]
