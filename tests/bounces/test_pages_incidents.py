"""The pages of incidents, and where else they are seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bounces import incidents
from bounces.models import Incident
from bounces.process import run_flow
from tests.bounces.happening import an_incident, good, happened, people, refusal, url_of
from tests.builders import NOW, a_contact, a_user

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


# --- pages ----------------------------------------------------------------------------------------


def test_the_pages_show_what_was_seen() -> None:
    incident = an_incident()
    client = signed_in("sales")
    assert "Google" in client.get(reverse("bounces:incidents")).content.decode()
    page = client.get(url_of(incident)).content.decode()
    assert "p0001@gmail.com" in page
    assert "Confirm the incident" not in page


def test_without_incidents_the_page_says_what_would_happen() -> None:
    assert "No incident" in signed_in("sales").get(reverse("bounces:incidents")).content.decode()


def test_the_page_takes_the_same_few_queries_however_many_bounces(django_assert_max_num_queries) -> None:
    incident = an_incident(60)
    client = signed_in("manager")
    with django_assert_max_num_queries(8):
        client.get(url_of(incident))


@pytest.mark.parametrize("name", ["incident_confirm", "incident_dismiss"])
@pytest.mark.parametrize(("role", "code", "state"), [("sales", 403, False), ("manager", 302, True)])
def test_managers_decide_and_sales_do_not(name: str, role: str, code: int, state: bool) -> None:
    incident = an_incident()
    assert signed_in(role).post(url_of(incident, name), {"note": "Because."}).status_code == code
    incident.refresh_from_db()
    assert (incident.state != "open") is state


def test_a_decision_without_a_reason_is_refused_with_words() -> None:
    incident = an_incident()
    response = signed_in("manager").post(url_of(incident, "incident_dismiss"), {"note": ""}, follow=True)
    assert "Say why" in response.content.decode()


def test_the_addresses_are_a_list_for_managers() -> None:
    incident = an_incident()
    assert signed_in("sales").get(url_of(incident, "incident_csv")).status_code == 403
    response: Any = signed_in("manager").get(url_of(incident, "incident_csv"))
    assert len(b"".join(response.streaming_content).splitlines()) == 21


def over() -> Incident:
    """Twenty addresses were refused, twelve of them by a campaign of spring."""
    emails = good(people(20))
    at = NOW - timedelta(hours=1)
    happened(refusal(email, at, campaign="spring" if number < 12 else "") for number, email in enumerate(emails))
    run_flow(lambda: NOW + timedelta(hours=8))
    return Incident.objects.get()


# --- afterwards -------------------------------------------------------------------------------------


def test_what_they_missed_stands_there_by_campaign_once_it_is_over() -> None:
    going_on = an_incident()
    client = signed_in("manager")
    assert "What they missed" not in client.get(url_of(going_on)).content.decode()
    run_flow(lambda: NOW + timedelta(hours=8))
    assert "What they missed" in client.get(url_of(going_on)).content.decode()
    incidents.dismiss(going_on, a_user("manager"), "They are gone.", NOW + timedelta(hours=9))
    assert "What they missed" not in client.get(url_of(going_on)).content.decode()


def test_the_list_is_of_one_campaign_where_it_is_asked_for() -> None:
    incident = over()
    assert [(each.campaign_key, each.addresses) for each in incidents.missed(incident)] == [("spring", 12), ("", 8)]
    response: Any = signed_in("manager").get(url_of(incident, "incident_csv"), {"campaign": "spring"})
    assert len(b"".join(response.streaming_content).splitlines()) == 13


@pytest.mark.parametrize(("role", "code", "tagged"), [("sales", 403, 0), ("manager", 302, 1)])
def test_managers_tag_the_contacts_to_write_to_again(role: str, code: int, tagged: int) -> None:
    incident = over()
    contact, stranger = a_contact("p0003@gmail.com"), a_contact("other@gmail.com")
    for _ in range(2):
        response = signed_in(role).post(reverse("contacts:incident_tag", args=[incident.pk]))
    assert (response.status_code, contact.tags.count(), stranger.tags.count()) == (code, tagged, 0)
