"""Telling other tools: signed, at least once under one id, never to an address inside, given up in the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from standardwebhooks import Webhook

from bounces import process
from bounces.intake.upload import keep_upload
from bounces.models import Guard
from bounces.sealing import seal
from crm.models import Topic, WebhookDelivery, WebhookEndpoint
from crm.webhooks import announcing, sending
from crm.webhooks.signing import make_secret
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_user
from tests.crm.listening_tool import Tool, listening
from tests.emails import sent_emails

pytestmark = pytest.mark.django_db
SECRET = make_secret()


@pytest.fixture
def tool(settings: LazySettings) -> Iterator[Tool]:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with listening() as tool:
        yield tool


def signed_in(client: Client, role: str) -> Client:
    client.force_login(a_user(role))
    return client


def an_endpoint(url: str, *topics: str, **values: Any) -> WebhookEndpoint:
    known = {"name": "outreach", "topics": list(topics) or [Topic.STATUS_CHANGED], "sealed_secret": seal(SECRET)}
    return WebhookEndpoint.objects.create(url=url, **known | values)


def a_delivery(endpoint: WebhookEndpoint) -> WebhookDelivery:
    return announcing.queue_test(endpoint, NOW)


def an_address_bounces() -> None:
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail()), a_user("manager"), NOW)
    process.run_flow(lambda: NOW)


def test_a_bounce_is_told_to_the_tool_that_asked_for_it(tool: Tool) -> None:
    an_endpoint(tool.url)
    an_address_bounces()

    assert sending.send_next(timezone.now())

    ((_, body),) = tool.taken
    message = json.loads(body)
    change = message["data"]["changes"][0]
    assert (message["type"], change["to"]) == ("address.status_changed", "invalid")
    assert change["sentence"].startswith("Invalid since")


def test_the_flow_and_the_queue_bring_it_there_by_themselves(tool: Tool, run_jobs: Callable[[], None]) -> None:
    an_endpoint(tool.url)
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail()), a_user("manager"), NOW)

    run_jobs()
    run_jobs()

    assert len(tool.taken) == 1


def test_the_signature_is_what_the_standard_says(tool: Tool) -> None:
    now = timezone.now()
    announcing.queue_test(an_endpoint(tool.url), now)

    sending.send_next(now)

    headers, body = tool.taken[0]
    assert Webhook(SECRET).verify(body, headers)["type"] == "test"


def test_the_path_and_the_query_arrive(tool: Tool) -> None:
    a_delivery(an_endpoint(tool.url))

    sending.send_next(NOW)

    assert tool.taken[0][0]["host"] == tool.url.split("/")[2]


def test_who_did_not_ask_for_a_topic_is_not_told() -> None:
    an_endpoint("https://tool.example/", Topic.INCIDENT_OPENED)
    an_address_bounces()

    assert not WebhookDelivery.objects.exists()


def test_who_is_switched_off_is_not_told() -> None:
    an_endpoint("https://tool.example/", is_enabled=False)
    an_address_bounces()

    assert not WebhookDelivery.objects.exists()


def test_an_announcement_that_is_told_twice_is_one_message() -> None:
    endpoint = an_endpoint("https://tool.example/", Topic.GUARD_PAUSED)
    guard = Guard.objects.create(
        dimension="campaign", key="spring", state="paused", rule="first", bounced=3, attempted=50, paused_at=NOW
    )

    for _ in range(2):
        announcing.queue_guard({"guard_id": guard.pk, "dimension": "campaign", "key": "spring"})

    assert endpoint.deliveries.get().payload["data"]["sentence"] == "3 of the first 50 emails bounced (limit 3 of 50)."


def test_what_is_taken_is_not_sent_again(tool: Tool) -> None:
    delivery = a_delivery(an_endpoint(tool.url))

    sending.send_next(NOW)

    delivery.refresh_from_db()
    assert (delivery.state, sending.send_next(NOW + timedelta(days=1)), len(tool.taken)) == ("taken", False, 1)


def test_what_is_refused_is_sent_again_later_and_later_under_the_same_id(tool: Tool) -> None:
    tool.status = 500
    delivery = a_delivery(an_endpoint(tool.url))

    sending.send_next(NOW)
    too_early = sending.send_next(NOW + timedelta(seconds=9))
    sending.send_next(NOW + timedelta(seconds=11))

    delivery.refresh_from_db()
    ids = {headers["webhook-id"] for headers, _ in tool.taken}
    assert (too_early, len(tool.taken), ids) == (False, 2, {delivery.message_id})
    assert delivery.due_at == NOW + timedelta(seconds=71)


def test_a_worker_that_is_killed_amid_a_request_leaves_it_to_the_next(tool: Tool) -> None:
    delivery = a_delivery(an_endpoint(tool.url))

    sending.claim(NOW)

    assert not sending.send_next(NOW + timedelta(minutes=1))
    assert sending.send_next(NOW + timedelta(minutes=3))
    assert [headers["webhook-id"] for headers, _ in tool.taken] == [delivery.message_id]


def test_a_tool_that_takes_nothing_for_days_is_stopped_and_the_admins_are_told(tool: Tool) -> None:
    admin = a_user("admin")
    tool.status = 503
    endpoint = an_endpoint(tool.url)
    delivery = a_delivery(endpoint)

    moment = NOW
    while sending.send_next(moment):
        delivery.refresh_from_db()
        moment = delivery.due_at

    endpoint.refresh_from_db()
    assert (delivery.state, delivery.tries, endpoint.is_enabled) == ("given_up", 9, False)
    assert "503" in endpoint.stopped_why
    assert [message.to for message in sent_emails()] == [[admin.email]]


def test_a_tool_that_is_gone_is_stopped_at_once(tool: Tool) -> None:
    tool.status = 410
    endpoint = an_endpoint(tool.url)
    a_delivery(endpoint)
    announcing.queue_test(endpoint, NOW + timedelta(seconds=1))

    sending.send_next(NOW)

    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert set(endpoint.deliveries.values_list("state", flat=True)) == {"given_up"}


def test_a_redirect_is_not_followed(tool: Tool) -> None:
    tool.status, tool.headers = 302, {"location": tool.url}
    delivery = a_delivery(an_endpoint(tool.url))

    sending.send_next(NOW)

    delivery.refresh_from_db()
    assert (len(tool.taken), "redirects" in delivery.answer) == (1, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://0177.0.0.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://localhost/",
    ],
)
def test_an_address_inside_is_never_connected_to(url: str) -> None:
    delivery = a_delivery(an_endpoint(url))

    sending.send_next(NOW)

    delivery.refresh_from_db()
    assert (delivery.state, "not a public address" in delivery.answer) == ("waiting", True)


def test_what_ended_long_ago_is_forgotten(tool: Tool) -> None:
    a_delivery(an_endpoint(tool.url))
    sending.send_next(NOW)

    sending.prune(NOW + timedelta(days=29))
    kept = WebhookDelivery.objects.count()
    sending.prune(NOW + timedelta(days=31))

    assert (kept, WebhookDelivery.objects.count()) == (1, 0)


# --- the admin


def the_form(url: str) -> dict[str, Any]:
    return {"name": "outreach", "url": url, "topics": ["address.status_changed"], "is_enabled": "on"}


def test_an_admin_makes_an_endpoint_and_sees_its_secret_once(client: Client, tool: Tool) -> None:
    client = signed_in(client, "admin")

    page = client.post(reverse("admin:crm_webhookendpoint_add"), the_form(tool.url)).content.decode()

    endpoint = WebhookEndpoint.objects.get()
    change = client.get(reverse("admin:crm_webhookendpoint_change", args=[endpoint.pk])).content.decode()
    assert ("whsec_" in page, "whsec_" in change, "whsec_" in endpoint.sealed_secret) == (True, False, False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1/", "not a public address"),
        ("ftp://tool.example/", "start with https"),
        ("https://me:secret@192.0.2.1/", "Remove the user name"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_the_reason(client: Client, url: str, why: str) -> None:
    page = signed_in(client, "admin").post(reverse("admin:crm_webhookendpoint_add"), the_form(url)).content.decode()

    assert (why in page, WebhookEndpoint.objects.count()) == (True, 0)


def test_a_manager_cannot_open_it(client: Client) -> None:
    response = signed_in(client, "manager").get(reverse("admin:crm_webhookendpoint_changelist"))

    assert response.status_code in (302, 403)


def test_a_test_message_is_sent_from_the_admin(client: Client, tool: Tool) -> None:
    endpoint = an_endpoint(tool.url)

    signed_in(client, "admin").post(
        reverse("admin:crm_webhookendpoint_send_test", args=[endpoint.pk]), {"_form_submitted": "on"}
    )

    assert sending.send_next(endpoint.deliveries.get().due_at)
    assert json.loads(tool.taken[0][1])["type"] == "test"


def test_an_endpoint_that_is_switched_off_forgets_what_waits(client: Client, tool: Tool) -> None:
    endpoint = an_endpoint(tool.url)
    a_delivery(endpoint)
    form = {key: value for key, value in the_form(tool.url).items() if key != "is_enabled"}

    signed_in(client, "admin").post(reverse("admin:crm_webhookendpoint_change", args=[endpoint.pk]), form)

    assert endpoint.deliveries.get().state == "given_up"
