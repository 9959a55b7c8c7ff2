"""Sources in the admin: what each kind is asked for, secrets that are never shown, and “Test this source”."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process
from bounces.intake.kinds import KINDS, WEBHOOKS
from bounces.intake.webhooks import samples
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, InboundItem, IntakeSource, SourceSeen
from tests.bounces.webhooks.posting import SECRETS, a_post, a_provider_source, ec_key, public_text, rsa_key
from tests.builders import a_source, a_user

pytestmark = pytest.mark.django_db
SITE = "http://rebound.example"
ADD = "admin:bounces_intakesource_add"
SIGNED = sorted(samples.SIGNERS)
UNSIGNED = sorted(set(PROVIDERS) - set(samples.SIGNERS))


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(a_user("admin"))
    return client


def change(source: IntakeSource) -> str:
    return reverse("admin:bounces_intakesource_change", args=[source.pk])


def press(client: Client, action: str, source: IntakeSource) -> str:
    """Presses a button and its dialog's; what was said then."""
    response = client.post(reverse(f"admin:bounces_intakesource_{action}", args=[source.pk]), {"_form_submitted": "on"})
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


# --- who may


def test_an_admin_sees_sources_and_a_manager_does_not(client: Client) -> None:
    source = a_provider_source("mailgun")
    pages = [reverse(ADD), reverse("admin:bounces_intakesource_changelist"), change(source)]

    client.force_login(a_user("admin"))
    assert [client.get(page).status_code for page in pages] == [200, 200, 200]
    client.force_login(a_user("manager"))
    assert {client.get(page).status_code for page in pages} <= {302, 403}


@pytest.mark.parametrize("action", ["test", "renew"])
def test_a_manager_presses_no_button_of_it(client: Client, action: str) -> None:
    source = a_provider_source("mailgun")
    client.force_login(a_user("manager"))

    said = press(client, action, source)

    assert (said, IntakeSource.objects.get().token) == ("", source.token)


def test_an_admin_gives_it_a_new_address_and_the_old_one_is_nobodys(boss: Client) -> None:
    source = a_provider_source("mailgun")
    post = a_post(source, SITE)

    assert "new address" in press(boss, "renew", source)

    assert post.send(Client()) == 404


def test_a_button_does_nothing_by_a_link(boss: Client) -> None:
    source = a_provider_source("mailgun")

    boss.get(reverse("admin:bounces_intakesource_renew", args=[source.pk]))

    assert IntakeSource.objects.get().token == source.token


# --- making one


@pytest.mark.parametrize("kind", KINDS)
def test_making_one_leads_on_to_what_its_kind_needs(boss: Client, kind: str) -> None:
    made = boss.post(reverse(ADD), {"name": "main", "kind": kind, "trust": "", "is_enabled": "on"})
    source = IntakeSource.objects.get()

    assert made.headers["Location"] == change(source)
    assert (source.trust, source.created_by is not None) == (KINDS[kind].trust, True)


def test_a_kind_that_there_is_not_is_refused(boss: Client) -> None:
    page = boss.post(reverse(ADD), {"name": "main", "kind": "pigeons", "is_enabled": "on"})

    assert (page.status_code, IntakeSource.objects.count()) == (200, 0)
    assert b"pigeons" in page.content


@pytest.mark.parametrize("name", ["Postmark main", "post/mark", "é", "-main", "main\nmain"])
def test_a_name_that_is_none_is_refused_in_words(boss: Client, name: str) -> None:
    page = boss.post(reverse(ADD), {"name": name, "kind": "postmark", "is_enabled": "on"}).content.decode()

    assert ("like postmark-main" in page, "Constraint" in page) == (True, False)


def test_what_was_never_seen_is_said(boss: Client) -> None:
    page = boss.get(change(a_provider_source("mailgun"))).content.decode()

    assert "never" in page


def test_an_admins_word_on_trust_counts(boss: Client) -> None:
    boss.post(reverse(ADD), {"name": "main", "kind": "mailgun", "trust": "match", "is_enabled": "on"})

    assert IntakeSource.objects.get().trust == "match"


# --- secrets


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


MAILBOX = {
    "option_sign_in": "password",
    "option_host": "imap.example.org",
    "option_user": "bounces@example.org",
    "option_security": "tls",
    "option_done": "move",
    "option_done_folder": "Done",
}


def test_a_mailbox_is_told_line_by_line_and_its_password_is_never_shown(boss: Client) -> None:
    source = a_source("box", "imap", trust="token")

    save(boss, source, **MAILBOX, secret_password="correct horse")
    save(boss, source, **MAILBOX | {"option_port": "993"}, secret_password="")

    source.refresh_from_db()
    assert (source.options["host"], source.options["done"], source.options["port"]) == (
        "imap.example.org",
        "move",
        "993",
    )
    assert source.secrets == {"password": "correct horse"}
    page = boss.get(change(source)).content.decode()
    assert "correct horse" not in page
    assert ["imap.example.org" in page, "Test this source" in page, "5. " in page] == [True] * 3


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"option_host": ""}, "needs a host and a user"),
        ({"option_port": "imap"}, "“imap” is no port"),
        ({"option_done_folder": "INBOX"}, "cannot be moved from “INBOX” to itself"),
    ],
)
def test_a_mailbox_whose_parts_do_not_go_together_is_not_saved(
    boss: Client, told: dict[str, str], sentence: str
) -> None:
    source = a_source("box", "imap", trust="token")

    assert sentence in save(boss, source, **MAILBOX | told).content.decode()

    assert IntakeSource.objects.get().options == {}


def test_a_mailbox_that_cannot_be_reached_says_why_when_it_is_tried(boss: Client) -> None:
    options = {"host": "no.such.invalid", "user": "ada"}
    source = a_source("box", "imap", trust="token", options=options, secrets={"password": "x"})
    assert "There is no server named “no.such.invalid”" in press(boss, "test", source)


def test_recipients_are_several_and_a_server_that_is_off_is_said(boss: Client, settings: LazySettings) -> None:
    source = a_source("mx", "smtp", trust="token")
    assert "names no recipients" in press(boss, "test", source)

    save(boss, source, option_recipients="bounces@example.org\n@in.example.org")

    source.refresh_from_db()
    assert source.options == {"recipients": ["bounces@example.org", "@in.example.org"]}
    assert "not switched on: an operator sets REBOUND_SMTP_LISTEN" in press(boss, "test", source)
    settings.SMTP_LISTEN = ["127.0.0.1:1"]
    assert "Nobody opens at 127.0.0.1:1" in press(boss, "test", source)


def save(client: Client, source: IntakeSource, **data: str) -> Any:
    return client.post(change(source), {"trust": source.trust, "is_enabled": "on", **data})


# --- its page


@pytest.mark.parametrize("kind", WEBHOOKS, ids=lambda kind: kind.slug)
def test_its_page_shows_its_address_and_how_it_is_connected(boss: Client, kind: Any) -> None:
    source = a_provider_source(kind.slug)

    page = boss.get(change(source)).content.decode()

    assert f"{SITE}/in/{source.token}/" in page
    assert [f"{n}. " in page for n in range(1, 6)] == [True] * len(kind.steps)


def test_its_page_says_why_something_was_refused(boss: Client) -> None:
    source = a_provider_source("mailgun")
    a_post(source, SITE, signer="somebody else's").send(Client())

    assert b"The signature is not right" in boss.get(change(source)).content


def test_its_page_says_that_an_error_is_over(boss: Client) -> None:
    source = a_provider_source("mailgun")
    a_post(source, SITE, signer="somebody else's").send(Client())
    a_post(source, SITE).send(Client())
    process.run_flow(timezone.now)

    assert "Over: something was taken since." in boss.get(change(source)).content.decode()


def test_its_page_says_how_much_waits_for_somebody(boss: Client) -> None:
    source = a_provider_source("mailgun")
    IntakeSource.objects.update(trust="match")
    a_post(source, SITE).send(Client())
    process.run_flow(timezone.now)

    assert "1 unverified: the Inbox says why" in boss.get(change(source)).content.decode()


# --- test this source


@pytest.mark.parametrize("slug", SIGNED)
def test_a_test_goes_through_the_real_address_and_leaves_nothing(boss: Client, slug: str) -> None:
    source = a_provider_source(slug)

    said = press(boss, "test", source)

    assert ("read as “bounced of test@rebound.invalid”" in said, PROVIDERS[slug].steps[-1] in said) == (True, True)
    assert (InboundItem.objects.count(), Address.objects.count()) == (0, 0)


@pytest.mark.parametrize("slug", UNSIGNED)
def test_of_those_who_alone_can_sign_a_stranger_is_refused(boss: Client, slug: str) -> None:
    said = press(boss, "test", a_provider_source(slug))

    assert ("was refused (40" in said, PROVIDERS[slug].steps[-1] in said) == (True, True)
    assert SourceSeen.objects.filter(refused__gt=0).count() == 0


@pytest.mark.parametrize("slug", sorted(PROVIDERS))
def test_a_test_without_secrets_says_so(boss: Client, slug: str) -> None:
    source = a_source("main", slug)

    assert any(words in press(boss, "test", source) for words in ("no secret yet", "is empty"))


def test_a_test_of_a_key_that_is_none_says_so(boss: Client) -> None:
    source = a_source("main", "sendgrid", secrets={"public_key": ["nonsense"]})

    assert "cannot be read" in press(boss, "test", source)


def test_a_test_of_a_secret_that_was_cut_says_which(boss: Client) -> None:
    source = a_source("main", "resend", secrets={"signing_secret": ["whsec_b3RoZXI=", "whsec_x"]})

    assert "line 2" in press(boss, "test", source)


def test_a_test_of_what_is_switched_off_says_so(boss: Client) -> None:
    a_provider_source("mailgun")
    IntakeSource.objects.update(is_enabled=False)

    assert "switched off" in press(boss, "test", IntakeSource.objects.get())


def test_a_test_whose_key_is_gone_says_so(boss: Client) -> None:
    a_provider_source("mailgun")
    IntakeSource.objects.update(sealed_secrets="gone")

    assert "REBOUND_SECRETS_KEY" in press(boss, "test", IntakeSource.objects.get())
