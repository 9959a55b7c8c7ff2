"""14 December 2020 once more, from a generated history: a normal day of mail, amid which one provider errs for hours.

In every variant, at no time is more than one good address in a hundred invalid, and in the end none that lives.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bounces import incidents
from bounces.models import Address, Bounce, Domain, Incident, StatusChange
from bounces.process import run_flow
from bounces.recording import Told
from bounces.values import Event
from tests.bounces.happening import delivery, good, happened, invalid, people, refusal
from tests.builders import NOW, a_user

pytestmark = pytest.mark.django_db
MIDNIGHT = NOW.replace(hour=0) - timedelta(days=1)
STEP = timedelta(minutes=30)
Story = list[tuple[datetime, Told]]


@dataclass(frozen=True)
class Day:
    """A day's mail: who is written to, who has truly died, what comes back when."""

    emails: Sequence[str]
    dead: frozenset[str]
    story: Story

    @property
    def refused(self) -> set[str]:
        return {one.email for _, one in self.story if one.report.event == Event.BOUNCED}


def a_day(
    emails: Sequence[str], errs: Iterable[str], *, hours: range = range(8, 14), share: float = 0.12, mta: str = "",
    since: datetime = MIDNIGHT, dead: int = 9, seed: int = 14_12_2020,
) -> Day:  # fmt: skip
    """Each is written to once; those that `errs` names are refused with a chance of `share` in these hours."""
    chance = random.Random(seed)
    dying = frozenset(chance.sample(list(emails), dead))
    errs, story = set(errs), []
    for email in emails:
        at = since + timedelta(seconds=chance.uniform(0, 86_400))
        wrongly = email in errs and (at - since) // timedelta(hours=1) in hours and chance.random() < share
        if wrongly or email in dying:
            story.append((at, refusal(email, at, mta)))
        else:
            story.append((at, delivery(email, at)))
    return Day(emails, dying, sorted(story, key=lambda each: each[0]))


def lived_through(day: Day, step: timedelta = STEP) -> float:
    """Lets it happen, a while at a time; the greatest share of the good that was ever invalid."""
    worst, at, story = 0.0, day.story[0][0], list(day.story)
    while story:
        at += step
        now = [one for when, one in story if when < at]
        story = story[len(now) :]
        happened(now, at)
        worst = max(worst, len(invalid() - day.dead) / len(day.emails))
    return worst


def confirmed() -> None:
    """What people do, and the quiet day after it."""
    for incident in Incident.objects.filter(state="open"):
        incidents.confirm(incident, a_user("manager"), "Google said so.", NOW)
    run_flow(lambda: NOW)
    run_flow(lambda: NOW + timedelta(days=1))


def google_and_others(number: int = 1000) -> tuple[list[str], list[str]]:
    theirs = good(people(number))
    return [*theirs, *good(people(number // 2, "outlook.com")), *good(people(number // 4, "acme.example"))], theirs


def test_confirmed_it_leaves_no_living_address_invalid() -> None:
    emails, theirs = google_and_others(1800)
    day = a_day(emails, theirs)
    assert lived_through(day, timedelta(minutes=15)) <= 0.01
    assert [incident.provider for incident in Incident.objects.all()] == ["google"]
    confirmed()
    assert invalid() <= day.dead
    assert not Bounce.objects.filter(standing="held").exists()
    assert set(Address.objects.exclude(email__in=day.dead).values_list("status", flat=True)) == {"valid"}


def test_dismissed_it_leaves_nothing_wrong() -> None:
    emails, theirs = google_and_others()
    day = a_day(emails, theirs)
    lived_through(day)
    incidents.dismiss(Incident.objects.get(), a_user("manager"), "They are gone.", NOW)
    run_flow(lambda: NOW)
    assert invalid() == day.refused >= day.dead
    assert set(Bounce.objects.values_list("standing", flat=True)) == {"counted"}


def test_it_is_seen_at_thousands_of_domains_by_the_host_that_refuses() -> None:
    domains = [f"company{number}.example" for number in range(500)]
    Domain.objects.bulk_create(Domain(domain=each, operator="google", looked_up_at=NOW) for each in domains)
    theirs = good([f"{who}@{domain}" for domain in domains for who in ("ann", "bob")])
    day = a_day([*theirs, *good(people(700, "outlook.com"))], theirs, mta="aspmx.l.google.com")
    assert lived_through(day) <= 0.01
    assert [incident.provider for incident in Incident.objects.all()] == ["google"]
    confirmed()
    assert invalid() <= day.dead


def test_it_is_seen_at_a_small_provider() -> None:
    theirs = good(people(200, "small.example"))
    day = a_day([*theirs, *good(people(1500, "outlook.com"))], theirs, share=0.4)
    assert lived_through(day) <= 0.01
    assert [incident.provider for incident in Incident.objects.all()] == ["small.example"]
    confirmed()
    assert invalid() <= day.dead


def test_what_waited_a_day_in_a_stopped_queue_is_seen_before_anybody_is_invalid() -> None:
    emails, theirs = google_and_others()
    day = a_day(emails, theirs)
    happened([one for _, one in day.story], NOW)
    assert Incident.objects.count() == 1
    confirmed()
    assert invalid() <= day.dead
    wrongly = StatusChange.objects.filter(to_status="invalid").exclude(address__email__in=day.dead)
    assert wrongly.count() <= len(emails) / 100


def test_bounces_that_come_late_and_in_any_order_are_held_all_the_same() -> None:
    emails, theirs = google_and_others()
    day = a_day(emails, theirs)
    chance = random.Random(7)
    late = sorted(
        ((at + timedelta(hours=chance.choice((0, 0, 1, 5))), one) for at, one in day.story), key=lambda x: x[0]
    )
    assert lived_through(Day(day.emails, day.dead, late)) <= 0.01
    confirmed()
    assert invalid() <= day.dead


def test_it_may_span_midnight() -> None:
    emails, theirs = google_and_others()
    day = a_day(emails, theirs, hours=range(9, 15), since=MIDNIGHT - timedelta(hours=12))
    assert lived_through(day) <= 0.01
    assert Incident.objects.count() == 1
    confirmed()
    assert invalid() <= day.dead


@pytest.mark.full  # two days are lived through
def test_a_second_one_the_day_after_is_another_incident() -> None:
    emails, theirs = google_and_others()
    first = a_day(emails, theirs, since=MIDNIGHT - timedelta(days=1))
    assert lived_through(first) <= 0.01
    second = a_day(emails, theirs, dead=0, seed=15_12_2020)
    assert lived_through(Day(emails, first.dead, second.story)) <= 0.01
    assert [incident.provider for incident in Incident.objects.all()] == ["google", "google"]
    confirmed()
    assert invalid() <= first.dead


@pytest.mark.full  # two days are lived through
def test_dismissed_and_two_days_later_it_is_asked_again() -> None:
    emails, theirs = google_and_others()
    first = a_day(emails, theirs, since=MIDNIGHT - timedelta(days=2))
    lived_through(first)
    decided_at = MIDNIGHT - timedelta(days=1)
    incidents.dismiss(Incident.objects.get(), a_user("manager"), "They are gone.", decided_at)
    run_flow(lambda: decided_at)
    gone = invalid()
    assert gone == first.refused
    second = a_day([each for each in emails if each not in gone], theirs, dead=0, seed=15_12_2020)
    lived_through(Day(emails, frozenset(gone), second.story))
    assert Incident.objects.count() == 2
    confirmed()
    assert invalid() == gone


@pytest.mark.full  # a minute; smaller days stand around it
def test_a_bought_list_a_third_of_it_dead_raises_none_amid_a_normal_day() -> None:
    emails, theirs = google_and_others()
    day = a_day(emails, theirs, share=0)
    chance = random.Random(30)
    bought = [f"bought{number}@gmail.com" for number in range(900)]
    for email in bought:
        at = MIDNIGHT + timedelta(hours=9, seconds=chance.uniform(0, 10_800))
        day.story.append((at, refusal(email, at) if chance.random() < 0.3 else delivery(email, at)))
    day.story.sort(key=lambda each: each[0])
    lived_through(day, timedelta(hours=1))
    assert not Incident.objects.exists()
    assert invalid() == day.refused
