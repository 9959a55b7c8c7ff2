"""A provider that posts to us: sources with keys made here, samples signed as each provider signs.

In: a provider's slug. Out: a source, and requests to its URL by Django's client.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.intake.webhooks import samples, sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import IntakeSource
from tests.builders import a_source

SECRETS = {
    "brevo": ("login", "rebound:correct horse"),
    "mailersend": ("signing_secret", "a secret of MailerSend"),
    "mailgun": ("signing_key", "a key of Mailgun"),
    "mailjet": ("login", "rebound:correct horse"),
    "mailtrap": ("signing_secret", "a secret of Mailtrap"),
    "mandrill": ("webhook_key", "a key of Mandrill"),
    "postmark": ("login", "rebound:correct horse"),
    "resend": ("signing_secret", "whsec_" + base64.b64encode(b"a secret of Resend's").decode()),
    "sparkpost": ("login", "rebound:correct horse"),
    "unisender_go": ("api_key", "a-key-of-unisender"),
    "forwardemail": ("webhook_key", "a key of Forward Email"),
    "azure": ("secret", "a secret of our own making"),
}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
TIMED = ("amazon_ses", "mailgun", "resend", "sendgrid")  # those that sign a moment


@cache
def rsa_key(owner: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(owner: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_text(key: Any) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@cache
def amazon_certificate(owner: str, common_name: str = "sns.amazonaws.com") -> bytes:
    key, name = rsa_key(owner), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def a_provider_source(slug: str, name: str = "main") -> IntakeSource:
    secrets: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if slug in SECRETS:
        secrets = {SECRETS[slug][0]: [SECRETS[slug][1]]}
    elif slug == "sendgrid":
        secrets = {"public_key": [public_text(ec_key("sendgrid"))]}
    elif slug == "postal":
        secrets = {"public_key": [public_text(rsa_key("postal"))]}
    else:
        options = {"topics": [TOPIC]}
    return a_source(name, slug, "trusted", secrets, options=options)


@dataclass(frozen=True)
class Posted:
    """A request that is ready to be sent, and changed before."""

    source: IntakeSource
    arrival: Arrival

    @property
    def path(self) -> str:
        return reverse("bounces:webhook", args=[self.source.token])

    def send(self, client: Client) -> int:
        headers = {name: value for name, value in self.arrival.headers.items() if name != "content-type"}
        kind = self.arrival.headers.get("content-type", "application/json")
        return int(client.generic("POST", self.path, self.arrival.body, content_type=kind, headers=headers).status_code)

    def with_body(self, body: bytes) -> Posted:
        return replace(self, arrival=replace(self.arrival, body=body))

    def with_header(self, name: str, value: str) -> Posted:
        return replace(self, arrival=replace(self.arrival, headers={**self.arrival.headers, name: value}))

    def without(self, *names: str) -> Posted:
        headers = {name: value for name, value in self.arrival.headers.items() if name not in names}
        return replace(self, arrival=replace(self.arrival, headers=headers))


def url_of(source: IntakeSource, site: str) -> str:
    return site.rstrip("/") + reverse("bounces:webhook", args=[source.token])


def a_post(
    source: IntakeSource,
    site: str,
    to: str = "bob@b.example",
    at: datetime | None = None,
    signer: str = "",
    said: Any = None,
) -> Posted:
    """What the provider of that source posts of a bounce. `signer`: somebody else's key, secret or topic."""
    slug, now = source.kind, at or timezone.now()
    event = said if said is not None else samples.EVENTS[slug](to, now)
    if slug in SECRETS:
        secret = signer or SECRETS[slug][1]
        body, headers = samples.SIGNERS[slug](event, secret, url_of(source, site), now)
    else:
        body, headers = SIGNED_BY_THEM[slug](event, signer, now)
    return Posted(source, Arrival(body=body, headers=headers))


def by_amazon(event: Any, signer: str, now: datetime) -> samples.Made:
    message = {**event, "TopicArn": TOPIC, "SigningCertURL": CERTIFICATE_URL}
    made = rsa_key(signer or "amazon").sign(sns.signed_text(message), padding.PKCS1v15(), hashes.SHA256())
    message["Signature"] = base64.b64encode(made).decode()
    headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": str(message.get("Type"))[:90]}
    return json.dumps(message).encode(), headers | {"x-amz-sns-message-id": str(message.get("MessageId"))[:90]}


def by_sendgrid(event: Any, signer: str, now: datetime) -> samples.Made:
    body, moment = json.dumps(event).encode(), str(int(now.timestamp()))
    made = ec_key(signer or "sendgrid").sign(moment.encode() + body, ec.ECDSA(hashes.SHA256()))
    return body, {
        **samples.JSON,
        "x-twilio-email-event-webhook-timestamp": moment,
        "x-twilio-email-event-webhook-signature": base64.b64encode(made).decode(),
    }


def by_postal(event: Any, signer: str, now: datetime) -> samples.Made:
    body = json.dumps(event).encode()
    made = rsa_key(signer or "postal").sign(body, padding.PKCS1v15(), hashes.SHA1())
    return body, {**samples.JSON, "x-postal-signature": base64.b64encode(made).decode()}


SIGNED_BY_THEM = {"amazon_ses": by_amazon, "sendgrid": by_sendgrid, "postal": by_postal}
SLUGS = sorted(PROVIDERS)
