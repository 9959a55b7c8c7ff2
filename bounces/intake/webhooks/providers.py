"""The providers whose webhooks are understood: one row each.

In: nothing. Out: for each how it proves itself, what an admin enters, how its events become ours, the steps to connect
it (docs/intake.md is made of them). A new provider is a row here, a sample and a test (tests/bounces/webhooks/).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bounces.intake.webhooks import amazon, flaws, identities, normal, others, signatures, sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.flaws import Flaw
from bounces.intake.webhooks.signatures import Check
from bounces.values import Trust

LOGIN = "login"
TOPICS = "topics"


@dataclass(frozen=True, slots=True)
class Field:
    """What an admin enters. A secret may be several, one a line, while an old one is replaced; `flaw` looks at each."""

    name: str
    label: str
    help_text: str
    is_secret: bool = True
    is_line: bool = False  # one line, never several
    is_required: bool = True
    choices: tuple[tuple[str, str], ...] = ()  # of one line: what may be chosen, the first where nothing is
    flaw: Flaw = flaws.none


@dataclass(frozen=True, slots=True)
class Provider:
    slug: str
    name: str
    check: Check
    fields: tuple[Field, ...]
    # An arrival, at a moment -> events of ours, or why one is none.
    read: Callable[[Arrival, datetime], list[normal.Found]]
    steps: tuple[str, ...]
    trust: Trust = Trust.TRUSTED
    sample: dict[str, Any] | None = None
    identity: Callable[[Arrival], bytes] = identities.of_body

    @property
    def signs(self) -> bool:
        return self.check is not signatures.check_basic

    @property
    def proof(self) -> str:
        """How it proves itself, in words."""
        return PROOFS.get(self.slug, PLAIN_PROOF if self.signs else "user and password in the URL")


PLAIN_PROOF = "HMAC-SHA256 over the body"
PROOFS = {
    "amazon_ses": "RSA signature over the message, Amazon's certificate, the topic",
    "azure": "a secret that Event Grid sends along",
    "mailgun": "HMAC-SHA256 over a moment and a token; each signature counts once",
    "mandrill": "HMAC-SHA1 over the URL and the form",
    "postal": "RSA signature over the body",
    "resend": "HMAC-SHA256 over a moment and the body (Svix)",
    "sendgrid": "ECDSA signature over a moment and the body",
    "unisender_go": "MD5 over the body and the API key",
}


BASIC = Field(
    LOGIN,
    "User and password",
    "As user:password, of your own making. The steps say where the provider is told them.",
    flaw=flaws.of_login,
)
IN_URL = "Its requests carry no signature: the URL holds a user and a password, which nobody else may see."


def _key(name: str, label: str, help_text: str, flaw: Flaw = flaws.none) -> tuple[Field, ...]:
    return (Field(name, label, help_text, flaw=flaw),)


_rows = (
    Provider(
        "amazon_ses",
        "Amazon SES",
        sns.check_sns,
        (
            Field(
                TOPICS,
                "Topics",
                "The ARNs of the SNS topics that may bring events, one a line: arn:aws:sns:eu-west-1:…:bounces",
                is_secret=False,
                flaw=flaws.of_topic,
            ),
        ),
        amazon.read_ses,
        (
            "In Amazon SNS, make a standard topic, and copy its ARN.",
            "In Rebound, add a source of kind Amazon SES with that ARN, and copy its URL.",
            "In SNS, add a subscription to the topic: protocol HTTPS, endpoint the URL, raw message delivery off. "
            "Rebound confirms it by itself.",
            "In SES, make a configuration set with an event destination: the topic, and the events sends, deliveries, "
            "bounces, complaints, delivery delays, rejects, opens, clicks.",
            "Send with that configuration set, once to bounce@simulator.amazonses.com, and look at the source's page.",
        ),
        identity=identities.of_amazon,
    ),
    Provider(
        "brevo",
        "Brevo",
        signatures.check_basic,
        (BASIC,),
        others.read_brevo,
        (
            "In Rebound, add a source of kind Brevo with a user and a password of your own making, and copy its URL.",
            "In Brevo, open Transactional → Settings → Webhook, and add a webhook.",
            "Paste the URL, with user:password@ before the host.",
            "Choose all events but “unsubscribed from contact list”.",
            "Save, press Brevo's test button, and look at the source's page.",
        ),
        trust=Trust.MATCH,
    ),
    Provider(
        "mailersend",
        "MailerSend",
        signatures.hmac_in("signature", "signing_secret"),
        _key("signing_secret", "Signing secret", "Shown by MailerSend beside the webhook."),
        normal.read_by("mailersend"),
        (
            "In Rebound, add a source of kind MailerSend, and copy its URL.",
            "In MailerSend, open Domains → Manage → Webhooks, and add a webhook with that URL.",
            "Choose the events sent, delivered, soft and hard bounced, spam complaint, unsubscribed, opened, clicked.",
            "Copy the webhook's signing secret into the source.",
            "Send a mail, and look at the source's page.",
        ),
    ),
    Provider(
        "mailgun",
        "Mailgun",
        signatures.check_mailgun,
        _key("signing_key", "HTTP webhook signing key", "Mailgun → Sending → Webhooks."),
        normal.read_by("mailgun"),
        (
            "In Mailgun, open Sending → Webhooks, and copy the HTTP webhook signing key.",
            "In Rebound, add a source of kind Mailgun with that key, and copy its URL.",
            "In Mailgun, add a webhook with that URL for each of: accepted, delivered, opened, clicked, permanent "
            "failure, temporary failure, complained, unsubscribed.",
            "Press Mailgun's “Test webhook” with that URL.",
            "Look at the source's page: it says what came.",
        ),
        trust=Trust.MATCH,  # its signature does not cover what it tells
        identity=identities.of_mailgun,
    ),
    Provider(
        "mailjet",
        "Mailjet",
        signatures.check_basic,
        (BASIC,),
        normal.read_by("mailjet"),
        (
            "In Rebound, add a source of kind Mailjet with a user and a password of your own making, and copy its URL.",
            "In Mailjet, open Account settings → Event notifications (triggers).",
            "Paste the URL, with user:password@ before the host, for sent, open, click, bounce, spam, blocked, unsub.",
            "Tick “Group events” for each.",
            "Send a mail, and look at the source's page.",
        ),
        trust=Trust.MATCH,
    ),
    Provider(
        "mailtrap",
        "Mailtrap",
        signatures.hmac_in("mailtrap-signature", "signing_secret"),
        _key("signing_secret", "Signing secret", "Shown by Mailtrap beside the webhook."),
        normal.read_by("mailtrap"),
        (
            "In Rebound, add a source of kind Mailtrap, and copy its URL.",
            "In Mailtrap, open Settings → Webhooks, and create a webhook for your sending stream with that URL.",
            "Choose JSON, and all events.",
            "Copy the webhook's signing secret into the source.",
            "Press “Run test”, and look at the source's page.",
        ),
    ),
    Provider(
        "mandrill",
        "Mandrill (Mailchimp Transactional)",
        signatures.check_mandrill,
        _key("webhook_key", "Webhook key", "Mandrill → Settings → Webhooks, the column Key."),
        normal.read_by("mandrill"),
        (
            "In Rebound, add a source of kind Mandrill, and copy its URL.",
            "In Mandrill, open Settings → Webhooks, and add a webhook with that URL.",
            "Choose message is sent, delayed, bounced, soft-bounced, marked as spam, rejected, opened, clicked, unsub.",
            "Copy the webhook's key into the source. SITE_URL of Rebound has to be the address that Mandrill asks: it "
            "is part of what is signed.",
            "Press “Send test”, and look at the source's page.",
        ),
        identity=identities.of_mandrill,
    ),
    Provider(
        "postal",
        "Postal",
        signatures.check_postal,
        _key("public_key", "Public key", "postal default-dkim-record, the part behind p=", flaws.of_rsa_key),
        normal.read_by("postal"),
        (
            "On Postal's machine, run `postal default-dkim-record`, and copy the part behind p=.",
            "In Rebound, add a source of kind Postal with that public key, and copy its URL.",
            "In Postal, open the mail server → Webhooks, and add a webhook with that URL.",
            "Send it all events.",
            "Send a mail, and look at the source's page.",
        ),
    ),
    Provider(
        "postmark",
        "Postmark",
        signatures.check_basic,
        (BASIC,),
        normal.read_by("postmark"),
        (
            "In Rebound, add a source of kind Postmark with a user and a password of your own making; copy its URL.",
            "In Postmark, open the server → the message stream → Webhooks, and add a webhook with that URL.",
            "Enter the same user and password under “Basic auth”.",
            "Choose delivery, bounce, spam complaint, open, link click, subscription change.",
            "Press “Send test” for Bounce, and look at the source's page.",
        ),
        trust=Trust.MATCH,
    ),
    Provider(
        "resend",
        "Resend",
        signatures.check_svix,
        _key(
            "signing_secret",
            "Signing secret",
            "Begins with whsec_; shown on the webhook's page.",
            flaws.of_svix_secret,
        ),
        normal.read_by("resend"),
        (
            "In Rebound, add a source of kind Resend, and copy its URL.",
            "In Resend, open Webhooks, and add a webhook with that URL.",
            "Choose all email.* events.",
            "Copy the signing secret into the source.",
            "Send a mail to bounced@resend.dev, and look at the source's page.",
        ),
        identity=identities.of_svix,
    ),
    Provider(
        "sendgrid",
        "SendGrid (Twilio)",
        signatures.check_sendgrid,
        _key("public_key", "Verification key", "The public key of the signed event webhook.", flaws.of_elliptic_key),
        normal.read_by("sendgrid"),
        (
            "In Rebound, add a source of kind SendGrid, and copy its URL.",
            "In SendGrid, open Settings → Mail settings → Event webhooks, and create a webhook with that URL.",
            "Choose processed, dropped, deferred, bounced, delivered, opened, clicked, spam reports, unsubscribes.",
            "Switch on “Signed event webhook”, and copy its verification key into the source.",
            "Press “Test your integration”, and look at the source's page.",
        ),
    ),
    Provider(
        "sparkpost",
        "SparkPost",
        signatures.check_basic,
        (BASIC,),
        normal.read_by("sparkpost"),
        (
            "In Rebound, add a source of kind SparkPost with a user and a password of your own making; copy its URL.",
            "In SparkPost, open Configuration → Webhooks, and create a webhook with that URL.",
            "Choose basic authentication, with the same user and password.",
            "Choose all message and engagement events.",
            "Press “Test”, and look at the source's page.",
        ),
        trust=Trust.MATCH,
    ),
    Provider(
        "unisender_go",
        "Unisender Go",
        signatures.check_unisender,
        _key("api_key", "API key", "Of the account or project whose events are told."),
        normal.read_by("unisender_go"),
        (
            "In Unisender Go, copy the API key of the account or project.",
            "In Rebound, add a source of kind Unisender Go with that key, and copy its URL.",
            "In Unisender Go, open Integrations → Webhooks, and add a webhook with that URL, format JSON.",
            "Choose all statuses of messages.",
            "Send a mail, and look at the source's page.",
        ),
    ),
    Provider(
        "forwardemail",
        "Forward Email",
        signatures.hmac_in("x-webhook-signature", "webhook_key"),
        _key("webhook_key", "Webhook signature payload verification key", "My account → Domains → Advanced settings."),
        others.read_forwardemail,
        (
            "In Rebound, add a source of kind Forward Email, and copy its URL.",
            "In Forward Email, open My account → Domains → Settings → Outbound SMTP.",
            "Paste the URL as the bounce webhook.",
            "Copy the webhook signature key of the domain's advanced settings into the source.",
            "Send a mail to an address that does not exist, and look at the source's page.",
        ),
    ),
    Provider(
        "azure",
        "Azure Communication Services",
        signatures.secret_in("x-rebound-secret", "secret"),
        _key(
            "secret",
            "Secret",
            "Of your own making, 20 characters or more; Event Grid sends it along.",
            flaws.of_own_secret,
        ),
        others.read_azure,
        (
            "In Rebound, add a source of kind Azure with a secret of your own making, and copy its URL.",
            "In Azure, open the communication resource → Events, and add an event subscription of type web hook.",
            "Choose Email Delivery Report Received and Email Engagement Tracking Report Received; paste the URL.",
            "Under Delivery properties add the header X-Rebound-Secret, static, secret, with that secret.",
            "Create it: Rebound answers the handshake. Send a mail, and look at the source's page.",
        ),
    ),
)
PROVIDERS: dict[str, Provider] = {row.slug: row for row in _rows}
