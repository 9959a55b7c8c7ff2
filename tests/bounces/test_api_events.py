"""Events by the API: the good ones of a batch are kept, the bad ones told by index and field."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from bounces.api.events import EventSerializer, SmtpSerializer
from bounces.intake import event_shape
from bounces.models import Bounce, InboundItem
from bounces.process import run_flow
from tests.bounces.calling import an_event
from tests.builders import a_user
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


def test_a_reported_bounce_turns_the_address_invalid_and_check_says_why():
    tool = a_tool()
    response = tool.post("events/", an_event())
    assert (response.status_code, response.json()["accepted"]) == (202, 1)
    run_flow(timezone.now)
    (verdict,) = tool.post("check/", {"addresses": ["ada@example.org"]}).json()["results"]
    assert (verdict["verdict"], verdict["reason"], verdict["status"]) == ("no", "userunknown", "invalid")
    assert "550 5.1.1" in verdict["sentence"]


def test_the_same_event_again_changes_nothing_whichever_key_brings_it():
    user = a_user("manager")
    first = a_tool(user=user).post("events/", an_event()).json()
    again = a_tool(user=user).post("events/", an_event()).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert again["items"][0]["id"] == first["items"][0]["id"]
    assert InboundItem.objects.count() == 1


def test_event_ids_of_different_users_are_different_events():
    assert [a_tool().post("events/", an_event()).json()["accepted"] for _ in range(2)] == [1, 1]


def test_the_good_events_of_a_batch_are_kept_and_the_bad_told_by_index():
    batch = [an_event(event_id="a"), an_event(event="exploded"), an_event(event_id="b"), an_event(event_id="b"), 5]
    response = a_tool().post("events/", {"events": batch})
    told = response.json()
    assert response.status_code == 202
    assert (told["accepted"], told["duplicates"]) == (2, 1)
    assert [(each["index"], list(each["errors"])) for each in told["rejected"]] == [
        (1, ["event"]),
        (4, ["non_field_errors"]),
    ]
    assert InboundItem.objects.count() == 2


def test_when_all_are_bad_nothing_is_kept_and_the_answer_is_400():
    response = a_tool().post("events/", {"events": [an_event(recipient="ada"), {}]})
    assert response.status_code == 400
    assert {"events.0.recipient", "events.1.event_id", "events.1.occurred_at"} <= set(errors_of(response))
    assert [each["index"] for each in response.json()["rejected"]] == [0, 1]
    assert not InboundItem.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"event_id": ...}, "event_id"),
        ({"event_id": "  "}, "event_id"),
        ({"event_id": "x" * 201}, "event_id"),
        ({"event_id": 7}, "event_id"),
        ({"event": "auto_replied"}, "event"),
        ({"event": ["bounced"]}, "event"),
        ({"recipient": None}, "recipient"),
        ({"recipient": "a@b@c"}, "recipient"),
        ({"recipient": {"email": "a@b.example"}}, "recipient"),
        ({"occurred_at": "2026-05-03T09:12:44"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": 1777777777}, "occurred_at"),
        ({"occurred_at": "12026-05-03T09:12:44Z"}, "occurred_at"),
        ({"message_id": "a\nb"}, "message_id"),
        ({"campaign": "x" * 201}, "campaign"),
        ({"smtp": "550"}, "smtp"),
        ({"smtp": {"code": 9999}}, "smtp.code"),
        ({"smtp": {"code": True}}, "smtp.code"),
        ({"smtp": {"code": 10**400}}, "smtp.code"),
        ({"smtp": {"enhanced": "5.1"}}, "smtp.enhanced"),
        ({"smtp": {"text": 5}}, "smtp.text"),
        ({"smtp": {"reply": "x"}}, "smtp.reply"),
        ({"feedback_type": "rude"}, "feedback_type"),
        ({"trust": "trusted"}, "trust"),
    ],
)
def test_what_an_event_may_not_hold_is_told_by_field(fields, field):
    response = a_tool().post("events/", an_event(**fields))
    assert response.status_code == 400
    assert field in errors_of(response)


HALF = "\ud800"

UNKEEPABLE = [
    {"event_id": f"a{HALF}"},
    {"event_id": "a\0"},
    {"event": HALF},
    {"recipient": f"{HALF}@b.example"},
    {"recipient": "a\0@b.example"},
    {"occurred_at": HALF},
    {"message_id": HALF},
    {"campaign": "\0"},
    {"feedback_type": HALF},
    {"smtp": {"code": HALF}},
    {"smtp": {"enhanced": HALF}},
    {"smtp": {"remote_mta": HALF}},
    {"smtp": {HALF: 1}},
    {HALF: 1},
    {"\0": 1},
]


@pytest.mark.parametrize("fields", UNKEEPABLE, ids=ascii)
def test_a_text_that_cannot_be_kept_spoils_no_other_event_of_its_batch(fields):
    response = a_tool().post("events/", {"events": [an_event(**fields), an_event(event_id="good")]})
    told = response.json()
    assert (response.status_code, told["accepted"], told["rejected"][0]["index"]) == (202, 1, 0)


def test_what_a_server_said_is_kept_without_the_bytes_that_cannot_be():
    event = an_event(smtp={"code": 550, "text": "550 5.1.1 Benutzer \udcfcnbekannt\0, no such user"})
    assert a_tool().post("events/", event).status_code == 202
    run_flow(timezone.now)
    assert Bounce.objects.get().diagnostic.isprintable()


@pytest.mark.parametrize("smtp", [{"text": "550 5.1.1 sorry"}, {"code": 550, "text": "550 5.1.1 sorry"}])
def test_codes_that_a_tool_does_not_tell_apart_are_read_from_what_the_server_said(smtp):
    a_tool().post("events/", an_event(smtp=smtp))
    run_flow(timezone.now)
    bounce = Bounce.objects.get()
    assert (bounce.reason, bounce.smtp_code, bounce.enhanced_code) == ("userunknown", 550, "5.1.1")


def test_a_body_whose_names_cannot_be_kept_is_refused():
    assert a_tool().post("events/", {"events": [an_event()], HALF: 1}).status_code == 400


def test_a_message_whose_text_cannot_be_kept_spoils_no_other(settings):
    settings.RETURN_PATH_DOMAIN = "bounces.example.com"
    messages = [{"event_id": HALF, "recipient": "a@b.example"}, {"event_id": "good", "recipient": "a@b.example"}]
    response = a_tool().post("return-paths/", {"messages": messages})
    assert (response.status_code, [each["event_id"] for each in response.json()["return_paths"]]) == (200, ["good"])


@pytest.mark.parametrize(
    "body", [[], "x", 5, None, {"events": []}, {"events": {}}, {"events": None}, {"events": [], "x": 1}]
)
def test_a_body_of_another_shape_is_refused(body):
    assert a_tool().post("events/", json.dumps(body)).status_code == 400


def test_a_thousand_events_fit_and_one_more_does_not():
    tool = a_tool()
    events = [an_event(event_id=f"e{n}", recipient=f"p{n}@example.org") for n in range(1001)]
    assert "1,001" in errors_of(tool.post("events/", {"events": events}))["events"]
    assert tool.post("events/", {"events": events[:1000]}).json()["accepted"] == 1000


def test_every_event_of_the_vocabulary_is_taken_and_recorded():
    events = [an_event(event_id=name, event=name, recipient=f"{name}@example.org") for name in event_shape.EVENTS]
    assert a_tool().post("events/", {"events": events}).json()["accepted"] == len(event_shape.EVENTS)
    run_flow(timezone.now)
    assert set(InboundItem.objects.values_list("state", flat=True)) == {"done"}


def test_a_long_diagnostic_of_many_lines_is_kept_as_one():
    a_tool().post("events/", an_event(smtp={"code": 550, "text": "No\r\nsuch\tuser " + "x" * 9000}))
    run_flow(timezone.now)
    assert Bounce.objects.get().diagnostic.startswith("No such user xx")


def test_the_documented_event_has_the_fields_that_are_checked():
    assert set(EventSerializer().fields) == set(event_shape.FIELDS)
    assert set(SmtpSerializer().fields) == set(event_shape.SMTP_FIELDS)
    assert tuple(name for name, field in EventSerializer().fields.items() if field.required) == event_shape.REQUIRED


def test_sales_report_no_events_and_managers_do():
    assert a_tool(role="sales").post("events/", an_event()).status_code == 403
    assert a_tool(role="manager").post("events/", an_event()).status_code == 202
