"""What arrives in a run of chaos: events of a provider, mails in a mailbox, mails by SMTP, from a seed.

In: how many, a seed, the return paths that were given out. Out: `Arrival` values in order; and the same disturbed: a
fifth of them twice, a tenth of them at another place. The same seed gives the same bytes. Pure.

A person stands for one message that was sent, and all that is told of it: by one door, or the same failure by three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.bounces.mails import a_mail

DOMAINS = 500
SMTP_RECIPIENT = "bounces@bounces.example"
TWICE, ELSEWHERE = 0.2, 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """`door` is webhook, imap or smtp. Of a webhook `event` is what the provider tells, of a mail `body` its bytes."""

    key: str
    door: str
    event: dict[str, Any] | None = None
    body: bytes = b""
    recipient: str = SMTP_RECIPIENT

    @property
    def is_broken(self) -> bool:
        return self.key.startswith("broken")


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    at: datetime
    return_path: str = ""

    @property
    def email(self) -> str:
        return f"person{self.number}@domain{self.number % DOMAINS}.example"

    @property
    def message_id(self) -> str:
        return f"message-{self.number}@sender.example"

    def told(self, event: str, seconds: int, **said: Any) -> Arrival:
        """By the provider's webhook."""
        key = f"event-{self.number}-{event.replace(' ', '-')}"
        known = {
            "event": event,
            "event_id": key,
            "timestamp": int(self.at.timestamp()) + seconds,
            "sending_stream": "bulk",
            "category": f"campaign-{self.number % 5}",
            "message_id": self.message_id,
            "email": self.email,
        }
        return Arrival(key, "webhook", event=known | said)

    def mailed(self, door: str, body: bytes, recipient: str = SMTP_RECIPIENT) -> Arrival:
        return Arrival(f"mail-{door}-{self.number}", door, body=body, recipient=recipient)

    def report(self, by: str) -> bytes:
        from tests.bounces.arriving import a_bounce_mail

        return a_bounce_mail(
            self.email,
            message_id=self.message_id,
            at=self.at,
            Remote_MTA=f"dns; {by}.domain{self.number % DOMAINS}.example",
        )


UNKNOWN = {"response": "550 5.1.1 The email account does not exist", "response_code": 550}
FULL = {"response": "452 4.2.2 The mailbox is full", "response_code": 452}


def delivered(person: Person) -> list[Arrival]:
    return [person.told("delivery", 2)]


def opened(person: Person) -> list[Arrival]:
    return [person.told("delivery", 2), person.told("open", 90)]


def failed(person: Person) -> list[Arrival]:
    return [person.told("bounce", 3, **UNKNOWN)]


def full(person: Person) -> list[Arrival]:
    return [person.told("soft bounce", 3, **FULL)]


def complained(person: Person) -> list[Arrival]:
    return [person.told("delivery", 2), person.told("spam", 400)]


def left(person: Person) -> list[Arrival]:
    return [person.told("delivery", 2), person.told("unsubscribe", 500)]


def told_thrice(person: Person) -> list[Arrival]:
    """The same failure by three doors: one bounce."""
    mails = [person.mailed(door, person.report(door)) for door in ("imap", "smtp")]
    return [person.told("bounce", 3, **UNKNOWN), *mails]


def unproved(person: Person) -> list[Arrival]:
    """About a message of which nobody else tells."""
    return [person.mailed("imap", person.report("imap"))]


def returned(person: Person) -> list[Arrival]:
    """To the return path that was made for this message."""
    return [person.mailed("smtp", person.report("smtp"), person.return_path)]


def away(person: Person) -> list[Arrival]:
    words = a_mail(
        "Away until Monday.", From=person.email, Subject=f"Away {person.number}", Auto_Submitted="auto-replied"
    )
    return [person.mailed("imap", words)]


def noise(person: Person) -> list[Arrival]:
    return [person.mailed("smtp", a_mail(f"Hello, number {person.number}.", From=person.email, Subject="Lunch"))]


def broken(person: Person) -> list[Arrival]:
    """An event that nobody can read."""
    return [Arrival(f"broken-{person.number}", "webhook", event={"event": "bounce", "number": person.number})]


# What becomes of a message, and how often.
LIVES = {
    delivered: 38,
    opened: 8,
    failed: 12,
    full: 5,
    complained: 2,
    left: 2,
    told_thrice: 10,
    unproved: 6,
    returned: 10,
    away: 3,
    noise: 3,
    broken: 1,
}


@dataclass(frozen=True, slots=True)
class Story:
    person: Person
    life: Callable[[Person], list[Arrival]]


def stories(events: int, seed: int, begun: datetime) -> list[Story]:
    """Enough of them to make at least so many arrivals, within one hour."""
    chance = Random(seed)
    found: list[Story] = []
    count = 0
    while count < events:
        person = Person(len(found), begun + timedelta(seconds=count * 3600 // events))
        (life,) = chance.choices(list(LIVES), weights=list(LIVES.values()))
        found.append(Story(person, life))
        count += len(life(person))
    return found


def arrivals(told: Sequence[Story], return_paths: Mapping[int, str]) -> list[Arrival]:
    """In the order in which they happened. `return_paths`: by the persons' numbers."""
    known = [(replace(one.person, return_path=return_paths.get(one.person.number, "")), one.life) for one in told]
    return [arrival for person, life in known for arrival in life(person)]


def disturbed(calm: Sequence[Arrival], seed: int) -> list[Arrival]:
    """A fifth of them twice, some time later, and a tenth of them anywhere."""
    chance = Random(seed)
    place = {number: float(number) for number in range(len(calm))}
    for number in chance.sample(range(len(calm)), int(len(calm) * ELSEWHERE)):
        place[number] = chance.uniform(0, len(calm))
    again = chance.sample([n for n, one in enumerate(calm) if not one.is_broken], int(len(calm) * TWICE))
    placed = [(at, calm[number]) for number, at in place.items()]
    placed += [(place[number] + chance.expovariate(1 / (1 + len(calm) / 20)), calm[number]) for number in again]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]
