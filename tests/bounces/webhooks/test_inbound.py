"""Mails that a provider receives for us: a reply counts where it answers a message of ours, and nothing else does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from bounces import process
from bounces.intake.events import keep_events
from bounces.intake.webhooks import opening, samples, sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.inbound import made_of
from bounces.intake.webhooks.opening import read_all
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, Bounce, InboundItem
from bounces.parsing.mail import open_mail
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.webhooks.posting import (
    CERTIFICATE_URL,
    SECRETS,
    Posted,
    a_post,
    a_provider_source,
    amazon_certificate,
    ec_key,
)

SITE = "http://rebound.example"
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ADA, SENT = "ada@example.org", "one@rebound.example"
REPLY = {"From": f"Ada <{ADA}>", "Message-ID": "<r@example.org>", "In-Reply-To": f"<{SENT}>", "Subject": "Re: Offer"}

pytestmark = pytest.mark.django_db


def raw(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\nYes, please.\r\n"


def listed(headers: dict[str, str], name: str = "name", value: str = "value") -> list[dict[str, str]]:
    return [{name: key, value: text} for key, text in headers.items()]


def sns_of(headers: dict[str, str]) -> dict[str, Any]:
    event = {"notificationType": "Received", "mail": {"headers": listed(headers), "destination": ["us@x.example"]}}
    return {**samples.amazon_ses(ADA, timezone.now()), "Message": json.dumps(event)}


POSTED: dict[str, Callable[[dict[str, str]], Any]] = {
    "amazon_ses": sns_of,
    "brevo": lambda headers: {"items": [{"Uuid": ["x"], "Headers": headers, "RawTextBody": "Yes, please."}]},
    "mailersend": lambda headers: {"type": "inbound.message", "data": {"object": "message", "raw": raw(headers)}},
    "mailjet": lambda headers: {"Sender": ADA, "Recipient": "us@x.example", "Headers": headers, "Text-part": "Yes."},
    "mandrill": lambda headers: [{"event": "inbound", "ts": 1, "msg": {"raw_msg": raw(headers), "email": "us@x.y"}}],
    "postal": lambda headers: {
        "id": 12345, "rcpt_to": "us@x.example", "mail_from": ADA, "base64": True,
        "message": base64.b64encode(raw(headers).encode()).decode(),
    },
    "postmark": lambda headers: {
        "FromFull": {"Email": ADA, "Name": "Ada"}, "From": ADA, "Subject": "Re: Offer", "TextBody": "Yes, please.",
        "Headers": listed({name: text for name, text in headers.items() if name != "From"}, "Name", "Value"),
    },
    "sparkpost": lambda headers: [
        {"msys": {"relay_message": {"content": {"email_rfc822": raw(headers), "email_rfc822_is_base64": False}}}}
    ],
}  # fmt: skip


BOUNDARY = "b0undary"
DSN = """Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; ada@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user
"""


def multipart(fields: dict[str, str], files: dict[str, str]) -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts += [
        f'Content-Disposition: form-data; name="{name}"; filename="x"\r\nContent-Type: {name}\r\n\r\n{body}'
        for name, body in files.items()
    ]
    return ("".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{BOUNDARY}--\r\n").encode()


def of_mailgun(headers: dict[str, str], files: dict[str, str], *, whole: bool = False) -> Posted:
    moment, token = str(int(timezone.now().timestamp())), "t" * 50
    signature = hmac.new(SECRETS["mailgun"][1].encode(), (moment + token).encode(), hashlib.sha256).hexdigest()
    told = {"timestamp": moment, "token": token, "signature": signature, "recipient": "us@x.example"}
    parts = {"message-headers": json.dumps([*headers.items()]), "body-plain": "Yes, please."}
    told |= {"body-mime": raw(headers)} if whole else parts
    if files:
        body, kind = multipart(told, files), f"multipart/form-data; boundary={BOUNDARY}"
    else:
        body, kind = urlencode(told).encode(), "application/x-www-form-urlencoded"
    return Posted(a_provider_source("mailgun"), Arrival(body, {"content-type": kind}))


def of_sendgrid(headers: dict[str, str], files: dict[str, str], *, whole: bool = False) -> Posted:
    parts = {"headers": "".join(f"{name}: {value}\n" for name, value in headers.items()), "text": "Yes, please."}
    body = multipart({"email": raw(headers)} if whole else parts, files)
    moment = str(int(timezone.now().timestamp()))
    signed = ec_key("sendgrid").sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))
    told = {
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
        "x-twilio-email-event-webhook-timestamp": moment,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signed).decode(),
    }
    return Posted(a_provider_source("sendgrid"), Arrival(body, told))


BY_FORM = [of_mailgun, of_sendgrid]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("of_provider", BY_FORM)
def test_a_reply_that_comes_as_a_form_counts_once(
    client: Client, of_provider: Callable[..., Posted], whole: bool
) -> None:
    a_message_was_sent()
    post = of_provider(REPLY, {}, whole=whole)

    statuses = [post.send(client), post.send(client)]
    run_flow()

    assert (statuses, Address.objects.get().last_reply_at is not None) == ([200, 200], True)


@pytest.mark.parametrize("of_provider", BY_FORM)
def test_a_bounce_that_comes_as_a_form_is_a_report_and_needs_a_return_path_of_ours(
    client: Client, of_provider: Callable[..., Posted]
) -> None:
    headers = {"From": "MAILER-DAEMON@mx.example.org", "To": "bounces@x.example", "Subject": "Undelivered Mail"}

    status = of_provider(headers, {"message/delivery-status": DSN}).send(client)
    run_flow()

    assert status == 200
    assert Bounce.objects.get().standing == "unverified"


@pytest.mark.parametrize("of_provider", BY_FORM)
def test_a_form_whose_signature_is_wrong_is_refused(client: Client, of_provider: Callable[..., Posted]) -> None:
    post = of_provider(REPLY, {})
    body = post.arrival.body
    changed = body.replace(b"signature=", b"signature=0") if of_provider is of_mailgun else body + b" "
    assert post.with_body(changed).send(client) == 403


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    certificates = {CERTIFICATE_URL: amazon_certificate("amazon")}
    monkeypatch.setattr(sns.check_sns, "__defaults__", (certificates.__getitem__,))
    sns.certificate_at.cache_clear()


def a_message_was_sent() -> None:
    event = {"event_id": "1", "event": "sent", "recipient": ADA, "message_id": SENT}
    keep_events([{**event, "occurred_at": timezone.now().isoformat()}], "api:1", None, timezone.now())


def posted(slug: str, headers: dict[str, str]) -> Posted:
    return a_post(a_provider_source(slug), SITE, said=POSTED[slug](headers))


def run_flow() -> None:
    process.run_flow(timezone.now)


@pytest.mark.parametrize("slug", POSTED)
def test_a_reply_to_a_message_of_ours_counts_once(client: Client, slug: str) -> None:
    a_message_was_sent()
    post = posted(slug, REPLY)

    statuses = [post.send(client), post.send(client)]
    run_flow()

    assert (statuses, Address.objects.get().last_reply_at is not None) == ([200, 200], True)
    assert InboundItem.objects.filter(form="event", state="done").count() == 2  # what was sent, and the reply


@pytest.mark.parametrize("changed", [{"In-Reply-To": "<other@rebound.example>"}, {"From": "eve@example.org"}])
def test_a_reply_to_no_message_of_ours_counts_nothing(client: Client, changed: dict[str, str]) -> None:
    a_message_was_sent()

    posted("mandrill", REPLY | changed).send(client)
    run_flow()

    assert not Address.objects.filter(last_reply_at__isnull=False).exists()
    assert InboundItem.objects.filter(state="unverified").count() == 1


@pytest.mark.parametrize("together", [0, 2000])
def test_a_reply_is_believed_no_more_where_many_events_come_at_once(
    client: Client, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "TOGETHER", together)
    other = REPLY | {"Message-ID": "<s@example.org>", "In-Reply-To": "<other@rebound.example>"}

    said = [*POSTED["mandrill"](REPLY), *POSTED["mandrill"](other)]
    a_post(a_provider_source("mandrill"), SITE, said=said).send(client)
    run_flow()

    children = InboundItem.objects.filter(form="event")
    assert set(children.values_list("trust", "state")) == {("match", "unverified")}


@pytest.mark.parametrize("slug", POSTED)
def test_an_automatic_reply_is_none(client: Client, slug: str) -> None:
    a_message_was_sent()

    posted(slug, REPLY | {"Auto-Submitted": "auto-replied"}).send(client)
    run_flow()

    assert Address.objects.get().last_reply_at is None


def test_a_report_that_came_where_replies_go_needs_a_return_path_of_ours(client: Client) -> None:
    said = [{"event": "inbound", "ts": 1, "msg": {"raw_msg": a_bounce_mail().decode(), "email": "us@x.example"}}]

    a_post(a_provider_source("mandrill"), SITE, said=said).send(client)
    run_flow()

    assert (Bounce.objects.get().standing, InboundItem.objects.get(form="mail").trust) == ("unverified", "token")


def test_a_mail_that_answers_none_is_kept_and_counted(client: Client) -> None:
    posted("mandrill", {"From": ADA, "Subject": "Hello"}).send(client)
    run_flow()

    assert InboundItem.objects.get().state == "ignored"
    assert "replies to none" in InboundItem.objects.get().why


@pytest.mark.parametrize("spoilt", [None, 1, "x", [], {}, {"msg": {}}, {"event": "inbound", "msg": {"raw_msg": 1}}])
def test_a_spoilt_mail_takes_no_neighbour_along(spoilt: Any) -> None:
    said = [*POSTED["mandrill"](REPLY), spoilt]

    found = read_all(PROVIDERS["mandrill"], a_post(a_provider_source("mandrill"), SITE, said=said).arrival, NOW)

    assert [one.event.get("event") for one in found if one.event] == ["replied"]


def test_a_header_makes_no_second_one() -> None:
    made = open_mail(made_of([("Subject", "x\r\nFrom: eve@b.example")], None)).headers
    assert (made.get("subject"), made.get("from")) == ("x From: eve@b.example", "")
