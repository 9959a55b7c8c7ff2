"""The pages of campaigns."""

import pytest
from django.urls import reverse

from contacts.models import Campaign
from tests.builders import a_campaign, a_contact, a_daily_stat, a_segment, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


def test_a_campaign_shows_verdicts_and_a_rate_that_is_unknown_without_attempts(client, sales):
    members = (a_contact(status="valid"), a_contact(status="at_risk"), a_contact(status="invalid"))
    campaign = a_campaign(members=members, writes_to="any")
    response = client.get(campaign.get_absolute_url())
    answers = response.context["answers"]
    assert (answers.yes, answers.caution, answers.no) == (1, 1, 1)
    assert "no attempts were reported" in response.content.decode()
    assert "Unknown" in response.content.decode()


@pytest.mark.parametrize(
    ("bounced", "rate", "word"), [(1, "0.50 %", "Healthy"), (3, "1.50 %", "Watch"), (4, "2.00 %", "Stop")]
)
def test_a_campaigns_rate_has_the_word_of_its_line(client, sales, bounced, rate, word):
    campaign = a_campaign()
    a_daily_stat(campaign=campaign, attempted=200, bounced=bounced)
    for url in (campaign.get_absolute_url(), reverse("contacts:campaigns")):
        page = client.get(url).content.decode()
        assert rate in page
        assert word in page


def test_members_are_narrowed_by_their_verdict(client, sales):
    bad = a_contact(status="invalid")
    campaign = a_campaign(members=(bad, a_contact(status="valid")))
    assert client.get(campaign.get_absolute_url(), {"answer": "no"}).context["page"].items == [bad]
    assert len(client.get(campaign.get_absolute_url(), {"answer": "perhaps"}).context["page"].items) == 2


def test_a_new_campaign_gets_a_key_from_its_name(client, sales):
    client.post(reverse("contacts:campaign_new"), {"name": "Spring Sale 2026"})
    campaign = Campaign.objects.get()
    assert (campaign.key, campaign.owner, campaign.state) == ("spring-sale-2026", sales, "draft")


def test_a_campaign_ends_after_it_starts(client, sales):
    typed = {"name": "X", "starts_on": "2026-05-02", "ends_on": "2026-05-01"}
    form = client.post(reverse("contacts:campaign_new"), typed).context["form"]
    assert form.errors["ends_on"] == ["A campaign ends on or after the day it starts."]


def test_a_name_without_letters_asks_for_a_key(client, sales):
    form = client.post(reverse("contacts:campaign_new"), {"name": "!!!"}).context["form"]
    assert "key" in form.errors


def test_states_follow_their_table(client, sales):
    campaign = a_campaign(owner=sales)
    url = reverse("contacts:campaign_state", args=[campaign.pk])
    for state, expected in (("finished", "draft"), ("running", "running"), ("paused", "paused"), ("bogus", "paused")):
        client.post(url, {"state": state})
        assert Campaign.objects.get().state == expected


def test_a_segment_is_added_without_those_that_may_not_be_written_to(client, sales):
    good, bad = a_contact(status="valid", country="DE"), a_contact(status="invalid", country="DE")
    a_contact(country="US")
    campaign, segment = a_campaign(owner=sales), a_segment(country=["DE"])
    url = reverse("contacts:campaign_add", args=[campaign.pk])
    client.post(url, {"segment": segment.pk, "leave_out": "on"})
    assert list(campaign.contacts.all()) == [good]
    client.post(url, {"segment": segment.pk})
    assert set(campaign.contacts.all()) == {good, bad}


def test_members_are_taken_out(client, sales):
    one, two = a_contact(), a_contact()
    campaign = a_campaign(owner=sales, members=(one, two))
    client.post(reverse("contacts:campaign_remove", args=[campaign.pk]), {"pk": [one.pk, "x"]})
    assert list(campaign.contacts.all()) == [two]


@pytest.mark.parametrize("name", ["campaign_edit", "campaign_state", "campaign_add", "campaign_remove"])
def test_only_the_owner_and_managers_change_a_campaign(client, sales, name):
    campaign = a_campaign(owner=a_user())
    url = reverse(f"contacts:{name}", args=[campaign.pk])
    assert client.post(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.post(url).status_code in (200, 302)


def test_the_list_of_campaigns_is_narrowed_by_state(client, sales):
    a_campaign("Running one", state="running")
    a_campaign("Draft one")
    page = text_of(client.get(reverse("contacts:campaigns"), {"state": "running"}))
    assert "Running one" in page
    assert "Draft one" not in page
