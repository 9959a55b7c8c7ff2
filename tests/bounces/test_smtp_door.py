"""The mail server for bounces, by real connections: what it takes, what it refuses, and that 250 means kept."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from bounces import process
from bounces.admin.trying import try_source
from bounces.intake import smtp
from bounces.intake.envelopes import Opening, openings, with_envelope
from bounces.intake.listening import Listener, database_threads, serve
from bounces.intake.places import BadPlace, Place, parse_place
from bounces.intake.smtp import Work
from bounces.issuing import issue_token
from bounces.models import Address, InboundItem, IntakeSource, RawChunk
from bounces.values import Trust
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.bounces.dovecot import make_certificate, server_context

pytestmark = pytest.mark.django_db(transaction=True)

OURS = Opening("smtp:ours", Trust.TOKEN, frozenset({"bounces@rebound.example", "@in.rebound.example"}))
ANYWHERE = Place("127.0.0.1", 0)
_number = count(1)


class Door:
    """A running server; `connect` is a client of it."""

    def __init__(self, place: str) -> None:
        self.place = place

    def connect(self) -> smtplib.SMTP:
        host, _, port = self.place.rpartition(":")
        return smtplib.SMTP(host, int(port), timeout=10)


@pytest.fixture(autouse=True)
def domain(settings) -> None:
    settings.RETURN_PATH_DOMAIN = "bounces.rebound.example"


@pytest.fixture
def keeping() -> ExitStack:
    return ExitStack()


@pytest.fixture
def open_door(keeping: ExitStack) -> Iterator[Callable[..., Door]]:
    """`open_door()`: a server on loopback, stopped with the test."""
    stops: list[Callable[[], None]] = []
    threads = keeping.enter_context(database_threads())

    def start(place: Place = ANYWHERE, *, is_lmtp: bool = False, tls: ssl.SSLContext | None = None) -> Door:
        opened: list[str] = []
        is_open, loops = threading.Event(), []

        async def run() -> None:
            stop = asyncio.Event()
            loops.append((asyncio.get_running_loop(), stop))

            def ready(names) -> None:
                opened.extend(names)
                is_open.set()

            await serve([Listener(place, is_lmtp, tls)], Work(lambda: [OURS], timezone.now, threads), stop, ready)

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()

        def end() -> None:
            loop, stop = loops[0]
            loop.call_soon_threadsafe(stop.set)
            thread.join(15)

        stops.append(end)
        assert is_open.wait(10)
        return Door(opened[0])

    keeping.callback(lambda: [end() for end in stops])
    yield start
    keeping.close()


@pytest.fixture
def door(open_door) -> Door:
    return open_door()


def a_return_path(recipient: str = ADA) -> str:
    message = {"event_id": f"r{next(_number)}", "recipient": recipient}
    return issue_token(message, "api:1", None, timezone.now()).return_path


def mails() -> list[InboundItem]:
    return list(InboundItem.objects.filter(form="mail").order_by("pk"))


def test_a_bounce_to_its_return_path_makes_the_address_invalid(door):
    with door.connect() as client:
        client.sendmail("", [a_return_path()], a_bounce_mail())
    process.run_flow(timezone.now)

    (item,) = mails()
    assert (item.state, item.source, item.trust) == ("done", "smtp", "token")
    assert Address.objects.get(email=ADA).status == "invalid"


def test_the_envelope_is_kept_above_the_mail(door):
    path = a_return_path()
    with door.connect() as client:
        client.sendmail("mailer-daemon@mx.example.org", [path], b"Subject: x\r\n\r\n..x\r\n")

    body = bytes(RawChunk.objects.get(item_id=mails()[0].pk).body)
    head = f"Return-Path: <mailer-daemon@mx.example.org>\r\nDelivered-To: {path}\r\n".encode()
    assert body == head + b"Subject: x\r\n\r\n..x\r\n"


def test_a_mail_is_kept_when_it_is_answered_and_once_however_often_it_comes(door):
    path = a_return_path()
    for _ in range(2):
        with door.connect() as client:
            client.sendmail("", [path], a_bounce_mail())
            assert len(mails()) == 1


@pytest.mark.parametrize("recipient", ["bounces@rebound.example", "Any.One@IN.rebound.example"])
def test_a_configured_recipient_is_taken_in_the_name_of_its_source(door, recipient):
    with door.connect() as client:
        client.sendmail("", [recipient], a_bounce_mail())
    assert [item.source for item in mails()] == ["smtp:ours"]


@pytest.mark.parametrize(
    "recipient",
    [
        "ada@example.org",
        "other@rebound.example",
        "b+" + "a" * 47 + "@bounces.rebound.example",
        "b+@bounces.rebound.example",
        "postmaster",
    ],
)
def test_mail_for_anyone_else_is_refused(door, recipient):
    with door.connect() as client:
        client.ehlo()
        client.mail("")
        assert client.rcpt(recipient)[0] == 550
    assert mails() == []


def test_a_forged_token_is_refused_and_one_of_a_real_attempt_is_not(door):
    path = a_return_path()
    forged = path[:-30].replace("a", "b", 1) + path[-30:]
    with door.connect() as client:
        client.ehlo()
        client.mail("")
        assert client.rcpt(forged)[0] == 550
        assert client.rcpt(path.upper())[0] == 250


def test_a_good_recipient_beside_a_bad_one_gets_its_mail(door):
    with door.connect() as client:
        refused = client.sendmail("", ["ada@example.org", a_return_path()], a_bounce_mail())
    assert list(refused) == ["ada@example.org"]
    assert len(mails()) == 1


def test_an_oversized_mail_is_refused_by_its_announced_size_and_by_its_bytes(open_door, settings):
    settings.MAIL_CAP = 10_000
    door, path = open_door(), a_return_path()
    with door.connect() as client:
        client.ehlo()
        assert client.mail("", ["SIZE=20000"])[0] == 552
        client.mail("")
        client.rcpt(path)
        assert client.data(b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * 10_000)[0] == 552
        client.mail("")
        client.rcpt(path)
        assert client.data(b"Subject: x\r\n\r\nsmall\r\n")[0] == 250
    assert len(mails()) == 1


def test_a_line_of_half_a_megabyte_is_no_reason_to_refuse(door):
    with door.connect() as client:
        client.sendmail("", [a_return_path()], a_bounce_mail() + b"\r\n" + b"x" * 500_000 + b"\r\n")
    assert len(mails()) == 1


@pytest.mark.parametrize("bytes_sent", [5_000_000, 20_000_000])
@pytest.mark.parametrize(("is_lmtp", "number"), [(False, 1), (True, 2)])
def test_a_mail_in_one_endless_line_is_answered(open_door, bytes_sent: int, is_lmtp: bool, number: int):
    """RFC 5321 4.2.5: a client that is cut off without a reply sends the same mail again, for days."""
    door = open_door(is_lmtp=is_lmtp)
    with connected(door) as sock:
        recipients = [f"RCPT TO:<{a_return_path()}>" for _ in range(2)]
        for line in ("LHLO me" if is_lmtp else "EHLO me", "MAIL FROM:<>", *recipients, "DATA"):
            sock.sendall(f"{line}\r\n".encode())
            sock.recv(2000)
        sock.sendall(b"x" * bytes_sent + b"\r\n.\r\n")
        said = said_until_the_end(sock)
    assert said.count("552 5.3.4") == number
    assert mails() == []


def test_a_command_without_an_end_is_answered(door):
    with connected(door) as sock:
        sock.recv(1000)
        sock.sendall(b"x" * 5_000_000 + b"\r\n")
        said = said_until_the_end(sock)
    assert said.startswith("500")


def test_who_never_ends_a_line_that_was_refused_is_cut_off(door, monkeypatch):
    monkeypatch.setattr(smtp, "HEARS_OUT", 0.3)
    with connected(door) as sock:
        sock.recv(1000)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            send_for_ever(sock)


def send_for_ever(sock: socket.socket) -> None:
    while True:
        sock.sendall(b"x" * 1_000_000)


def connected(door: Door) -> socket.socket:
    host, _, port = door.place.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def said_until_the_end(sock: socket.socket) -> str:
    said = b""
    while piece := sock.recv(1000):
        said += piece
    return said.decode()


def test_our_own_fault_is_answered_so_that_the_mail_comes_again(door):
    path = a_return_path()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bounces_rawchunk RENAME TO away")
    try:
        with door.connect() as client, pytest.raises(smtplib.SMTPDataError) as failed:
            client.sendmail("", [path], a_bounce_mail())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO bounces_rawchunk")
    assert failed.value.smtp_code == 451
    assert mails() == []


def test_connections_beyond_the_most_are_turned_away_until_one_ends(door, monkeypatch):
    monkeypatch.setattr(smtp, "MOST_CONNECTIONS", 2)
    first, second = door.connect(), door.connect()
    with pytest.raises(smtplib.SMTPConnectError) as turned_away:
        door.connect()
    first.quit()
    with door.connect() as third:
        assert third.noop()[0] == 250
    second.quit()
    assert turned_away.value.smtp_code == 421


def test_one_address_leaves_room_for_others(door, monkeypatch):
    monkeypatch.setattr(smtp, "HERE", frozenset())
    monkeypatch.setattr(smtp, "MOST_OF_ONE", 1)
    with door.connect():
        with pytest.raises(smtplib.SMTPConnectError) as turned_away:
            door.connect()
        host, _, port = door.place.rpartition(":")
        with smtplib.SMTP(host, int(port), timeout=10, source_address=("127.0.0.2", 0)) as other:
            assert other.noop()[0] == 250
    assert turned_away.value.smtp_code == 421


def test_a_connection_over_tls_counts_once_and_makes_room_when_it_ends(open_door, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(smtp, "MOST_CONNECTIONS", 1)
    make_certificate(tmp_path)
    door = open_door(tls=server_context(tmp_path))
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    for _ in range(3):
        with door.connect() as client:
            client._host = "localhost"  # whom the certificate names
            client.starttls(context=trusting)
            client.sendmail("", ["bounces@rebound.example"], a_bounce_mail())
        wait_until_closed(door)

    assert len(mails()) == 1


def wait_until_closed(door: Door) -> None:
    """The server hears of an end a moment later."""
    for _ in range(50):
        try:
            door.connect().quit()
        except smtplib.SMTPConnectError:
            time.sleep(0.1)
        else:
            return


def test_a_hundred_mails_side_by_side_are_all_kept(door):
    paths = [a_return_path() for _ in range(100)]

    def send(path: str) -> None:
        with door.connect() as client:
            client.sendmail("", [path], a_bounce_mail())

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(send, paths))
    assert len(mails()) == 100


@pytest.mark.parametrize("line", [b"\xff\xfe", b"RCPT TO:<>", b"MAIL FROM:" + b"(" * 400, b"X" * 5000, b"DATA", b"\0"])
def test_nonsense_is_answered_and_the_next_command_heard(door, line):
    host, _, port = door.place.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as sock:
        answers = sock.makefile("rb")
        assert answer(answers).startswith(b"220")
        sock.sendall(b"HELO me\r\n")
        assert answer(answers).startswith(b"250")
        sock.sendall(line + b"\r\n")
        assert answer(answers)[:1] in (b"4", b"5")
        sock.sendall(b"NOOP\r\n")
        assert answer(answers).startswith(b"250")


def answer(answers) -> bytes:
    """The last line of the next reply."""
    while (line := answers.readline())[3:4] == b"-":
        pass
    return line


def test_lmtp_over_a_socket_answers_for_each_recipient(open_door, tmp_path: Path):
    open_door(Place(path=str(tmp_path / "lmtp")), is_lmtp=True)
    to = [f"RCPT TO:<{a_return_path(recipient)}>".encode() for recipient in (ADA, "grace@example.org")]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(tmp_path / "lmtp"))
        answers = sock.makefile("rb")
        answer(answers)
        for line in (b"LHLO me", b"MAIL FROM:<>", *to, b"DATA"):
            sock.sendall(line + b"\r\n")
            assert answer(answers)[:1] in (b"2", b"3")
        sock.sendall(a_bounce_mail().replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        assert [answer(answers)[:3] for _ in to] == [b"250", b"250"]
    assert len(mails()) == 1


def test_a_source_is_tried_by_asking_the_server(door, settings):
    settings.SMTP_LISTEN = [door.place]
    source = IntakeSource(name="ours", kind="smtp", trust="token", options={"recipients": ["@in.rebound.example"]})
    tried = try_source(source, timezone.now())
    assert (tried.is_good, "test@in.rebound.example" in tried.sentence) == (True, True)
    source.options = {"recipients": ["nobody@rebound.example"]}
    assert "550" in try_source(source, timezone.now()).sentence
    assert mails() == []


def test_what_sources_take_is_read_from_them():
    told = {"recipients": ["Bounces@Example.com", "in.example.com", "@x.example"]}
    source = IntakeSource.objects.create(name="mx", kind="smtp", trust="match", options=told)
    IntakeSource.objects.create(name="off", kind="smtp", trust="match", options=told, is_enabled=False)
    (opening,) = openings()
    assert (opening.door, opening.trust, opening.source_id) == ("smtp:mx", "match", source.pk)
    assert [opening.takes(each) for each in ("bounces@example.com", "a@in.example.com", "a@example.com")] == [
        True,
        True,
        False,
    ]


def test_what_a_client_calls_an_address_stays_one_header_line():
    assert with_envelope(b"", "a\rX: y\n", ["<b\0c@d>"]) == b"Return-Path: <aX: y>\r\nDelivered-To: bc@d\r\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:25", Place("127.0.0.1", 25)),
        ("[::1]:2525", Place("::1", 2525)),
        (":2525", Place("127.0.0.1", 2525)),
        ("unix:/run/lmtp", Place(path="/run/lmtp")),
    ],
)
def test_a_place_is_a_host_and_port_or_a_socket(text, place):
    assert parse_place(text) == place


@pytest.mark.parametrize("text", ["", "localhost", "localhost:smtp", "localhost:70000", "unix:"])
def test_what_is_no_place_is_told(text):
    with pytest.raises(BadPlace):
        parse_place(text)
