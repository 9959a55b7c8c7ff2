"""Bounces by the API: with their evidence, filtered, page by page."""

from __future__ import annotations

import pytest

from tests.builders import a_bounce, an_attempt, an_evidence, days_ago
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


def ids(response) -> list[int]:
    return [each["id"] for each in response.json()["results"]]


def test_a_bounce_comes_with_its_evidence_its_attempt_and_the_verdict():
    attempt = an_attempt("ada@example.org", sender="jo", campaign_key="spring")
    bounce = a_bounce("ada@example.org", attempt_id=attempt.pk)
    an_evidence(bounce, source="upload")
    found = a_tool().get(f"bounces/{bounce.pk}/").json()
    assert (found["email"], found["kind"], found["reason"]) == ("ada@example.org", "hard", "userunknown")
    assert [each["source"] for each in found["evidence"]] == ["upload"]
    assert (found["attempt"]["sender"], found["attempt"]["campaign"]) == ("jo", "spring")
    assert found["verdict"]["verdict"] == "yes"
    assert "does not exist" in found["sentence"]


@pytest.mark.parametrize(
    "params",
    [
        {"kind": "soft"},
        {"reason": "mailboxfull"},
        {"fault": "infrastructure"},
        {"standing": "held"},
        {"domain": "B.example"},
        {"email": "Bob@b.example"},
        {"since": days_ago(3).isoformat(), "until": days_ago(2).isoformat()},
        {"kind": "soft", "domain": "b.example"},
    ],
)
def test_each_filter_narrows_the_list(params):
    a_bounce("ada@example.org")
    wanted = a_bounce(
        "bob@b.example",
        kind="soft",
        reason="mailboxfull",
        fault="infrastructure",
        standing="held",
        occurred_at=days_ago(2.5),
    )
    assert ids(a_tool().get("bounces/", **params)) == [wanted.pk]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"kind": "firm"}, "kind"),
        ({"since": "yesterday"}, "since"),
        ({"until": "0001-01-01T00:00:00+01:00"}, "until"),
        ({"email": "ada"}, "email"),
        ({"address__email": "a@b.example"}, "address__email"),
        ({"domain": "a\0b"}, "domain"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told(params, field):
    response = a_tool().get("bounces/", **params)
    assert response.status_code == 400
    assert field in errors_of(response)


@pytest.mark.parametrize("moment", ["2026-05-03T00:00:00-16:13", "2026-05-03", "0229-01-01T00:00:00Z"])
def test_a_filter_takes_any_moment_that_iso_8601_can_write(moment):
    assert a_tool().get("bounces/", since=moment).status_code == 200


def test_the_newest_bounce_comes_first_and_pages_follow():
    made = [a_bounce(f"p{n}@example.org").pk for n in range(3)]
    tool = a_tool()
    page = tool.get("bounces/", limit=2)
    assert ids(page) == made[:0:-1]
    assert ids(tool.client.get(page.json()["next"])) == made[:1]


def test_a_page_of_bounces_takes_the_same_queries_however_long(django_assert_num_queries):
    tool = a_tool()
    tool.get("bounces/")
    for number in range(10):
        a_bounce(f"p{number}@example.org")
    for limit in (2, 10):
        with django_assert_num_queries(2):  # the key, the bounces
            tool.get("bounces/", limit=limit)


def test_bounces_are_read_with_their_scope_by_every_role():
    bounce = a_bounce()
    assert a_tool("bounces:read", role="sales").get(f"bounces/{bounce.pk}/").status_code == 200
    assert a_tool("contacts:read", role="admin").get(f"bounces/{bounce.pk}/").status_code == 403
