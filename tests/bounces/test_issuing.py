"""Return paths for tools: each message its own, the same again for the same event, and what they join."""

from __future__ import annotations

import pytest
from django.utils import timezone

from bounces.models import Attempt, DailyStat, InboundItem, MergedAttempt
from bounces.process import run_flow
from bounces.proof import keys
from bounces.return_path import find_token, judge_token
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"


@pytest.fixture(autouse=True)
def domain(settings) -> None:
    settings.RETURN_PATH_DOMAIN = "bounces.rebound.example"


def a_message(event_id: str = "7781-sent", **fields: str) -> dict[str, str]:
    return {"event_id": event_id, "recipient": ADA, **fields}


def issued(response) -> list[str]:
    assert response.status_code == 200, response.json()
    return [each["return_path"] for each in response.json()["return_paths"]]


def test_a_return_path_proves_its_message_and_its_recipient():
    (path,) = issued(a_tool().post("return-paths/", a_message(recipient="Ada@Example.org")))

    token = find_token(path)
    assert path.endswith("@bounces.rebound.example")
    assert token is not None
    assert judge_token(token, ADA, keys(), timezone.now()) == "valid"
    assert token.attempt_id == Attempt.objects.get().pk


def test_the_attempt_is_recorded_at_once_and_counted():
    a_tool().post("return-paths/", a_message(campaign="spring", sender="jo@example.com", message_id="<1@x.example>"))

    attempt = Attempt.objects.get()
    assert (attempt.campaign_key, attempt.sender, attempt.message_id) == ("spring", "jo@example.com", "1@x.example")
    assert InboundItem.objects.get().state == "done"
    assert DailyStat.objects.get(dimension="campaign").attempted == 1


def test_the_same_event_id_again_gives_the_same_return_path():
    tool = a_tool()
    first = issued(tool.post("return-paths/", a_message()))

    again = tool.post("return-paths/", a_message())

    assert issued(again) == first
    assert again.json()["return_paths"][0]["is_new"] is False
    assert Attempt.objects.count() == InboundItem.objects.count() == 1


def test_a_thousand_messages_get_their_return_paths_in_their_order():
    messages = [a_message(f"e{n}", recipient=f"person{n}@example.org") for n in range(1000)]

    response = a_tool().post("return-paths/", {"messages": messages})

    assert [each["event_id"] for each in response.json()["return_paths"]] == [each["event_id"] for each in messages]
    assert len(set(issued(response))) == Attempt.objects.count() == 1000


def test_two_messages_to_one_person_have_two_return_paths():
    paths = issued(a_tool().post("return-paths/", {"messages": [a_message("e1"), a_message("e2")]}))
    assert len(set(paths)) == 2


def test_good_messages_are_answered_whatever_their_neighbours_are():
    messages = [a_message("e1"), a_message("e2", recipient="ada at home"), a_message("e3", kind="?")]

    response = a_tool().post("return-paths/", {"messages": messages})

    assert len(issued(response)) == 1
    assert [each["index"] for each in response.json()["rejected"]] == [1, 2]


def test_when_all_are_bad_the_answer_says_so():
    response = a_tool().post("return-paths/", {"messages": [{"recipient": ADA}]})
    assert response.status_code == 400
    assert "messages.0.event_id" in errors_of(response)


def test_an_event_id_that_belongs_to_something_else_is_refused():
    tool = a_tool()
    tool.post("return-paths/", a_message())
    response = tool.post("return-paths/", a_message(recipient="grace@example.org"))
    assert response.status_code == 400
    assert "belongs to something else" in errors_of(response)["event_id"]


def test_a_sending_that_was_reported_before_gets_its_return_path():
    tool = a_tool()
    tool.post("events/", {**a_message(), "event": "sent", "occurred_at": "2026-11-02T10:00:00Z"})

    (path,) = issued(tool.post("return-paths/", a_message()))

    token = find_token(path)
    assert token is not None
    assert token.attempt_id == Attempt.objects.get().pk


def test_without_a_domain_the_answer_is_our_fault_and_says_what_to_do(settings):
    settings.RETURN_PATH_DOMAIN = ""
    response = a_tool().post("return-paths/", a_message())
    assert response.status_code == 503
    assert "REBOUND_RETURN_PATH_DOMAIN" in errors_of(response)[None]
    assert not Attempt.objects.exists()


def test_who_may_not_report_events_gets_no_return_path():
    assert a_tool("check").post("return-paths/", a_message()).status_code == 403
    assert a_tool(role="sales").post("return-paths/", a_message()).status_code == 403
    assert a_tool("events:write").post("return-paths/", a_message()).status_code == 200


def test_an_attempt_that_turns_out_to_be_another_is_still_found_by_its_return_path():
    tool = a_tool()
    at = {"occurred_at": "2026-11-02T10:00:00Z", "recipient": ADA}
    tool.post("return-paths/", a_message(provider_id="p-1"))
    tool.post("events/", {**at, "event_id": "d", "event": "delivered", "message_id": "1@x.example"})
    tool.post("events/", {**at, "event_id": "o", "event": "opened", "message_id": "1@x.example", "provider_id": "p-1"})
    run_flow(timezone.now)

    assert MergedAttempt.objects.get().into_id == Attempt.objects.get().pk
