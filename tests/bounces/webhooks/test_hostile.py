"""What nobody documents: posts that would stop a reader, blame the wrong person, or ask for too much."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from bounces import lists, process
from bounces.intake.events import keep_events
from bounces.intake.webhooks import samples, sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.opening import read_all
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.splitting import FORM, split
from bounces.models import Address, Attempt, Bounce, InboundItem
from tests.bounces.webhooks.posting import CERTIFICATE_URL, a_post, a_provider_source, amazon_certificate
from tests.builders import a_source

SITE = "http://rebound.example"
AMAZON = "https://sns.eu-west-1.amazonaws.com"
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    certificates = {CERTIFICATE_URL: amazon_certificate("amazon")}
    monkeypatch.setattr(sns.check_sns, "__defaults__", (certificates.__getitem__,))
    sns.certificate_at.cache_clear()


def run_flow() -> None:
    process.run_flow(timezone.now)


# --- forms and JSON that would stop a reader


def a_form_of_many_fields() -> Arrival:
    body = urlencode([("mandrill_events", "[{}]"), *[(f"f{n}", "x") for n in range(5000)]]).encode()
    return Arrival(body, {"content-type": FORM})


def test_a_form_of_thousands_of_fields_is_one_broken_event() -> None:
    (found,) = read_all(PROVIDERS["mandrill"], a_form_of_many_fields(), NOW)

    assert (found.event, found.is_broken) == ({}, True)


@pytest.mark.parametrize("depth", [400, 900, 990, 5000])
def test_events_nested_as_deep_as_can_be_read_are_split_or_not_and_never_fail(depth: int) -> None:
    deep = b'{"events": [' + b"[" * depth + b"]" * depth + b"]}"

    assert len(split(Arrival(deep), most=10)) <= 1


def test_what_stands_around_events_is_not_kept_with_each_of_them() -> None:
    said = {"events": [1] * 1000, "ballast": "x" * 1000}

    assert sum(len(part.body) for part in split(Arrival(json.dumps(said).encode()), most=1000)) < 100_000


MOMENTS: list[Any] = [10**400, -1, 0, 1e300, float("nan"), float("inf"), "1e999", [], {}, None, True]
SPOILT: list[Any] = [
    *[{"timestamp": at} for at in MOMENTS],
    *[{"email": to} for to in ("", "\x00@b.example", "\ud800@b.example", ["a@b.example"], {"a": 1}, "x" * 5000, None)],
    *[{"reason": said} for said in ("\x00", "\ud800", ["x"], {"a": 1}, 10**400, "x" * 100_000)],
    {"event": None}, {"event": []}, {"event": "\ud800"}, {"sg_event_id": {"a": 1}}, {"smtp-id": [1]},
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda value: ascii(value)[:40])
def test_a_spoilt_event_never_takes_its_neighbour_along(client: Client, spoilt: dict[str, Any]) -> None:
    (good,) = samples.sendgrid("ada@example.org", timezone.now())
    bad = {**good, "sg_event_id": "bad", "email": "bob@example.org", **spoilt}
    source = a_provider_source("sendgrid")

    status = a_post(source, SITE, said=[bad, good]).send(client)
    run_flow()

    counts = lists.count_inbox()
    assert (status, counts["pending"], sum(counts.values())) == (200, 0, 2)
    assert Bounce.objects.filter(address__email="ada@example.org", kind="hard").exists()


@pytest.mark.django_db
def test_of_a_name_that_comes_twice_the_same_value_is_checked_and_read(client: Client) -> None:
    post = a_post(a_provider_source("mailgun"), SITE, to="ada@example.org")
    doubled = post.arrival.body.replace(b'"event-data"', b'"event-data": {"event": "opened"}, "event-data"')

    status = post.with_body(doubled).send(client)
    run_flow()

    assert (status, Address.objects.get().email) == (200, "ada@example.org")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "multipart/form-data; boundary=x", ""])
@pytest.mark.parametrize("slug", ["mailgun", "sendgrid", "mailtrap", "postal"])
def test_a_wrong_content_type_loses_nothing(client: Client, slug: str, kind: str) -> None:
    post = a_post(a_provider_source(slug), SITE)

    status = post.with_header("content-type", kind or "x").send(client)
    run_flow()

    assert (status, Bounce.objects.count()) == (200, 1)


@pytest.mark.django_db
def test_a_length_of_thousands_of_digits_is_too_much(client: Client) -> None:
    source = a_provider_source("mailgun")

    answer = client.post(f"/in/{source.token}/", b"{}", content_type="application/json", CONTENT_LENGTH="9" * 5000)

    assert answer.status_code == 413


@pytest.mark.django_db
def test_what_is_too_large_is_counted_and_explained(client: Client, settings: LazySettings) -> None:
    settings.WEBHOOK_CAP = 10
    source = a_provider_source("mailgun")

    assert a_post(source, SITE).send(client) == 413

    source.refresh_from_db()
    assert (source.seen.refused, "the most that is read" in source.seen.last_error) == (1, True)


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["%00", "a%00b", "%ff", "%ed%a0%80", "a" * 5000])
def test_an_address_that_nobody_made_is_not_there(client: Client, token: str) -> None:
    assert {client.post(f"/in/{token}/").status_code, client.get(f"/in/{token}/").status_code} == {404}


@pytest.mark.django_db
def test_a_header_that_is_not_signed_makes_no_new_request_of_an_old_one(client: Client) -> None:
    post = a_post(a_provider_source("mailersend"), SITE)

    statuses = [post.send(client), post.with_header("svix-id", "another").send(client)]

    assert (statuses, InboundItem.objects.count()) == ([200, 200], 1)


# --- nobody is blamed for another


OF_TWO = {"destination": ["ada@example.org", "eve@example.org"], "messageId": "i", "headers": []}


@pytest.mark.parametrize("kind", ["Open", "Click"])
def test_who_of_two_opened_amazon_does_not_say(kind: str) -> None:
    event = {"eventType": kind, "mail": OF_TWO, kind.lower(): {"timestamp": samples.iso(NOW)}}
    said = {**samples.amazon_ses("x@y.example", NOW), "Message": json.dumps(event)}

    found = read_all(PROVIDERS["amazon_ses"], Arrival(json.dumps(said).encode()), NOW)

    assert {(bool(one.event), one.is_broken) for one in found} == {(False, False)}


def test_a_complaint_of_one_of_two_is_quarantined_and_suppresses_nobody() -> None:
    said = samples.resend("ada@example.org", NOW)
    said = {**said, "type": "email.complained", "data": {**said["data"], "cc": ["eve@example.org"]}}

    (found,) = read_all(PROVIDERS["resend"], Arrival(json.dumps(said).encode()), NOW)

    assert (found.event, found.is_broken, "several recipients" in found.why) == ({}, True, True)


# --- by which name a provider's event finds the message of a tool


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "standing"), [("2706ee8a-737c-4285-b032", "counted"), ("17", "unverified")])
def test_a_long_id_is_the_same_message_whoever_tells_it(client: Client, name: str, standing: str) -> None:
    now = timezone.now()
    sent = {"event_id": "1", "event": "sent", "recipient": "ada@example.org", "provider_id": name}
    keep_events([{**sent, "occurred_at": now.isoformat()}], "api:1", None, now)
    source = a_provider_source("postmark")
    source.trust = "match"
    source.save()

    a_post(source, SITE, said={**samples.postmark("ada@example.org", now), "MessageID": name}).send(client)
    run_flow()

    assert Bounce.objects.get().standing == standing


@pytest.mark.django_db
def test_events_that_name_no_message_are_two_whatever_their_ids_are() -> None:
    event = {"event_id": "0123456789-0123456789", "event": "sent", "recipient": "ada@example.org"}
    now = timezone.now()

    for source in ("api:1", "api:2"):
        keep_events([{**event, "occurred_at": now.isoformat()}], source, None, now)
    run_flow()

    assert Attempt.objects.count() == 2


# --- what our admin has to mend is answered 503, and said


@pytest.mark.django_db
def test_a_secret_that_was_cut_is_our_fault_and_said(client: Client) -> None:
    source = a_source("main", "resend", "trusted", {"signing_secret": ["whsec_not base64"]})

    status = a_post(source, SITE, signer="whsec_b3RoZXI=").send(client)

    source.refresh_from_db()
    assert (status, "copy it whole" in source.seen.last_error) == (503, True)


# --- handshakes


@pytest.mark.django_db
def test_event_grid_shakes_hands_by_the_url_alone(client: Client) -> None:
    post = a_post(a_provider_source("azure"), SITE, said=[{"id": "1", "data": {"validationCode": "c-1"}}])
    headers = {"aeg-event-type": "SubscriptionValidation"}
    answer = client.post(post.path, post.arrival.body, content_type="application/json", headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "c-1"})
    assert not InboundItem.objects.exists()


@pytest.mark.django_db
def test_event_grid_with_a_wrong_secret_shakes_no_hands(client: Client) -> None:
    post = a_post(a_provider_source("azure"), SITE, said=[{"data": {"validationCode": "c-1"}}], signer="another secret")

    assert post.with_header("aeg-event-type", "SubscriptionValidation").send(client) == 403


@pytest.mark.django_db
def test_mandrill_greets_before_there_is_a_key(client: Client) -> None:
    source = a_source("main", "mandrill", "trusted")

    statuses = [
        client.post(f"/in/{source.token}/", urlencode({"mandrill_events": events}), content_type=FORM).status_code
        for events in ("[]", '[{"event": "spam"}]')
    ]

    assert (statuses, InboundItem.objects.count()) == ([200, 403], 0)


@pytest.mark.django_db
def test_cloud_events_ask_by_options(client: Client) -> None:
    azure, other = a_provider_source("azure"), a_provider_source("mailgun", "other")

    asked = {"WebHook-Request-Origin": "eventgrid.azure.net"}
    answers = [client.options(f"/in/{source.token}/", headers=asked) for source in (azure, other)]

    assert [answer.status_code for answer in answers] == [200, 405]
    assert answers[0].headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


NAMES = {
    "sns.amazonaws.com": 200,
    "sns-signing.af-south-1.amazonaws.com": 200,
    "sns-cn-north-1.amazonaws.com.cn": 200,
    "s3.amazonaws.com": 403,
    "sns.amazonaws.com.evil.example": 403,
    "evil.example/sns.amazonaws.com": 403,
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_a_certificate_at_amazon_has_to_be_of_its_sns(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sns.check_sns, "__defaults__", (lambda _: amazon_certificate("amazon", name),))

    assert a_post(a_provider_source("amazon_ses"), SITE).send(client) == NAMES[name]


@pytest.mark.django_db
@pytest.mark.parametrize("url", [f"{AMAZON}/é", f"{AMAZON}/a b", "https://evil.example/"])
def test_a_subscription_is_confirmed_at_amazon_alone(client: Client, url: str) -> None:
    said = {
        **samples.amazon_ses("x@y.example", timezone.now()),
        "Type": "SubscriptionConfirmation", "Token": "t", "Message": "You have chosen", "SubscribeURL": url,
    }  # fmt: skip

    assert a_post(a_provider_source("amazon_ses"), SITE, said=said).send(client) == 403
