"""Mailboxes and recipients of the mail server in the admin."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from bounces.models import IntakeSource
from tests.bounces.webhooks.admin.pages import change, press, save
from tests.builders import a_source

pytestmark = pytest.mark.django_db

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
