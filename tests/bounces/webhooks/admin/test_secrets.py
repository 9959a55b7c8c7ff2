"""Secrets of sources in the admin: asked for by their names, kept, never shown, and refused where they cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from bounces.intake.kinds import WEBHOOKS
from bounces.models import IntakeSource
from tests.bounces.webhooks.admin.pages import SITE, change, press, save
from tests.bounces.webhooks.posting import SECRETS, a_post, a_provider_source, ec_key, public_text, rsa_key
from tests.builders import a_source

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", [kind for kind in WEBHOOKS if kind.slug in SECRETS], ids=lambda kind: kind.slug)
def test_a_secret_is_asked_for_by_its_name_kept_and_never_shown(boss: Client, kind: Any) -> None:
    source = a_source("main", kind.slug)
    (field,) = kind.fields
    assert field.label in boss.get(change(source)).content.decode()

    secrets = [SECRETS[kind.slug][1], TWINS.get(kind.slug, "correct horse battery staple")]
    save(boss, source, **{f"secret_{field.name}": "\n".join(secrets)})

    source.refresh_from_db()
    assert source.secrets == {field.name: secrets}
    page = boss.get(change(source)).content.decode()
    assert ([secret in page for secret in secrets], "2 kept" in page) == ([False, False], True)


LOGIN = "rebound:battery staple"

TWINS = {"resend": "whsec_b3RoZXI=", "brevo": LOGIN, "mailjet": LOGIN, "postmark": LOGIN, "sparkpost": LOGIN}

FLAWED = [
    ("postmark", "secret_login", "battery staple", "Write it as user:password"),
    ("brevo", "secret_login", "rebound:correct\n:staple", "Line 2: Write it as user:password"),
    ("azure", "secret_secret", "too short", "At least 20 characters"),
    ("amazon_ses", "option_topics", "bounces", "no ARN of a topic"),
    ("amazon_ses", "option_topics", "arn:aws:sns:eu-west-1:1:a:0f5b-subscription", "no ARN of a topic"),
    ("sendgrid", "secret_public_key", "nonsense", "cannot be read"),
    ("sendgrid", "secret_public_key", public_text(rsa_key("postal")), "a public key of another kind"),
    ("postal", "secret_public_key", public_text(ec_key("sendgrid")), "a public key of another kind"),
    ("resend", "secret_signing_secret", "whsec_not base64", "cannot be read"),
]


@pytest.mark.parametrize(("slug", "field", "text", "sentence"), FLAWED)
def test_what_can_never_work_is_said_before_it_is_saved(
    boss: Client, slug: str, field: str, text: str, sentence: str
) -> None:
    source = a_source("main", slug)

    assert sentence in save(boss, source, **{field: text}).content.decode()

    source.refresh_from_db()
    assert (source.secrets, source.options) == ({}, {})


@pytest.mark.parametrize(("slug", "field", "text", "sentence"), FLAWED)
def test_what_can_never_work_is_said_when_it_is_tried(
    boss: Client, slug: str, field: str, text: str, sentence: str
) -> None:
    kept, _, name = field.partition("_")
    told: Any = {f"{kept}s": {name: text.splitlines()}}
    source = a_source("main", slug, **told)

    assert sentence.removeprefix("Line 2: ") in press(boss, "test", source)


def test_a_key_in_its_block_of_several_lines_is_one(boss: Client) -> None:
    source, key = a_source("main", "sendgrid"), public_text(ec_key("sendgrid"))
    block = f"-----BEGIN PUBLIC KEY-----\n{key[:64]}\n{key[64:]}\n-----END PUBLIC KEY-----\n"

    save(boss, source, secret_public_key=f"{block}{key}")

    source.refresh_from_db()
    assert source.secrets == {"public_key": [key, key]}


def test_without_its_user_and_password_a_request_is_said_to_lack_them(boss: Client) -> None:
    source = a_provider_source("postmark")
    a_post(source, SITE).without("authorization").send(Client())

    assert b"without the user and password of this source" in boss.get(change(source)).content


def test_another_secret_than_the_source_has_is_no_wrong_signature(boss: Client) -> None:
    source = a_provider_source("azure")
    a_post(source, SITE, signer="somebody else's secret").send(Client())

    assert b"It came with another secret" in boss.get(change(source)).content


def test_an_empty_field_keeps_the_secret(boss: Client) -> None:
    source = a_provider_source("mailgun")

    save(boss, source, secret_signing_key="", trust="match")

    source.refresh_from_db()
    assert (source.secrets, source.trust) == ({"signing_key": ["a key of Mailgun"]}, "match")


def test_a_first_secret_is_required(boss: Client) -> None:
    source = a_source("main", "mailgun")

    assert b"This field is required" in save(boss, source, secret_signing_key="").content


def test_secrets_whose_key_is_gone_are_asked_for_anew(boss: Client, settings: LazySettings) -> None:
    source = a_provider_source("mailgun")
    IntakeSource.objects.update(sealed_secrets="gone")

    assert boss.get(change(source)).status_code == 200
    save(boss, source, secret_signing_key="a new one")

    assert IntakeSource.objects.get().secrets == {"signing_key": ["a new one"]}


def test_topics_are_options_and_shown(boss: Client) -> None:
    source = a_source("main", "amazon_ses")

    save(boss, source, option_topics="arn:aws:sns:eu-west-1:1:a\n\n  arn:aws:sns:eu-west-1:1:b ")

    assert IntakeSource.objects.get().options == {"topics": ["arn:aws:sns:eu-west-1:1:a", "arn:aws:sns:eu-west-1:1:b"]}
    assert b"arn:aws:sns:eu-west-1:1:b" in boss.get(change(source)).content
