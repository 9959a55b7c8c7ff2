"""Contacts by the API: what a tool reads, creates and changes, and what it is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Activity, Company, Contact
from contacts.people import save_contact
from tests.builders import (
    a_campaign,
    a_contact,
    a_custom_field,
    a_segment,
    a_status_change,
    a_team,
    a_user,
    an_address,
)
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

ADA = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "title": "Analyst",
    "company": "Analytical Engines",
    "phone": "+44 20 7946 0000",
    "country": "gb",
    "tags": ["newsletter", "VIP"],
    "source": "webform",
    "external_id": "crm-1815",
    "addresses": [{"email": "Second@Example.org"}, {"email": "Ada@Example.org", "is_primary": True}],
}


def ids(response) -> list[int]:
    return [each["id"] for each in response.json()["results"]]


# --- reading ----------------------------------------------------------------------------------------


def test_a_contact_tells_whether_it_may_be_written_to_and_why():
    contact = a_contact("ada@example.org", status="invalid", others=("second@example.org",), company="Engines")
    an_address("ada@example.org", status_rule="hard_bounce")
    a_status_change("ada@example.org", evidence={"reason": "userunknown", "last_at": "2026-05-02T00:00:00+00:00"})
    found = a_tool().get(f"contacts/{contact.pk}/").json()
    first, second = found["addresses"]
    assert (found["company"], found["owner"]) == ("Engines", None)
    assert (first["email"], first["is_primary"], first["status"], first["verdict"]) == (
        "ada@example.org",
        True,
        "invalid",
        "no",
    )
    assert "mailbox does not exist" in first["sentence"]
    assert (second["is_primary"], second["status"]) == (False, "unverified")


def test_the_list_is_followed_to_its_end_and_back():
    made = [a_contact().pk for _ in range(5)]
    tool = a_tool()
    page = tool.get("contacts/", limit=2)
    seen = ids(page)
    while page.json()["next"]:
        page = tool.client.get(page.json()["next"])
        seen += ids(page)
    assert seen == made
    assert ids(tool.client.get(page.json()["previous"])) == made[2:4]


def test_a_page_takes_the_same_queries_however_long(django_assert_num_queries):
    tool = a_tool()
    tool.get("contacts/")
    for number in range(12):
        a_contact(
            company=f"Company {number}", tags=(f"tag {number}",), owner=a_user(), others=(f"b{number}@x.example",)
        )
    with django_assert_num_queries(7):  # the key, contacts, tags, reached, addresses, ids, verdicts
        tool.get("contacts/", limit=2)
    with django_assert_num_queries(7):
        tool.get("contacts/", limit=12)


def test_the_words_of_the_filter_narrow_the_list():
    owner = a_user("manager")
    ada = a_contact(
        "ada@engines.example", status="at_risk", company="Engines", tags=("vip",), owner=owner, country="GB", source="x"
    )
    campaign = a_campaign("Spring", members=(ada,))
    a_contact("grace@navy.example", status="valid", country="US")
    tool = a_tool(user=owner)
    words = {"q": "engines", "status": "at_risk", "company": "Engines", "tag": "VIP", "country": "gb", "source": "x"}
    words |= {"owner": "me", "segment": str(a_segment("Risky", status=["at_risk"]).pk)}
    words |= {"campaign": campaign.key, "updated_since": "2020-01-01T00:00:00Z"}
    for word, value in words.items():
        assert ada.pk in ids(tool.get("contacts/", **{word: value})), word
    assert ids(tool.get("contacts/", **{word: words[word] for word in ("q", "status", "tag", "owner")})) == [ada.pk]


@pytest.mark.parametrize("word", ["tag", "owner", "status", "verdict", "country"])
@pytest.mark.parametrize("value", ["", "de"])
def test_more_values_than_described_are_refused_though_they_are_empty_or_repeated(word, value):
    assert a_tool().get("contacts/", **{word: [value] * 21}).status_code == 400


def test_what_changed_since_a_moment_is_found():
    a_contact()
    later = a_contact()
    Contact.objects.exclude(pk=later.pk).update(updated_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert ids(a_tool().get("contacts/", updated_since=since)) == [later.pk]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"statsu": "valid"}, "statsu"),
        ({"status": "fine"}, "status"),
        ({"owner": "bob"}, "owner"),
        ({"owner__password__startswith": "a"}, "owner__password__startswith"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "cD1hYmM="}, "cursor"),
        ({"cursor": "%%%"}, "cursor"),
        ({"q": "a\0b"}, "q"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_told(params, field):
    response = a_tool().get("contacts/", **params)
    assert response.status_code == 400
    assert field in errors_of(response)


# --- creating ---------------------------------------------------------------------------------------


def test_a_contact_is_created_whole():
    owner = a_user(email="jo@rebound.example")
    response = a_tool().post("contacts/", {**ADA, "owner": "jo@rebound.example"})
    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/api/v1/contacts/{made['id']}/")
    assert [each["email"] for each in made["addresses"]] == ["ada@example.org", "second@example.org"]
    assert (made["company"], made["country"], made["owner"]) == ("Analytical Engines", "GB", owner.email)
    assert made["tags"] == ["VIP", "newsletter"]
    assert Activity.objects.filter(contact=made["id"], kind="created").exists()


def test_an_owner_is_named_by_address_or_id():
    owner = a_user()
    made = a_tool().post("contacts/", {"last_name": "Hopper", "owner": owner.pk}).json()
    assert made["owner"] == owner.email


def test_a_contact_is_born_with_the_status_that_its_address_has():
    a_contact("ada@example.org", status="invalid").delete()
    made = a_tool().post("contacts/", ADA).json()
    assert made["addresses"][0]["verdict"] == "no"


@pytest.mark.parametrize("same", [{"external_id": "crm-1815"}, {"addresses": [{"email": "ADA@example.org"}]}])
def test_a_contact_that_is_there_is_a_conflict_with_its_id(same):
    tool = a_tool()
    known = tool.post("contacts/", ADA).json()["id"]
    response = tool.post("contacts/", {"last_name": "Byron", **same})
    assert response.status_code == 409
    assert response.json()["contacts"] == [known]
    assert Contact.objects.get().last_name == "Lovelace"


def test_with_upsert_the_one_that_is_there_is_updated():
    tool = a_tool()
    known = tool.post("contacts/", ADA).json()["id"]
    response = tool.post(
        "contacts/?upsert=true",
        {"external_id": "crm-1815", "title": "Countess", "addresses": [{"email": "c@example.org"}]},
    )
    assert (response.status_code, response.json()["id"], response.json()["title"]) == (200, known, "Countess")
    assert len(response.json()["addresses"]) == 3


def test_upsert_creates_whom_nobody_knows_and_may_run_twice():
    tool = a_tool()
    assert [tool.post("contacts/?upsert=true", ADA).status_code for _ in range(2)] == [201, 200]
    assert Activity.objects.count() == 1


def test_several_that_match_are_a_conflict_and_nothing_is_guessed():
    both = [a_contact("shared@example.org").pk for _ in range(2)]
    response = a_tool().post("contacts/?upsert=true", {"addresses": [{"email": "shared@example.org"}]})
    assert (response.status_code, response.json()["contacts"]) == (409, both)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "non_field_errors"),
        ([], "non_field_errors"),
        ("ada", "non_field_errors"),
        ({"last_name": 5}, "last_name"),
        ({"last_name": ["x"]}, "last_name"),
        ({"last_name": "x" * 201}, "last_name"),
        ({"last_name": "x", "country": "Greatest Britain"}, "country"),
        ({"last_name": "x", "country": "G1"}, "country"),
        ({"last_name": "x", "owner": "nobody@rebound.example"}, "owner"),
        ({"last_name": "x", "owner": 10**30}, "owner"),
        ({"last_name": "x", "owner": True}, "owner"),
        ({"last_name": "x", "custom": {"size": 1}}, "custom.size"),
        ({"last_name": "x", "custom": []}, "custom"),
        ({"last_name": "x", "tags": "vip"}, "tags"),
        ({"last_name": "x", "tags": ["a,b"]}, "tags"),
        ({"addresses": ["ada@example.org"]}, "addresses.0.non_field_errors"),
        ({"addresses": [{"email": "ada"}]}, "addresses"),
        ({"addresses": [{"email": "a@b.example", "stauts": 1}]}, "addresses.0.stauts"),
        ({"addresses": [{"email": f"{e}@b.example", "is_primary": True} for e in "ab"]}, "addresses"),
        ({"addresses": [{"email": f"a{n}@b.example"} for n in range(21)]}, "addresses.non_field_errors"),
        ({"last_name": "x", "deleted_at": None}, "deleted_at"),
        ({"last_name": "x", "status": "valid"}, "status"),
    ],
)
def test_bad_input_is_told_by_field_and_nothing_is_made(body, field):
    response = a_tool().post("contacts/", json.dumps(body))
    assert response.status_code == 400
    assert field in errors_of(response)
    assert not Contact.objects.exists()
    assert not Company.objects.exists()


def test_a_switch_is_true_or_false():
    assert "upsert" in errors_of(a_tool().post("contacts/?upsert=maybe", ADA))


# --- changing ---------------------------------------------------------------------------------------


def test_a_change_sets_the_given_fields_only():
    contact = a_contact("ada@example.org", title="Analyst", tags=("vip",))
    changed = a_tool().patch(f"contacts/{contact.pk}/", {"phone": "1", "tags": ["a", "b"]}).json()
    assert (changed["phone"], changed["title"], changed["tags"]) == ("1", "Analyst", ["a", "b"])
    assert len(changed["addresses"]) == 1


def test_custom_values_change_by_key():
    a_custom_field("size", "number")
    a_custom_field("plan", "choice", options=["free", "paid"])
    contact = a_contact(custom={"size": 3})
    tool = a_tool()
    assert tool.patch(f"contacts/{contact.pk}/", {"custom": {"plan": "Paid"}}).json()["custom"] == {
        "size": 3,
        "plan": "paid",
    }
    assert tool.patch(f"contacts/{contact.pk}/", {"custom": {"size": None}}).json()["custom"] == {"plan": "paid"}


def test_what_was_got_can_be_put_and_changes_nothing():
    a_custom_field("size", "number")
    contact = a_contact("ada@example.org", company="Engines", owner=a_user(), tags=("vip",), custom={"size": 3})
    tool = a_tool()
    before = tool.get(f"contacts/{contact.pk}/").json()
    response = tool.put(f"contacts/{contact.pk}/", before)
    assert (response.status_code, response.json()) == (200, before)


def test_a_put_empties_what_it_leaves_out():
    a_custom_field("size", "number")
    custom = {"size": 3, "of a removed field": "kept"}
    contact = a_contact("ada@example.org", company="Engines", tags=("vip",), custom=custom, external_id="x")
    after = a_tool().put(f"contacts/{contact.pk}/", {"last_name": "Byron"}).json()
    assert (after["first_name"], after["company"], after["tags"]) == ("", None, [])
    assert after["custom"] == {"of a removed field": "kept"}
    assert (after["addresses"], after["external_id"]) == ([], None)


def test_a_contact_keeps_a_name_or_an_address():
    contact = a_contact("ada@example.org")
    response = a_tool().put(f"contacts/{contact.pk}/", {})
    assert response.status_code == 400
    assert contact.contact_addresses.exists()


def test_a_status_is_never_typed_in():
    contact = a_contact("ada@example.org", status="invalid")
    sent = {"addresses": [{"email": "ada@example.org", "status": "valid", "verdict": "yes"}]}
    assert a_tool().patch(f"contacts/{contact.pk}/", sent).json()["addresses"][0]["status"] == "invalid"


def test_an_external_id_belongs_to_one():
    a_contact(external_id="x")
    other = a_contact()
    assert "external_id" in errors_of(a_tool().patch(f"contacts/{other.pk}/", {"external_id": "x"}))


# --- whose ------------------------------------------------------------------------------------------


def test_sales_change_their_own_and_unowned_contacts_and_no_others():
    tool = a_tool(role="sales")
    own, unowned, others = a_contact(owner=tool.user), a_contact(owner=None), a_contact(owner=a_user())
    answers = [tool.patch(f"contacts/{each.pk}/", {"title": "Dr"}).status_code for each in (own, unowned, others)]
    assert answers == [200, 200, 403]
    others.refresh_from_db()
    assert others.title == ""


def test_managers_change_everyones_contacts():
    others = a_contact(owner=a_user())
    assert a_tool().put(f"contacts/{others.pk}/", {"last_name": "x"}).status_code == 200


def test_upsert_changes_no_other_ones_contact():
    contact = a_contact("ada@example.org", owner=a_user())
    sent = {"addresses": [{"email": "ada@example.org"}], "title": "Dr"}
    assert a_tool(role="sales").post("contacts/?upsert=true", sent).status_code == 403
    assert a_tool(role="manager").post("contacts/?upsert=true", sent).status_code == 200
    contact.refresh_from_db()
    assert contact.title == "Dr"


def test_who_sees_the_own_team_only_finds_no_other_contact(settings):
    settings.SALES_SEE = "team"
    mine, theirs = a_team(), a_team()
    tool = a_tool(user=a_user("sales", team=mine))
    near = a_contact(owner=a_user(team=mine))
    far = a_contact("far@example.org", owner=a_user(team=theirs, name="Their owner"), last_name="Secret")
    assert ids(tool.get("contacts/")) == [near.pk]
    assert tool.get(f"contacts/{near.pk}/").status_code == 200
    assert tool.get(f"contacts/{far.pk}/").status_code == 404
    assert tool.patch(f"contacts/{far.pk}/", {"title": "x"}).status_code == 404


@pytest.mark.parametrize("query", ["", "?upsert=true"])
def test_a_conflict_with_somebody_unseen_tells_nothing_of_them(settings, query):
    settings.SALES_SEE = "team"
    a_contact("far@example.org", owner=a_user(team=a_team(), name="Their owner"), last_name="Secret")
    response = a_tool(user=a_user("sales", team=a_team())).post(
        f"contacts/{query}", {"addresses": [{"email": "far@example.org"}]}
    )
    assert response.status_code in (403, 409)
    assert "Secret" not in response.content.decode()
    assert "Their owner" not in response.content.decode()
    assert response.json().get("contacts", []) == []


def test_deleted_contacts_are_not_there():
    contact = a_contact(deleted_at=timezone.now())
    tool = a_tool()
    assert ids(tool.get("contacts/")) == []
    assert tool.get(f"contacts/{contact.pk}/").status_code == 404
    assert tool.get("contacts/99999999999999999999/").status_code == 404


def test_reading_is_not_writing():
    contact = a_contact()
    tool = a_tool("contacts:read")
    assert tool.get(f"contacts/{contact.pk}/").status_code == 200
    assert tool.patch(f"contacts/{contact.pk}/", {"title": "x"}).status_code == 403
    assert tool.post("contacts/", ADA).status_code == 403
    assert a_tool("contacts:write").patch(f"contacts/{contact.pk}/", {"title": "x"}).status_code == 200


def test_what_another_door_saved_is_the_same_contact():
    save_contact({"last_name": "Lovelace", "addresses": ["ada@example.org"]}, by=None, now=timezone.now())
    assert a_tool().post("contacts/", ADA).status_code == 409
