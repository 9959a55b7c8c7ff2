"""A campaign that a guard stops is *Paused by guard* wherever its state is shown, and nothing says it is running."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Guard
from contacts import guarding
from contacts.models import Campaign
from tests.builders import NOW, a_campaign, a_contact, a_paused_guard, a_user, an_attempt
from tests.tools import a_tool

pytestmark = pytest.mark.django_db
SENDER = "ann@send.example"


@pytest.fixture(params=["campaign", "sender", "sender_domain"])
def guard(request: pytest.FixtureRequest) -> Guard:
    keys = {"campaign": "spring", "sender": SENDER, "sender_domain": "send.example"}
    return a_paused_guard(keys[request.param], request.param)


@pytest.fixture
def campaign(client: Client) -> Campaign:
    boss = a_user("admin")
    client.force_login(boss)
    contact = a_contact("ada@example.org", status="valid")
    found = a_campaign("Spring", key="spring", state="running", owner=boss, members=(contact,))
    an_attempt("ada@example.org", campaign_key="spring", sender=SENDER)
    return found


@pytest.mark.usefixtures("guard")
def test_every_page_that_shows_its_state_says_paused_by_guard(client: Client, campaign: Campaign):
    pages = {
        "list": reverse("contacts:campaigns"),
        "page": campaign.get_absolute_url(),
        "contact": campaign.contacts.get().get_absolute_url(),
        "admin list": reverse("admin:contacts_campaign_changelist"),
        "admin page": reverse("admin:contacts_campaign_change", args=[campaign.pk]),
    }
    for name, url in pages.items():
        assert "Paused by guard" in client.get(url).content.decode(), name
    assert "1 campaign paused by guard" in client.get(reverse("dashboard")).content.decode()


@pytest.mark.usefixtures("guard")
def test_its_page_shows_neither_running_nor_a_pause_button_nor_a_green_figure(client: Client, campaign: Campaign):
    page = client.get(campaign.get_absolute_url()).content.decode()
    figures = page[page.index('class="panel figures"') : page.index('id="results"')]
    assert 'value="paused"' not in page
    assert 'value="running"' not in page
    assert "tone-good" not in figures
    assert ">Running<" not in page
    assert "Resume sending" in page


@pytest.mark.usefixtures("guard")
def test_filters_and_the_api_have_the_same_state(client: Client, campaign: Campaign):
    for state, number in (("paused_by_guard", 1), ("running", 0), ("paused", 0), ("", 1)):
        for url in (reverse("contacts:campaigns"), reverse("admin:contacts_campaign_changelist")):
            page = client.get(url, {"state": state})
            found = page.context["cl"].result_list if "admin" in url else page.context["rows"]
            assert len(found) == number, (url, state)
    tool = a_tool("contacts:read")
    (listed,) = tool.get("campaigns/", state="paused_by_guard").json()["results"]
    assert (listed["state"], len(listed["paused_by"])) == ("paused_by_guard", 1)
    assert tool.get("campaigns/spring/").json() == listed
    assert tool.get("campaigns/", state="running").json()["results"] == []


@pytest.mark.usefixtures("guard")
def test_it_cannot_be_started_until_sending_is_resumed(client: Client, campaign: Campaign):
    Campaign.objects.update(state="paused")
    url = reverse("contacts:campaign_state", args=[campaign.pk])
    client.post(url, {"state": "running"})
    assert Campaign.objects.get().state == "paused"
    resumed = client.post(
        reverse("bounces:guards_resume"),
        {"pk": [guard.pk for guard in Guard.objects.all()], "reason": "SPF is fixed.", "next": "/campaigns/"},
    )
    assert resumed["Location"] == "/campaigns/"
    client.post(url, {"state": "running"})
    assert guarding.shown_state(Campaign.objects.get()).state == "running"


@pytest.mark.parametrize("state", ["draft", "finished"])
def test_a_campaign_that_sends_nothing_keeps_its_state(state: str):
    campaign = a_campaign(key="spring", state=state)
    a_paused_guard("spring", "campaign")
    assert guarding.shown_state(campaign).state == state


def test_a_campaign_of_other_senders_is_not_stopped():
    campaign = a_campaign(key="spring", state="running")
    an_attempt("ada@example.org", campaign_key="spring", sender="bob@other.example")
    a_paused_guard(SENDER)
    assert guarding.shown_state(campaign).state == "running"


def test_a_resume_leads_only_to_our_own_pages(client: Client):
    client.force_login(a_user("manager"))
    guard = a_paused_guard()
    fields = {"pk": [guard.pk], "reason": "Fixed.", "next": "https://evil.example/"}
    assert client.post(reverse("bounces:guards_resume"), fields)["Location"] == reverse("bounces:reputation")


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries):
    campaigns = [a_campaign(key=f"c{n}", state="running") for n in range(20)]
    for campaign in campaigns:
        an_attempt(campaign_key=campaign.key, sender=SENDER, sent_at=NOW)
    a_paused_guard(SENDER)
    with django_assert_max_num_queries(3):
        assert len([1 for each in guarding.shown_states(campaigns).values() if each.guards]) == 20
