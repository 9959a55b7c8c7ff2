"""Whom a campaign writes to: its page, the list, the export and the API say so, with its rule as the reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from contacts.models import Campaign, CampaignMember
from tests.builders import a_campaign, a_contact, a_segment, a_suppression, a_user
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(a_user("manager"))
    return client


def spring(**fields: Any) -> Campaign:
    """With a member of each kind."""
    members = (
        a_contact("fine@b.example", status="valid"),
        a_contact("new@b.example", status="unverified"),
        a_contact("risky@b.example", status="at_risk"),
        a_contact("gone@b.example", status="invalid"),
    )
    return a_campaign("Spring", key="spring", members=members, **fields)


@pytest.mark.parametrize(("writes_to", "answers"), [("any", (2, 1, 1)), ("sure", (2, 0, 2)), ("valid", (1, 0, 3))])
def test_its_page_counts_by_its_own_rule(client, writes_to, answers):
    found = client.get(spring(writes_to=writes_to).get_absolute_url()).context["answers"]
    assert (found.yes, found.caution, found.no) == answers


def test_a_new_campaign_leaves_out_caution(client):
    client.post("/campaigns/new/", {"name": "Autumn"})
    assert Campaign.objects.get().writes_to == "sure"


def test_its_page_says_whom_it_writes_to_and_why_somebody_is_left_out(client):
    page = client.get(spring(writes_to="valid", quiet_days=30).get_absolute_url()).content.decode()
    assert "Only addresses known to be alive; nobody with a bounce in the last 30 days" in page
    assert "Left out by campaign “Spring”, which writes only to addresses known to be alive." in page


def test_its_members_are_narrowed_by_its_own_verdicts(client):
    rows = client.get(spring(writes_to="valid").get_absolute_url(), {"answer": "yes"}).context["rows"]
    assert [contact.email for contact, _ in rows] == ["fine@b.example"]


def test_the_list_and_its_filter_go_by_the_campaign_they_are_narrowed_to(client):
    spring(writes_to="valid")
    listed = client.get("/contacts/", {"campaign": "spring"}).context["page"].items
    assert {contact.email: str(contact.verdict.answer) for contact in listed} == {
        "fine@b.example": "yes", "new@b.example": "no", "risky@b.example": "no", "gone@b.example": "no",
    }  # fmt: skip
    found = client.get("/contacts/", {"campaign": "spring", "verdict": "yes"}).context["page"].items
    assert [contact.email for contact in found] == ["fine@b.example"]
    assert len(client.get("/contacts/", {"verdict": "yes"}).context["page"].items) == 2


def test_the_export_of_its_members_goes_by_it(client):
    spring(writes_to="valid")
    wanted = {"form": "csv", "columns": ["email", "verdict_reason"]}
    text = b"".join(client.post(f"{reverse('contacts:export_new')}?campaign=spring", wanted).streaming_content).decode(
        "utf-8-sig"
    )
    (line,) = [line for line in text.splitlines() if line.startswith("new@b.example")]
    assert "Left out by campaign “Spring”" in line


def test_check_with_a_campaign_goes_by_it_and_without_does_not():
    spring(writes_to="sure")
    tool = a_tool()
    asked = {"addresses": ["risky@b.example"]}
    (plain,) = tool.post("check/", asked).json()["results"]
    (strict,) = tool.post("check/", {**asked, "campaign": "spring"}).json()["results"]
    assert (plain["verdict"], strict["verdict"], strict["reason"]) == ("caution", "no", "campaign")
    assert strict["sentence"].startswith("Left out by campaign “Spring”")
    assert strict["status"] == "at_risk"


def test_no_campaign_lets_through_what_the_policy_refuses():
    spring(writes_to="any")
    a_suppression("fine@b.example", "unsubscribe")
    answers = a_tool().post("check/", {"addresses": ["fine@b.example", "gone@b.example"], "campaign": "spring"}).json()
    assert [each["verdict"] for each in answers["results"]] == ["no", "no"]


@pytest.mark.parametrize("campaign", ["unknown", "", 5, ["spring"]])
def test_a_campaign_that_is_not_there_is_an_error(campaign):
    response = a_tool().post("check/", {"addresses": [], "campaign": campaign})
    assert response.status_code == 400
    assert set(errors_of(response)) == {"campaign"}


def test_a_campaign_that_the_user_does_not_see_is_not_there(settings):
    settings.SALES_SEE = "team"
    spring(owner=a_user("manager"))
    body = {"addresses": [], "campaign": "spring"}
    assert a_tool(role="sales").post("check/", body).status_code == 400
    assert a_tool(role="manager").post("check/", body).status_code == 200


def test_contacts_by_the_api_have_its_verdicts_where_they_are_its_members():
    spring(writes_to="valid")
    results = a_tool().get("contacts/", campaign="spring").json()["results"]
    assert [each["addresses"][0]["verdict"] for each in results] == ["yes", "no", "no", "no"]


def test_people_whom_it_leaves_out_are_not_added(client):
    spring(writes_to="valid")
    campaign = a_campaign("Strict", writes_to="valid")
    segment = a_segment("All", status=["valid", "unverified", "at_risk", "invalid"])
    client.post(f"/campaigns/{campaign.pk}/add/", {"segment": segment.pk, "leave_out": "on"})
    added = CampaignMember.objects.filter(campaign=campaign)
    assert [row.contact.contact_addresses.get().address.email for row in added] == ["fine@b.example"]


@pytest.mark.parametrize("days", [0, 3651])
def test_nonsense_days_are_refused_at_the_field_and_by_the_database(client, days):
    campaign = spring()
    data = {"name": "Spring", "key": "spring", "writes_to": "sure", "quiet_days": days}
    form = client.post(f"/campaigns/{campaign.pk}/edit/", data).context["form"]
    assert form.errors["quiet_days"]
    with pytest.raises(IntegrityError):
        Campaign.objects.filter(pk=campaign.pk).update(quiet_days=days)


def test_an_unknown_rule_is_refused(client):
    campaign = spring()
    data = {"name": "Spring", "key": "spring", "writes_to": "everybody"}
    assert "writes_to" in client.post(f"/campaigns/{campaign.pk}/edit/", data).context["form"].errors


def test_a_segment_tightens_by_the_word_of_a_verdict(client):
    spring()
    segment = a_segment("Sure ones", verdict=["yes"])
    found = client.get("/contacts/", {"segment": segment.pk}).context["page"].items
    assert {contact.email for contact in found} == {"fine@b.example", "new@b.example"}
