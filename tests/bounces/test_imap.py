"""Mailboxes, against a real Dovecot: nothing read twice, nothing moved before it is kept, every refusal in words."""

from __future__ import annotations

import imaplib
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bounces import lease, process, schedule
from bounces.intake import imap, imap_session, mailboxes, watching
from bounces.intake.imap import batches
from bounces.intake.mailboxes import TROUBLE, Turn, read_source, try_source
from bounces.intake.oauth import Client
from bounces.models import Address, InboundItem, IntakeSource, MailboxPosition, RawChunk, Schedule, SourceSeen
from tests.bounces import dovecot
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.bounces.dovecot import PASSWORD, Dovecot, needs_dovecot, server_context

pytestmark = [needs_dovecot, pytest.mark.django_db]

_number = count(1)
AN_HOUR = timedelta(hours=1)


class Tokens(BaseHTTPRequestHandler):
    """Google in small: gives access tokens for refresh tokens (HTTPS), and says whose they are (for Dovecot)."""

    asked: list[str] = []

    def do_GET(self) -> None:
        token = self.path.partition("token=")[2]
        self.answer(f'{{"email": "{token.removeprefix("access-")}"}}' if token.startswith("access-") else "{}")

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Tokens.asked.append(form)
        if "refresh_token=good" in form:
            self.answer(f'{{"access_token": "access-{Tokens.user}", "refresh_token": "good-and-new"}}')
        else:
            self.answer('{"error": "invalid_grant"}', 400)

    user = ""

    def answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: Any) -> None:
        pass


def serve_tokens(folder: Path | None = None) -> HTTPServer:
    server = HTTPServer(("127.0.0.1", 0), Tokens)
    if folder:
        server.socket = server_context(folder).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    tokens = serve_tokens()
    with dovecot.a_folder() as folder, dovecot.serving(folder, tokens.server_port) as running:
        yield running
    tokens.shutdown()
    tokens.server_close()


@pytest.fixture(autouse=True)
def network(settings, server: Dovecot) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    settings.CA_FILE = str(server.authority)


@pytest.fixture
def user() -> str:
    return f"user{next(_number)}"


def a_source(server: Dovecot, name: str, *, trust: str = "trusted", password: str = PASSWORD, **options: Any) -> Any:
    source = IntakeSource(name=f"box-{next(_number)}", kind="imap", trust=trust)
    source.options = {"host": "localhost", "port": server.imaps, "user": name, **options}
    source.secrets = {"password": [password]}
    source.save()
    return source


def read(source: IntakeSource, patience: timedelta = AN_HOUR) -> Turn:
    turn = read_source(source, timezone.now, patience)
    assert turn is not None
    return turn


def some_mails(number: int) -> list[bytes]:
    return [b"Subject: %d\r\n\r\nhello\r\n" % next(_number) for _ in range(number)]


def test_a_bounce_in_a_mailbox_makes_the_address_invalid(server, user):
    server.deliver(user, a_bounce_mail())
    source = a_source(server, user)

    turn = read(source)
    process.run_flow(timezone.now)

    assert (turn.tally.new, turn.trouble) == (1, "")
    assert InboundItem.objects.get().source == f"imap:{source.name}"
    assert Address.objects.get(email=ADA).status == "invalid"
    assert (source.seen.received, source.seen.last_error) == (1, "")


def test_what_was_read_is_not_read_again_and_what_came_since_is(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    assert read(source).tally == imap.Tally()

    server.deliver(user, *some_mails(2))

    assert read(source).tally.new == 2
    assert MailboxPosition.objects.get().uid == 5
    assert server.count(user) == 5


def test_nothing_is_marked_as_seen(server, user):
    server.deliver(user, *some_mails(2))
    read(a_source(server, user))
    assert not [
        path for path in (server.folder / "mail" / user / "cur").glob("*") if "S" in path.name.partition(",")[2]
    ]


def test_what_is_done_is_moved_into_its_folder_which_is_made(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Bounces done")

    read(source)

    assert (server.count(user), server.count(user, "Bounces done")) == (0, 3)
    assert InboundItem.objects.count() == 3


def test_what_is_done_is_deleted_only_where_an_admin_says_so(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    assert server.count(user) == 3
    source.options["done"] = "delete"
    server.deliver(user, *some_mails(1))
    assert read(source).tally.new == 1
    assert server.count(user) == 0


def test_a_reader_that_dies_before_it_keeps_leaves_the_mail_where_it_is(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Done")
    monkeypatch.setattr(imap, "BATCH_MAILS", 1)
    monkeypatch.setattr(imap, "note_received", killed_after(2))
    with pytest.raises(KeyboardInterrupt):
        read(source)
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (2, 1, 1)

    monkeypatch.undo()

    assert read(source).tally.new == 2
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (0, 3, 3)


def test_what_was_kept_and_not_yet_moved_is_moved_the_next_time(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Done")
    monkeypatch.setattr(imap_session.OpenFolder, "put_away", killed_after(1))
    with pytest.raises(KeyboardInterrupt):
        read(source)
    assert (server.count(user), InboundItem.objects.count()) == (3, 3)

    monkeypatch.undo()

    assert read(source).tally.new == 0
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (0, 3, 3)


def killed_after(calls: int) -> Callable[..., None]:
    """Stands for something, and ends the process at that call."""
    left = iter(range(1, calls))

    def die(*args: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    return die


def test_a_folder_with_new_numbers_is_read_anew_and_nothing_is_kept_twice(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    server.forget_numbers(user)
    server.deliver(user, *some_mails(1))

    turn = read(source)

    assert (turn.tally.new, turn.tally.known) == (1, 3)
    assert InboundItem.objects.count() == 4


def test_another_mailbox_in_the_same_source_has_its_own_position(server, user):
    server.deliver(user, *some_mails(3))
    server.deliver(f"{user}b", *some_mails(2))
    source = a_source(server, user)
    read(source)
    source.options["user"] = f"{user}b"
    assert read(source).tally.new == 2


def test_a_mail_above_the_cap_is_named_left_alone_and_stops_nothing(server, user, settings):
    settings.MAIL_CAP = 10_000
    server.deliver(user, *some_mails(1), b"Subject: big\r\n\r\n" + b"x" * 20_000, *some_mails(1))
    source = a_source(server, user, done="move")

    turn = read(source)
    read(source)

    assert (turn.tally.new, turn.tally.refused) == (2, 1)
    refused = InboundItem.objects.get(state="quarantined")
    assert "left on the server" in refused.why
    assert not RawChunk.objects.filter(item_id=refused.pk).exists()
    assert server.count(user) == 1
    assert source.seen.refused == 1


def test_a_mail_that_the_server_cannot_give_out_is_named_and_stops_no_other(server, user, monkeypatch):
    server.deliver(user, *some_mails(5))
    source = a_source(server, user)
    fetch = imap_session.OpenFolder._fetch

    def broken_on_disk(opened: Any, uids: Any, parts: str) -> Any:
        if "BODY" in parts and 3 in uids:
            raise imap_session.NotGivenOut("The server did not give out the mails: NO Unable to retrieve message.")
        return fetch(opened, uids, parts)

    monkeypatch.setattr(imap_session.OpenFolder, "_fetch", broken_on_disk)
    turn = read(source)

    assert (turn.tally.new, turn.tally.refused, turn.trouble) == (4, 1, "")
    assert "does not give it out" in InboundItem.objects.get(state="quarantined").why
    assert read(source).tally == imap.Tally()


def test_a_mail_whose_size_the_server_gives_as_nothing_is_read(server, user, monkeypatch):
    server.deliver(user, *some_mails(2))
    monkeypatch.setattr(imap_session.OpenFolder, "sizes", lambda _, uids: dict.fromkeys(uids, 0))
    assert read(a_source(server, user)).tally.new == 2


def test_a_turn_ends_when_its_patience_does_and_the_next_goes_on(server, user, monkeypatch):
    monkeypatch.setattr(imap, "BATCH_MAILS", 10)
    server.deliver(user, *some_mails(25))
    source = a_source(server, user)
    first = read(source, timedelta())
    assert (first.tally.new, first.is_done) == (10, False)
    assert read(source).tally.new == 15


def test_a_backlog_stands_in_bounded_memory(server, user):
    server.deliver(user, *[b"Subject: %d\r\n\r\n" % n + b"x" * 40_000 + b"\r\n" for n in range(1500)])
    source = a_source(server, user)
    tracemalloc.start()
    turn = read(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert turn.tally.new == 1500
    assert peak < 60 * 1024 * 1024  # of 60 MB of mail, 8 at a time, some of them twice


def test_a_backlog_is_asked_for_in_answers_of_bounded_length(server, user, monkeypatch):
    """imaplib refuses lines above a million bytes: the numbers of 200,000 mails take more."""
    monkeypatch.setattr(imaplib, "_MAXLINE", 1000)
    monkeypatch.setattr(imap_session, "SPAN", 100)
    monkeypatch.setattr(imap_session, "UIDS_AT_ONCE", 50)
    server.deliver(user, *some_mails(350))
    source = a_source(server, user, done="move")
    assert read(source).tally.new == 350
    assert server.count(user) == 0


def test_batches_are_bounded_by_count_and_bytes(settings):
    settings.MAIL_CAP = imap.BATCH_BYTES
    sizes = {1: imap.BATCH_BYTES, 2: 5, 3: 5, 4: imap.BATCH_BYTES + 1, 5: imap.BATCH_BYTES - 10, 6: 1}
    assert list(batches(list(sizes), sizes)) == [[1], [2, 3, 4, 5], [6]]
    assert [len(batch) for batch in batches(range(450), {})] == [200, 200, 50]


def test_who_reads_already_is_not_disturbed(server, user):
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    held = lease.acquire(imap.lease_name(source.pk), AN_HOUR)
    assert held is not None
    assert read_source(source, timezone.now, AN_HOUR) is None
    lease.release(held)
    assert read(source).tally.new == 1


def test_a_reader_that_was_presumed_dead_keeps_nothing(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    fetch = imap_session.OpenFolder.bodies

    def slow(opened: Any, uids: Any) -> Any:
        take_over(source)
        return fetch(opened, uids)

    monkeypatch.setattr(imap_session.OpenFolder, "bodies", slow)
    assert read_source(source, timezone.now, AN_HOUR) is None
    assert InboundItem.objects.count() == 0


def take_over(source: IntakeSource) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE bounces_lease SET fence = fence + 1 WHERE name = %s", [imap.lease_name(source.pk)])


# --- signing in ---------------------------------------------------------------------------------------


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


# --- who reads ----------------------------------------------------------------------------------------


def test_a_source_is_tried_without_touching_anything(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="delete")
    assert try_source(source) == f"Signed in as {user}: 3 mails in “INBOX”. The server tells of new ones at once."
    assert (server.count(user), InboundItem.objects.count()) == (3, 0)
    source.secrets = {"password": "wrong"}
    with pytest.raises(TROUBLE, match="refused the password"):
        try_source(source)


def test_the_command_reads_all_mailboxes_and_says_what_it_was(server, user, capsys):
    server.deliver(user, *some_mails(2))
    good, bad = a_source(server, user), a_source(server, user, password="wrong")
    IntakeSource.objects.create(name="off", kind="imap", trust="token", is_enabled=False)

    with pytest.raises(CommandError, match="Not every mailbox"):
        call_command("intake", "imap", "--once")

    said = capsys.readouterr().out
    assert f"{good.name}: 2 new, 0 here before, 0 too large." in said
    assert f"{bad.name}: 0 new, 0 here before, 0 too large. The server refused the password of {user}." in said
    assert "off" not in said


def test_the_scheduler_has_the_mailboxes_read(server, user, run_jobs):
    server.deliver(user, *some_mails(2))
    source = a_source(server, user)
    assert Schedule.objects.get(task="read_mailboxes").is_enabled

    assert schedule.read_mailboxes(timezone.now()) == "Began reading the mailboxes."
    run_jobs()

    assert InboundItem.objects.filter(source=source.door).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_watched_mailbox_is_read_within_a_moment_and_another_reader_does_nothing(server, user):
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    stop = threading.Event()
    watcher = threading.Thread(target=watching.watch_all, args=(timezone.now, stop))
    watcher.start()
    try:
        wait_for(lambda: InboundItem.objects.count() == 1)
        server.deliver(user, *some_mails(1))
        wait_for(lambda: InboundItem.objects.count() == 2)
        assert read_source(source, timezone.now, AN_HOUR) is None
    finally:
        stop.set()
        watcher.join(15)
    assert lease.is_free(imap.lease_name(source.pk))


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_whose_reader_was_killed_is_read_soon_after_its_lease_ran_out(server, user, monkeypatch):
    """Each look at the taken lease is no failure: it makes the next one no later."""
    monkeypatch.setattr(watching, "LOOK_AGAIN", 0.1)
    monkeypatch.setattr(watching, "PAUSES", (0.1, 60.0, 60.0, 60.0))
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    lease.acquire(imap.lease_name(source.pk), timedelta(seconds=1.5))
    stop = threading.Event()
    watcher = threading.Thread(target=watching.watch_all, args=(timezone.now, stop))
    watcher.start()
    try:
        wait_for(lambda: InboundItem.objects.count() == 1)
    finally:
        stop.set()
        watcher.join(15)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_options_are_read_however_a_form_stored_them():
    source = IntakeSource(options={"host": ["imap.example.com"], "port": [993], "user": "ada"})
    assert mailboxes.mailbox_of(source).host == "imap.example.com"
    source.options = {"sign_in": "google", "user": "ada"}
    assert (mailboxes.mailbox_of(source).host, mailboxes.mailbox_of(source).port) == ("imap.gmail.com", 993)
