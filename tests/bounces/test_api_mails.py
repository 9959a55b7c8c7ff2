"""Mails by the API, what became of them, and bodies of any call that cannot be read or kept."""

from __future__ import annotations

import pytest
from django.utils import timezone

from bounces.models import Address, Bounce, InboundItem
from bounces.process import run_flow
from tests.bounces.calling import an_event
from tests.bounces.mails import a_delivery_report, a_recipient
from tests.builders import an_inbound_item
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


RFC822 = "message/rfc822"


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
