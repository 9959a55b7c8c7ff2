"""Incidents: good addresses that fail together at one provider are held until somebody decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bounces import incidents, lease
from bounces.models import Address, Bounce, DailyStat, InboundItem, Incident
from bounces.process import run_flow
from bounces.values import Event, Trust
from crm.dashboard import look
from tests.bounces.happening import (
    CODES,
    UNKNOWN,
    an_incident,
    delivery,
    good,
    happened,
    invalid,
    people,
    refusal,
    url_of,
)
from tests.bounces.histories import told
from tests.builders import NOW, a_user, an_inbound_item
from tests.emails import sent_emails

pytestmark = pytest.mark.django_db


def test_good_addresses_that_fail_together_are_held_before_anybody_is_invalid() -> None:
    incident = an_incident()
    assert (incident.provider, incident.state, incident.good_bounced) == ("google", "open", 20)
    assert invalid() == set()
    assert set(Bounce.objects.values_list("standing", "incident_id")) == {("held", incident.pk)}


def test_those_of_the_beginning_that_were_counted_are_taken_back() -> None:
    emails = good(people(20))
    happened([refusal(email, NOW - timedelta(hours=2)) for email in emails[:5]], NOW)
    assert len(invalid()) == 5
    happened([refusal(email, NOW - timedelta(hours=1)) for email in emails[5:]])
    assert invalid() == set()
    assert set(Address.objects.values_list("status", flat=True)) == {"valid"}


def test_what_is_held_is_not_in_the_daily_counts() -> None:
    an_incident()
    stat = DailyStat.objects.get(dimension="provider", key="google", day=NOW.date())
    assert (stat.attempted, stat.bounced, stat.held, stat.hard) == (20, 0, 20, 0)


def test_a_dead_list_that_never_worked_raises_none() -> None:
    emails = people(300)
    happened([refusal(email, NOW) for email in emails[:90]] + [delivery(email, NOW) for email in emails[90:]])
    assert not Incident.objects.exists()
    assert len(invalid()) == 90


def test_small_numbers_raise_none() -> None:
    happened([refusal(email, NOW) for email in good(people(7))])
    assert not Incident.objects.exists()


def test_other_providers_are_believed_meanwhile() -> None:
    others = good(people(3, "outlook.com"))
    an_incident()
    happened([refusal(email, NOW) for email in others])
    assert invalid() == set(others)


def test_new_ones_are_held_as_they_come_in() -> None:
    late = good(["late@gmail.com"])
    an_incident()
    happened([refusal(email, NOW) for email in late])
    assert invalid() == set()
    assert Incident.objects.count() == 1


def test_confirmed_and_over_its_bounces_are_discarded() -> None:
    incident = an_incident()
    incidents.confirm(incident, a_user("manager"), "Their status page says so.", NOW)
    assert incidents.is_due(NOW + timedelta(hours=8))
    run_flow(lambda: NOW + timedelta(hours=8))
    incident.refresh_from_db()
    assert incident.state == "passed"
    assert set(Bounce.objects.values_list("standing", flat=True)) == {"discarded"}
    assert invalid() == set()


def test_over_and_then_confirmed_its_bounces_are_discarded_at_once() -> None:
    incident = an_incident()
    run_flow(lambda: NOW + timedelta(hours=8))
    assert set(Bounce.objects.values_list("standing", flat=True)) == {"held"}
    assert incidents.confirm(incident, a_user("manager"), "They said so.", NOW + timedelta(days=1)).state == "passed"
    assert set(Bounce.objects.values_list("standing", flat=True)) == {"discarded"}


def test_dismissed_its_bounces_count_again() -> None:
    incident = an_incident()
    incidents.dismiss(incident, a_user("manager"), "The company closed.", NOW)
    run_flow(lambda: NOW)
    assert len(invalid()) == 20
    assert DailyStat.objects.get(dimension="provider", key="google", day=NOW.date()).hard == 20
    assert Incident.objects.count() == 1


def test_a_dismissed_provider_is_believed_for_a_day() -> None:
    emails = good([f"more{number}@gmail.com" for number in range(20)])
    incidents.dismiss(an_incident(), a_user("manager"), "True.", NOW)
    happened([refusal(email, NOW) for email in emails])
    assert (Incident.objects.count(), len(invalid())) == (1, 40)


def test_it_is_over_when_good_addresses_are_taken_again_whatever_else_bounces() -> None:
    known = good([f"known{number}@gmail.com" for number in range(14)])
    incident = an_incident(at=NOW - timedelta(hours=15))
    for hour in range(14):  # a usual day of a great sender: some stranger is always dead
        at = NOW - timedelta(hours=13 - hour)
        happened([delivery(known[hour], at), refusal(f"stranger{hour}@gmail.com", at)], at)
    incident.refresh_from_db()
    assert incident.ended_at == NOW - timedelta(hours=8)
    assert invalid() == {f"stranger{hour}@gmail.com" for hour in range(6, 14)}


def test_it_goes_on_while_good_addresses_are_refused() -> None:
    known = good([f"known{number}@gmail.com" for number in range(28)])
    incident = an_incident(at=NOW - timedelta(hours=15))
    for hour in range(14):
        at = NOW - timedelta(hours=13 - hour)
        happened([refusal(known[hour], at), delivery(known[14 + hour], at)], at)
    incident.refresh_from_db()
    assert incident.is_going_on
    assert invalid() == set()


def test_it_is_not_over_while_its_next_hours_wait_in_the_inbox() -> None:
    incident = an_incident()
    held = lease.acquire("flow", timedelta(minutes=1))
    assert held is not None
    an_inbound_item()
    incidents.watch(held, NOW + timedelta(hours=8))
    incident.refresh_from_db()
    assert incident.is_going_on
    InboundItem.objects.update(state="ignored", why="Read.", finished_at=NOW)
    incidents.watch(held, NOW + timedelta(hours=8))
    incident.refresh_from_db()
    assert not incident.is_going_on


def test_a_large_one_is_let_go_by_the_flow_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    incident = an_incident(25)
    monkeypatch.setattr(incidents, "CHUNK", 10)
    incidents.dismiss(incident, a_user("manager"), "They are gone.", NOW)
    assert Bounce.objects.filter(standing="held").count() == 15
    run_flow(lambda: NOW)
    assert len(invalid()) == 25
    assert not incidents.is_due(NOW)


def test_a_held_bounce_that_joins_one_without_proof_is_still_the_incidents() -> None:
    """Two tellings of one failure: a mail that nothing proves, and the tool's, which is held; then their message."""
    [ada, *others] = good(people(20))
    at = NOW - timedelta(hours=1)
    both = {"recipient": ada, "remote_mta": "", **CODES}
    by_mail = told(Event.BOUNCED, 1 / 24, UNKNOWN, message_id="m@rebound.example", envelope_id="", **both)
    by_tool = told(Event.BOUNCED, 1 / 24, UNKNOWN, message_id="", envelope_id="p-1", **both)
    happened([replace(by_mail, trust=Trust.UNPROVED)])
    happened([by_tool, *(refusal(email, at) for email in others)])
    assert Bounce.objects.filter(address__email=ada).count() == 2
    sent = told(Event.SENT, 2 / 24, recipient=ada, message_id="m@rebound.example", envelope_id="p-1")
    happened([sent])
    incident = Incident.objects.get()
    bounce = Bounce.objects.get(address__email=ada)
    assert (bounce.standing, bounce.incident_id) == ("held", incident.pk)
    incidents.dismiss(incident, a_user("manager"), "They are gone.", NOW)
    run_flow(lambda: NOW)
    assert ada in invalid()


def test_a_decision_needs_a_reason_and_is_taken_once() -> None:
    incident, boss = an_incident(), a_user("manager")
    with pytest.raises(incidents.NoReason):
        incidents.confirm(incident, boss, " ", NOW)
    incidents.dismiss(incident, boss, "True.", NOW)
    with pytest.raises(incidents.AlreadyDecided, match="Dismissed"):
        incidents.confirm(incident, boss, "Not true.", NOW)


def test_what_was_confirmed_by_mistake_may_be_dismissed_even_when_it_is_over() -> None:
    incident, boss = an_incident(), a_user("manager")
    incidents.confirm(incident, boss, "Their status page says so.", NOW)
    run_flow(lambda: NOW + timedelta(hours=8))
    assert set(Bounce.objects.values_list("standing", flat=True)) == {"discarded"}
    client = Client()
    client.force_login(boss)
    assert "Dismiss it after all" in client.get(url_of(incident)).content.decode()
    incidents.dismiss(incident, boss, "It was the wrong status page.", NOW + timedelta(hours=9))
    run_flow(lambda: NOW + timedelta(hours=9))
    assert len(invalid()) == 20
    assert DailyStat.objects.get(dimension="provider", key="google", day=NOW.date()).hard == 20
    assert not incidents.is_due(NOW + timedelta(hours=9))


def test_looking_twice_changes_nothing() -> None:
    an_incident()
    before = list(Bounce.objects.order_by("pk").values())
    run_flow(lambda: NOW)
    assert list(Bounce.objects.order_by("pk").values()) == before


def test_managers_hear_of_it_once() -> None:
    a_user("manager", email="boss@rebound.example")
    a_user("sales", email="sam@rebound.example")
    incident = an_incident()
    (message,) = sent_emails()
    assert message.to == ["boss@rebound.example"]
    assert reverse("bounces:incident", args=[incident.pk]) in message.body


def test_managers_hear_once_that_it_is_over_and_what_to_do_then() -> None:
    boss = a_user("manager", email="boss@rebound.example")
    incident = an_incident()
    incidents.confirm(incident, boss, "Their status page says so.", NOW)
    for hours in (8, 9):
        run_flow(lambda hours=hours: NOW + timedelta(hours=hours))  # type: ignore[misc]  # a default is its own
    began, ended = sent_emails()
    assert [began.subject, ended.subject] == [
        "Held: Google refuses addresses that worked",
        "Over: Google accepts mail again",
    ]
    assert "20 addresses missed what they were sent" in ended.body
    assert "Their bounces are discarded." in ended.body


def test_nobody_hears_that_one_is_over_which_was_dismissed() -> None:
    a_user("manager", email="boss@rebound.example")
    incident = an_incident()
    sent_emails()
    incidents.dismiss(incident, a_user("manager", email="mia@rebound.example"), "They are gone.", NOW)
    run_flow(lambda: NOW + timedelta(hours=8))
    assert {message.subject for message in sent_emails()} == {"Held: Google refuses addresses that worked"}


def test_the_dashboard_says_so_until_it_is_over() -> None:
    incident, boss = an_incident(), a_user("manager")
    (matter,) = [each for each in look(boss, NOW).matters if each.kind == "incidents"]
    assert matter.url == url_of(incident)
    client = Client()
    client.force_login(boss)
    assert matter.sentence in client.get(reverse("dashboard")).content.decode()
    incidents.dismiss(incident, boss, "True.", NOW)
    assert not [each for each in look(boss, NOW).matters if each.kind == "incidents"]
