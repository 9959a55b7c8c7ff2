"""Who there is: users, companies and people, invented. In: a random generator. Out: frozen values. Pure."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from crm.demo.words import CULTURES, FREE_MAIL, OTHER_FREE_MAIL, OUR_DOMAIN, PLACES, TITLES, TRADES, Culture

PEOPLE_A_COMPANY = 10
LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "Ł": "L", "ñ": "n", "æ": "ae"})
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of us. None has a password: an admin gives one out, or nobody signs in as them."""

    name: str
    email: str
    role: str
    team: str


@dataclass(frozen=True, slots=True)
class Firm:
    name: str
    domain: str
    industry: str
    employees: int
    culture: Culture


@dataclass(frozen=True, slots=True)
class Person:
    first_name: str
    last_name: str
    title: str
    firm: Firm | None
    country: str
    emails: tuple[str, ...]  # the primary one first
    phone: str

    @property
    def email(self) -> str:
        return self.emails[0]


def _colleague(name: str, role: str, team: str) -> Colleague:
    return Colleague(name, f"{ascii_of(name).lower().replace(' ', '.')}@{OUR_DOMAIN}", role, team)


def ascii_of(text: str) -> str:
    """As mail systems spell a name: Jürgen -> Juergen, Łukasz -> Lukasz."""
    plain = unicodedata.normalize("NFKD", text.translate(UMLAUTS).translate(LETTERS))
    return "".join(c for c in plain if c.isascii() and (c.isalnum() or c in " -"))


# No admin among them: one that nobody can sign in as would keep `up` from making the first.
COLLEAGUES = (
    _colleague("Marta Lindholm", "manager", "Europe"),
    _colleague("Jonas Weber", "sales", "Europe"),
    _colleague("Sofia Moreau", "sales", "Europe"),
    _colleague("Piotr Zieliński", "sales", "Europe"),
    _colleague("Daniel Okoro", "manager", "Overseas"),
    _colleague("Hannah Brooks", "sales", "Overseas"),
    _colleague("Arjun Mehta", "sales", "Overseas"),
)
OVERSEAS = frozenset({"US", "IN", "JP", "NG", "BR"})


def found_firms(number: int, dice: random.Random) -> list[Firm]:
    """Companies with names and domains that no other has."""
    names = [(place, trade) for place in PLACES for trade in TRADES]
    firms = []
    for place, (trade, industry) in dice.sample(names, number):
        culture = dice.choice(CULTURES)
        name = f"{place} {trade} {dice.choice(culture.forms)}"
        size = int(dice.lognormvariate(4.6, 1.2)) + 4
        firms.append(Firm(name, f"{place}-{trade}.example".lower(), industry, size, culture))
    return firms


def meet_people(number: int, firms: list[Firm], dice: random.Random) -> list[Person]:
    """People of these companies, large ones having more, and some with a free mailbox and no company."""
    weights = [min(firm.employees, 200) + 20 for firm in firms]
    taken: set[str] = set()
    people: list[Person] = []
    while len(people) < number:
        firm = dice.choices(firms, weights)[0] if dice.random() < 0.91 else None
        culture = firm.culture if firm and dice.random() < 0.85 else dice.choice(CULTURES)
        person = _person(firm, culture, dice)
        if taken.isdisjoint(person.emails):
            taken.update(person.emails)
            people.append(person)
    return people


def _person(firm: Firm | None, culture: Culture, dice: random.Random) -> Person:
    first, last = dice.choice(culture.first), dice.choice(culture.last)
    country = firm.culture.country if firm else culture.country
    phone = culture.phone % dice.randrange(100) if culture.phone and dice.random() < 0.6 else ""
    emails = list(_emails(first, last, firm, dice))
    if firm and dice.random() < 0.015:
        emails[0] = f"{dice.choice(['info', 'office', 'hello', 'sales'])}@{firm.domain}"
    title = dice.choice(TITLES) if firm else ""
    return Person(first, last, title, firm, country, tuple(emails), phone)


def _emails(first: str, last: str, firm: Firm | None, dice: random.Random) -> Iterator[str]:
    first, last = ascii_of(first).lower(), ascii_of(last).lower()
    private = f"{first}.{last}{dice.randrange(60, 100)}@{FREE_MAIL if dice.random() < 0.75 else OTHER_FREE_MAIL}"
    if firm is None:
        yield private
        return
    # A company writes its addresses in one way.
    style = sum(map(ord, firm.domain)) % 3
    yield (f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last[0]}")[style] + f"@{firm.domain}"
    if dice.random() < 0.04:
        yield private
