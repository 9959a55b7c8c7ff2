"""Suppressions by the API: a tool may say no to anybody, and may not overrule what a recipient asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bounces.models import Suppression
from tests.builders import a_suppression, a_user, an_address
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

PATH = "suppressions/"
LIFT = "suppressions/lift/"


def listed(response: Any) -> list[str]:
    return [each["email"] or each["domain"] for each in response.json()["results"]]


# --- adding -----------------------------------------------------------------------------------------


def test_addresses_and_domains_are_suppressed_and_check_says_no():
    tool = a_tool()
    answer = tool.post(PATH, {"targets": [" Ada@Example.org ", "@b.example"], "note": "By phone"})
    assert answer.json() == {"added": 2, "already": 0, "rejected": []}
    verdicts = tool.post("check/", {"addresses": ["ada@example.org", "who@b.example"]}).json()["results"]
    assert [each["verdict"] for each in verdicts] == ["no", "no"]


def test_each_says_who_why_and_through_what():
    tool = a_tool()
    tool.post(PATH, {"targets": ["ada@example.org"], "note": "By phone"})
    row = Suppression.objects.get()
    assert (row.reason, row.note, row.created_by) == ("manual", "By phone", tool.user)
    assert row.source.startswith("api")


def test_the_same_again_changes_nothing():
    tool = a_tool()
    tool.post(PATH, {"targets": ["ada@example.org"], "note": "By phone"})
    again = tool.post(PATH, {"targets": ["ada@example.org", "ADA@example.org"], "note": "Again"})
    assert again.json() == {"added": 0, "already": 1, "rejected": []}
    assert Suppression.objects.get().note == "By phone"


def test_the_good_are_suppressed_and_the_bad_told_by_index():
    answer = a_tool().post(PATH, {"targets": ["ada@", "ada@example.org", "no domain", "Smith"], "note": "x"}).json()
    assert (answer["added"], [each["index"] for each in answer["rejected"]]) == (1, [0, 2, 3])


def test_when_all_are_bad_the_answer_is_400():
    response = a_tool().post(PATH, {"targets": ["no domain"], "note": "x"})
    assert response.status_code == 400
    assert errors_of(response) == {"targets.0": "This is neither an address nor a domain."}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"note": "x"}, "targets"),
        ({"targets": [], "note": "x"}, "targets"),
        ({"targets": "ada@example.org", "note": "x"}, "targets"),
        ({"targets": [5], "note": "x"}, "targets.0"),
        ({"targets": ["ada@example.org"] * 10_001, "note": "x"}, "targets"),
        ({"targets": ["ada@example.org"]}, "note"),
        ({"targets": ["ada@example.org"], "note": " "}, "note"),
        ({"targets": ["ada@example.org"], "note": "x", "reason": "complaint"}, "reason"),
        ({"targets": ["ada@example.org"], "note": "x", "expires_at": "tomorrow"}, "expires_at"),
        ({"targets": ["ada@example.org"], "note": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_nothing_is_kept(body, field):
    response = a_tool().post(PATH, body)
    assert response.status_code == 400
    assert field in errors_of(response)
    assert not Suppression.objects.exists()


def test_it_may_end_by_itself():
    at = (timezone.now() + timedelta(days=9)).replace(microsecond=0)
    a_tool().post(PATH, {"targets": ["ada@example.org"], "note": "x", "expires_at": at.isoformat()})
    assert Suppression.objects.get().expires_at == at


# --- reading ----------------------------------------------------------------------------------------


def test_those_in_force_are_listed_the_newest_first():
    a_suppression("ada@example.org")
    a_suppression(domain="b.example")
    a_suppression("gone@example.org", expires_at=timezone.now() - timedelta(days=1))
    assert listed(a_tool().get(PATH)) == ["b.example", "ada@example.org"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"state": "all"}, ["lifted@b.example", "expired@b.example", "c.example", "ada@b.example"]),
        ({"state": "lifted"}, ["lifted@b.example"]),
        ({"state": "expired"}, ["expired@b.example"]),
        ({"scope": "domain"}, ["c.example"]),
        ({"reason": "complaint"}, ["ada@b.example"]),
        ({"email": "ADA@b.example"}, ["ada@b.example"]),
        ({"email": "anyone@c.example"}, ["c.example"]),
        ({"domain": "b.example"}, ["ada@b.example"]),
        ({"since": "2999-01-01"}, []),
        ({"until": "2999-01-01", "limit": "1"}, ["c.example"]),
    ],
)
def test_the_list_is_filtered(params, found):
    boss, now = a_user("manager"), timezone.now()
    a_suppression("ada@b.example", "complaint")
    a_suppression(domain="c.example")
    a_suppression("expired@b.example", expires_at=now - timedelta(days=1))
    a_suppression("lifted@b.example", lifted_at=now, lifted_by=boss, lift_reason="She wrote")
    assert listed(a_tool().get(PATH, **params)) == found


@pytest.mark.parametrize(
    "params",
    [{"state": "x"}, {"reason": "x"}, {"email": "x"}, {"domain": "-"}, {"since": "x"}, {"nonsense": "1"}, {"limit": 0}],
)
def test_a_filter_that_makes_no_sense_is_an_error(params):
    response = a_tool().get(PATH, **params)
    assert response.status_code == 400
    assert set(errors_of(response)) == set(params)


def test_an_erased_address_is_found_by_its_whole_text():
    row = a_suppression("ada@b.example")
    row.address.delete()
    (found,) = a_tool().get(PATH, email="ada@b.example").json()["results"]
    assert (found["id"], found["email"]) == (row.pk, None)


def test_a_list_goes_on_at_its_cursor_and_costs_the_same(django_assert_max_num_queries):
    for number in range(5):
        a_suppression(f"p{number}@b.example")
    tool, pages, url = a_tool(), [], "/api/v1/suppressions/?limit=2"
    with django_assert_max_num_queries(12):
        while url:
            answer = tool.client.get(url)
            pages.append(listed(answer))
            url = answer.json()["next"]
    assert [len(page) for page in pages] == [2, 2, 1]


def test_one_is_shown_with_all_that_is_known():
    boss = a_user("manager", name="Grace")
    row = a_suppression("ada@b.example", note="By phone", created_by=boss)
    one = a_tool().get(f"{PATH}{row.pk}/").json()
    assert (one["email"], one["note"], one["created_by"], one["state"]) == (
        "ada@b.example", "By phone", "Grace", "in_force",
    )  # fmt: skip
    assert a_tool().get(f"{PATH}999/").status_code == 404


# --- lifting ----------------------------------------------------------------------------------------


def test_a_tool_lifts_in_the_name_of_its_user():
    row, tool = a_suppression("ada@b.example"), a_tool()
    answer = tool.post(LIFT, {"ids": [row.pk], "reason": "She wrote to us"})
    assert answer.json() == {"lifted": 1, "already": 0, "rejected": []}
    row.refresh_from_db()
    assert (row.lifted_by, row.lift_reason) == (tool.user, "She wrote to us")


@pytest.mark.parametrize("reason", ["complaint", "unsubscribe"])
@pytest.mark.parametrize("role", ["manager", "admin"])
def test_no_tool_lifts_what_a_recipient_asked_for(reason, role):
    row = a_suppression("ada@b.example", reason)
    response = a_tool(role=role).post(LIFT, {"ids": [row.pk], "reason": "We would like to write"})
    assert response.status_code == 400
    assert "only a person lifts it" in errors_of(response)["ids.0"]
    row.refresh_from_db()
    assert row.lifted_at is None


def test_the_liftable_are_lifted_and_the_others_told():
    manual, asked = a_suppression("ada@b.example"), a_suppression("bob@b.example", "complaint")
    answer = a_tool().post(LIFT, {"ids": [999, manual.pk, asked.pk], "reason": "x"}).json()
    assert (answer["lifted"], [each["index"] for each in answer["rejected"]]) == (1, [0, 2])


def test_the_first_lift_stands():
    row, tool = a_suppression("ada@b.example"), a_tool()
    tool.post(LIFT, {"ids": [row.pk], "reason": "First"})
    assert tool.post(LIFT, {"ids": [row.pk, row.pk], "reason": "Second"}).json()["already"] == 1
    row.refresh_from_db()
    assert row.lift_reason == "First"


@pytest.mark.parametrize(
    "body", [{"reason": "x"}, {"ids": [1]}, {"ids": [1], "reason": " "}, {"ids": ["a"], "reason": "x"}]
)
def test_a_lift_needs_ids_and_a_reason(body):
    assert a_tool().post(LIFT, body).status_code == 400


def test_what_was_lifted_is_suppressed_again_by_adding_it():
    tool = a_tool()
    tool.post(PATH, {"targets": ["ada@b.example"], "note": "x"})
    tool.post(LIFT, {"ids": [Suppression.objects.get().pk], "reason": "y"})
    assert tool.post(PATH, {"targets": ["ada@b.example"], "note": "z"}).json()["added"] == 1


def test_adding_over_a_complaint_leaves_the_complaint():
    a_suppression("ada@b.example", "complaint")
    tool = a_tool()
    tool.post(PATH, {"targets": ["ada@b.example"], "note": "x"})
    manual = Suppression.objects.get(reason="manual")
    tool.post(LIFT, {"ids": [manual.pk], "reason": "y"})
    (verdict,) = tool.post("check/", {"addresses": ["ada@b.example"]}).json()["results"]
    assert (verdict["verdict"], verdict["reason"]) == ("no", "complaint")


# --- who --------------------------------------------------------------------------------------------


def test_sales_neither_read_nor_write_and_a_reader_does_not_write():
    row = a_suppression(an_address("ada@b.example"))
    sales, reader = a_tool(role="sales"), a_tool("suppressions:read")
    body = {"targets": ["bob@b.example"], "note": "x"}
    assert [sales.get(PATH).status_code, sales.post(PATH, body).status_code] == [403, 403]
    assert [reader.get(PATH).status_code, reader.post(PATH, body).status_code] == [200, 403]
    assert reader.post(LIFT, {"ids": [row.pk], "reason": "x"}).status_code == 403
    assert Suppression.objects.get().lifted_at is None
