"""Signing in to mailboxes, by password and by OAuth2: every refusal in words."""

from __future__ import annotations

from typing import Any

import pytest

from bounces.intake import imap_session, mailboxes
from bounces.intake.oauth import Client
from bounces.models import SourceSeen
from tests.bounces.dovecot import PASSWORD, needs_dovecot
from tests.bounces.imap.mailbox import Tokens, a_source, read, serve_tokens, some_mails

pytestmark = [needs_dovecot, pytest.mark.django_db]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mailbox_is_read_over_tls(server, user, security):
    server.deliver(user, *some_mails(1))
    port = server.imaps if security == "tls" else server.imap
    assert read(a_source(server, user, security=security, port=port)).tally.new == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"host": "no.such.invalid"}, "There is no server named “no.such.invalid”"),
        ({"port": 1}, "Nothing listens at port 1 of localhost."),
        ({"folder": "Nope"}, "There is no folder “Nope” in the mailbox."),
        ({"security": "tsl"}, "“tsl” is no choice for security. There are: tls, starttls, none."),
        ({"port": "imap"}, "“imap” is no port"),
        ({"user": ""}, "needs a host and a user"),
        ({"done": "move", "done_folder": "INBOX"}, "cannot be moved from “INBOX” to itself"),
    ],
)
def test_what_is_wrong_is_said_on_the_source_in_words(server, user, options, sentence):
    source = a_source(server, user, **options)
    turn = read(source)
    assert sentence in turn.trouble
    assert SourceSeen.objects.get(source=source).last_error == turn.trouble


def test_a_wrong_password_is_said_and_forgotten_when_it_is_right(server, user):
    source = a_source(server, user, password="wrong")
    assert read(source).trouble == f"The server refused the password of {user}."
    source.secrets = {"password": PASSWORD}
    source.save()
    read(source)
    assert SourceSeen.objects.get(source=source).last_error == ""


def test_no_password_at_all_is_asked_for(server, user):
    source = a_source(server, user, password="")
    assert read(source).trouble == "The mailbox needs a password."


def test_tls_at_the_port_without_it_is_said(server, user):
    assert "does not speak TLS" in read(a_source(server, user, port=server.imap)).trouble


def test_a_certificate_that_nobody_vouches_for_is_refused(server, user, settings):
    settings.CA_FILE = ""
    assert "certificate of localhost is not valid" in read(a_source(server, user)).trouble


def test_a_host_inside_the_network_is_refused_unless_an_operator_allows_it(server, user, settings):
    settings.ALLOWED_NETWORKS = []
    for host in ("localhost", "127.0.0.1", "0177.0.0.1", "2130706433", "::ffff:127.0.0.1", "169.254.169.254", "[::1]"):
        assert "not a public address" in (trouble := read(a_source(server, user, host=host)).trouble) or (
            "no server named" in trouble
        ), host


def test_a_server_that_goes_away_is_said(server, user, monkeypatch):
    server.deliver(user, *some_mails(1))

    def hang_up(opened: Any, uids: Any) -> Any:
        opened.session.client.sock.close()
        opened.session.client.file.close()
        return list(opened._fetch(uids, "(UID)"))

    monkeypatch.setattr(imap_session.OpenFolder, "sizes", hang_up)
    assert read(a_source(server, user)).trouble.startswith(("The connection to localhost broke", "localhost closed"))


def test_google_and_microsoft_give_a_token_for_what_an_admin_pasted(server, user):
    server.deliver(user, *some_mails(1))
    Tokens.user = user
    tokens = serve_tokens(server.folder)
    source = a_source(server, user, sign_in="microsoft", client_id="ours", tenant="them")
    source.options["token_url"] = f"https://localhost:{tokens.server_port}/token"
    source.secrets = {"client_secret": "s3cret", "refresh_token": "good"}
    source.save()

    assert read(source).tally.new == 1

    source.refresh_from_db()
    assert source.secrets == {"client_secret": "s3cret", "refresh_token": "good-and-new"}
    assert "grant_type=refresh_token" in Tokens.asked[-1]
    assert "client_secret=s3cret" in Tokens.asked[-1]
    source.secrets = {"client_secret": "s3cret", "refresh_token": "revoked"}
    assert "Microsoft gave no access token: the refresh token has expired" in read(source).trouble
    tokens.shutdown()
    tokens.server_close()


def test_a_token_of_somebody_else_is_refused_by_the_server(server, user):
    Tokens.user = "somebody-else"
    tokens = serve_tokens(server.folder)
    source = a_source(
        server, user, sign_in="google", client_id="ours", token_url=f"https://localhost:{tokens.server_port}/"
    )
    source.secrets = {"client_secret": "s", "refresh_token": "good"}
    assert "refused the access token" in read(source).trouble
    tokens.shutdown()
    tokens.server_close()


@pytest.mark.parametrize(
    ("provider", "told", "missing"),
    [
        ("google", {}, ["a client id", "a client secret", "a refresh token"]),
        ("google", {"client_id": "c", "client_secret": "s", "refresh_token": "r"}, []),
        ("microsoft", {"client_id": "c"}, ["a client secret", "the tenant"]),
        ("microsoft", {"client_id": "c", "client_secret": "s", "tenant": "them"}, []),
        ("microsoft", {"client_id": "c", "refresh_token": "r"}, []),
    ],
)
def test_what_a_provider_will_ask_for_is_asked_of_the_admin_first(provider, told, missing):
    known = {"client_id": "", "client_secret": "", "refresh_token": ""}
    assert mailboxes.missing_of(Client(provider, **known | told)) == missing


def test_without_a_client_id_no_provider_is_asked(server, user):
    said = read(a_source(server, user, sign_in="google")).trouble
    assert said == "To sign in by OAuth2 it needs a client id, a client secret, a refresh token."
