"""One definition of what counts: a bounce that is held or discarded is in no rate, no chart, no share and no guard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import incidents, reputation
from bounces.lists import BounceFilter, count_faults
from bounces.models import Attempt, Bounce, Guard, Incident
from bounces.process import run_flow
from bounces.recording import record
from bounces.standings import restand
from bounces.values import Event, Standing
from contacts.counting import count_sent
from contacts.sources import count_sources
from crm.dashboard import bounces_a_day, campaigns_to_stop, look
from tests.bounces.happening import CODES, UNKNOWN, good, happened, people, refusal
from tests.bounces.histories import told
from tests.builders import NOW, a_campaign, a_contact, a_daily_stat, a_user

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
SENDER = "sales@s.example"


def sent(number: int, *, refused: bool) -> Any:
    report: dict[str, Any] = {"recipient": f"p{number}@gmail.com", "campaign": "spring", "sender": SENDER}
    if refused:
        return told(Event.BOUNCED, 1 / 24, UNKNOWN, **report, **CODES)
    return told(Event.DELIVERED, 1 / 24, **report)


def sendings() -> None:
    """Sixty mails of one campaign: 20 of them fail, of which one after the other is held."""
    for number in range(60):
        a_contact(f"p{number}@gmail.com", source="list.csv")
    a_campaign("Spring", key="spring")
    with transaction.atomic():
        record([sent(number, refused=number < 20) for number in range(60)])


def bounced_by(by: str) -> int:
    return sum(row.bounced for row in reputation.standings(by, 30, TODAY))


FIGURES: dict[str, Callable[[], object]] = {
    "the rate": lambda: bounces_a_day(TODAY)[1].bounced,
    "the chart": lambda: sum(day.hard for day in bounces_a_day(TODAY)[0]),
    "whose fault": lambda: look(a_user("admin"), NOW).faults.by_fault["recipient"],
    "campaigns to stop": lambda: sum(each.rate.bounced for each in campaigns_to_stop(a_user("admin"), TODAY)),
    "the campaign": lambda: count_sent(["spring"])["spring"].bounced,
    "the list's shares": lambda: count_faults(BounceFilter({}).failures()).total,
    "the list's source": lambda: count_sources(7, NOW)[0][4],
    **{f"reputation by {by}": partial(bounced_by, by) for by in reputation.DIMENSIONS},
}


@pytest.mark.parametrize("standing", [Standing.HELD, Standing.DISCARDED])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_leaves_out_what_does_not_count_and_takes_it_in_again(name: str, standing: Standing) -> None:
    sendings()
    assert FIGURES[name]() == 20
    chosen = Bounce.objects.filter(address__email__in=[f"p{number}@gmail.com" for number in range(12)])

    restand(chosen, standing)
    assert FIGURES[name]() == 8

    restand(chosen, Standing.COUNTED)
    assert FIGURES[name]() == 20


def test_what_is_held_is_counted_apart_and_what_is_discarded_is_not() -> None:
    sendings()
    restand(Bounce.objects.all(), Standing.HELD)
    assert (bounces_a_day(TODAY)[1].held, count_sent(["spring"])["spring"].held) == (20, 20)

    restand(Bounce.objects.all(), Standing.DISCARDED)
    assert (bounces_a_day(TODAY)[1].held, count_sent(["spring"])["spring"].held) == (0, 0)


def test_an_incident_pauses_no_sender() -> None:
    emails = good(people(20))
    happened([refusal(email, NOW - timedelta(hours=1), campaign="spring") for email in emails])
    assert Incident.objects.exists()
    assert not Guard.objects.exists()


def test_what_a_dismissed_incident_held_counts_again_everywhere() -> None:
    emails = good(people(20))
    happened([refusal(email, NOW - timedelta(hours=1), campaign="spring") for email in emails])
    assert count_sent(["spring"])["spring"].bounced == 0

    incidents.dismiss(Incident.objects.get(), a_user("manager"), "They are gone.", NOW)
    run_flow(lambda: NOW)

    assert (count_sent(["spring"])["spring"].bounced, Guard.objects.get().key) == (20, "spring")


def test_one_confirmed_by_mistake_counts_again_after_it_was_over() -> None:
    emails = good(people(20))
    happened([refusal(email, NOW - timedelta(hours=1), campaign="spring") for email in emails])
    incidents.confirm(Incident.objects.get(), a_user("manager"), "Google was wrong.", NOW)
    later = NOW + timedelta(hours=9)
    run_flow(lambda: later)
    assert set(Attempt.objects.filter(bounced_at__isnull=False).values_list("bounce_standing", flat=True)) == {
        "discarded"
    }

    incidents.dismiss(Incident.objects.get(), a_user("manager"), "It was not.", later)
    run_flow(lambda: later)

    assert count_sent(["spring"])["spring"].bounced == 20


@pytest.mark.parametrize("is_held_first", [True, False])
def test_an_attempt_that_is_told_after_its_bounce_was_held_counts_as_held(is_held_first: bool) -> None:
    bounced = told(Event.BOUNCED, 0.1, UNKNOWN, recipient="ada@gmail.com", message_id="m1@s.example", **CODES)
    mail = told(Event.DEFERRED, 0.2, None, recipient="ada@gmail.com", message_id="m1@s.example", campaign="spring")
    first, then = (bounced, mail)
    with transaction.atomic():
        record([first])
    if is_held_first:
        restand(Bounce.objects.all(), Standing.HELD)
    with transaction.atomic():
        record([then])
    if not is_held_first:
        restand(Bounce.objects.all(), Standing.HELD)

    assert (Attempt.objects.get().bounce_standing, bounces_a_day(TODAY)[1].held) == ("held", 1)


def test_the_dashboard_says_the_rate_without_the_incident(client: Client) -> None:
    a_daily_stat(timezone.now().date(), attempted=1000, bounced=12, held=20)
    client.force_login(a_user("admin"))

    page = " ".join(client.get(reverse("dashboard")).content.decode().split())

    assert "1.20 % without 20 bounces held by an incident; 3.20 % with them." in page
