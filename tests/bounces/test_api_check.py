"""May I write to it? By the API, for many addresses at once."""

from __future__ import annotations

import json

import pytest

from tests.builders import a_contact, a_suppression, an_address
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


def test_verdicts_come_in_the_order_of_the_addresses_known_or_not():
    an_address("bad@example.org", status="invalid", status_rule="hard_bounce")
    an_address("risky@example.org", status="at_risk")
    a_contact("spam@example.org", status="valid")
    a_suppression("spam@example.org", "complaint")
    asked = [
        "risky@example.org",
        "BAD@example.org",
        "never@seen.example",
        "nonsense",
        "spam@example.org",
        "BAD@example.org",
    ]
    results = a_tool().post("check/", {"addresses": asked}).json()["results"]
    assert [each["address"] for each in results] == asked
    assert [each["verdict"] for each in results] == ["caution", "no", "yes", "no", "no", "no"]
    assert [each["reason"] for each in results][2:5] == ["not_verified", "syntax", "complaint"]
    assert all(each["sentence"] for each in results)


def test_check_takes_the_same_queries_however_many_addresses(django_assert_max_num_queries):
    for number in range(40):
        an_address(f"p{number}@example.org", status="valid")
    tool = a_tool()
    tool.post("check/", {"addresses": []})
    asked = [f"p{number}@example.org" for number in range(40)] + [f"s{number}@example.org" for number in range(40)]
    with django_assert_max_num_queries(4):
        tool.post("check/", {"addresses": asked})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "addresses"),
        ([], "addresses"),
        ({"addresses": "ada@example.org"}, "addresses"),
        ({"addresses": ["a@b.example", 5]}, "addresses.1"),
        ({"addresses": [None]}, "addresses.0"),
        ({"addresses": [], "addreses": []}, "addreses"),
        ({"addresses": ["a@b.example"] * 10_001}, "addresses"),
    ],
)
def test_a_question_of_another_shape_is_told_what_is_wrong(body, field):
    response = a_tool().post("check/", json.dumps(body))
    assert response.status_code == 400
    assert field in errors_of(response)


def test_check_needs_its_scope():
    assert a_tool("check", role="sales").post("check/", {"addresses": []}).status_code == 200
    assert a_tool("contacts:read").post("check/", {"addresses": []}).status_code == 403
