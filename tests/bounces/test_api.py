"""Bounces, events, mails and verdicts by the API."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from bounces.api.events import EventSerializer, SmtpSerializer
from bounces.intake import event_shape
from bounces.models import Address, Bounce, InboundItem
from bounces.process import run_flow
from tests.bounces.mails import a_delivery_report, a_recipient
from tests.builders import (
    a_bounce,
    a_contact,
    a_suppression,
    a_user,
    an_address,
    an_attempt,
    an_evidence,
    an_inbound_item,
    days_ago,
)
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

RFC822 = "message/rfc822"


def an_event(**fields):
    known = {
        "event_id": "e-1",
        "event": "bounced",
        "recipient": "Ada@Example.org",
        "occurred_at": "2026-05-03T09:12:44+02:00",
        "smtp": {
            "code": 550,
            "enhanced": "5.1.1",
            "text": "550 5.1.1 No such user here",
            "remote_mta": "mx.example.org",
        },
    }
    return {name: value for name, value in {**known, **fields}.items() if value is not ...}


def ids(response) -> list[int]:
    return [each["id"] for each in response.json()["results"]]


# --- events -----------------------------------------------------------------------------------------


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
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
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


# --- mails and the inbox ----------------------------------------------------------------------------


def test_a_raw_mail_is_kept_and_what_became_of_it_is_told():
    tool = a_tool()
    kept = tool.post("bounces/mail/", a_delivery_report(a_recipient("bob@b.example")), RFC822)
    assert kept.status_code == 202
    item = tool.client.get(kept.headers["Location"]).json()
    assert (item["id"], item["state"]) == (kept.json()["id"], "pending")
    run_flow(timezone.now)
    item = tool.client.get(kept.headers["Location"]).json()
    assert (item["state"], item["bounces"]) == ("done", [Bounce.objects.get().pk])
    assert Address.objects.get(email="bob@b.example").status == "invalid"


def test_the_same_mail_again_is_the_same_item():
    tool = a_tool()
    answers = [tool.post("bounces/mail/", a_delivery_report(), RFC822).json() for _ in range(2)]
    assert answers[0]["id"] == answers[1]["id"]
    assert [each["is_new"] for each in answers] == [True, False]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", RFC822, 400),
        (b" \r\n", RFC822, 400),
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data; boundary=x", 415),
    ],
)
def test_what_is_no_mail_is_refused(body, content_type, status):
    assert a_tool().post("bounces/mail/", body, content_type).status_code == status


def test_a_mail_above_the_cap_is_refused(settings):
    settings.MAIL_CAP = 100
    assert a_tool().post("bounces/mail/", b"x" * 101, RFC822).status_code == 413
    assert not InboundItem.objects.exists()


def test_bytes_of_any_kind_are_kept_and_set_aside():
    tool = a_tool()
    tool.post("bounces/mail/", b"\xff\xd8\xff\xe0\0\0garbage", RFC822)
    run_flow(timezone.now)
    assert InboundItem.objects.get().why


def test_the_inbox_is_for_those_who_may_see_it():
    item = an_inbound_item()
    assert a_tool(role="manager").get(f"inbox/{item.pk}/").status_code == 200
    assert a_tool(role="sales").get(f"inbox/{item.pk}/").status_code == 403
    assert a_tool("contacts:read").get(f"inbox/{item.pk}/").status_code == 403
    assert a_tool().get("inbox/999999999999/").status_code == 404


# --- bounces ----------------------------------------------------------------------------------------


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


# --- check ------------------------------------------------------------------------------------------


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


# --- bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"addresses": [NaN]}',
        b'{"addresses": [' + b"9" * 5000 + b"]}",
        b'{"addresses": ["a\\u0000@b.example"]}',
        b'{"addresses": ["a\\ud800@b.example"]}',
        b'{"addresses": ["a\0@b.example"]}',
        b'{"\\u0000": 1}',
    ],
)
def test_a_body_that_cannot_be_read_or_kept_is_refused(body):
    response = a_tool().post("check/", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"]


def test_a_body_above_the_cap_is_refused():
    assert a_tool().post("check/", b" " * (8 * 1024 * 1024 + 1)).status_code == 413


def test_a_body_whose_length_nobody_says_is_refused_by_name():
    tool = a_tool()
    response = tool.client.post(
        "/api/v1/events/", an_event(), content_type="application/json", headers={"transfer-encoding": "chunked"}
    )
    assert (response.status_code, errors_of(response)[None][:3]) == (411, "Say")


def test_a_form_is_no_json():
    assert a_tool().post("check/", b"addresses=x", "application/x-www-form-urlencoded").status_code == 415


def test_our_own_fault_is_a_server_error_and_nothing_is_kept(monkeypatch):
    def fail(*args):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("bounces.api.events.keep_events", fail)
    response = a_tool().post("events/", an_event())
    assert (response.status_code, response.json()["type"]) == (500, "server_error")
    assert "bug of ours" not in response.content.decode()


def test_a_mail_larger_than_djangos_own_cap_is_taken():
    body = a_delivery_report(a_recipient("bob@b.example")) + b"x" * 4_000_000
    assert a_tool().post("bounces/mail/", body, RFC822).status_code == 202


def test_a_hundred_thousand_unknown_names_are_told_in_few_words():
    response = a_tool().post("events/", an_event(**{f"x{number}": 1 for number in range(100_000)}))

    assert response.status_code == 400
    assert len(response.content) < 20_000
    assert b"99,980 more" in response.content
