"""An endpoint that hangs or drips delays its own messages alone: a deadline for the whole request, several at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import LazySettings
from django.utils import timezone

from bounces import network
from bounces.sealing import seal
from crm.models import WebhookDelivery, WebhookEndpoint
from crm.webhooks import announcing, sending
from crm.webhooks.signing import make_secret
from tests.crm.listening_tool import Tool, listening

pytestmark = pytest.mark.django_db
DEADLINE = 1.0


@pytest.fixture(autouse=True)
def hurried(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(sending, "DEADLINE", DEADLINE)


def drip(piece: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """One piece at a time, each well within any timeout of a step."""

    def answer(sock: socket.socket, stop: threading.Event) -> None:
        while not stop.wait(0.1):
            sock.sendall(piece)

    return answer


def drip_headers(sock: socket.socket, stop: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    drip(b"x-more: 1\r\n")(sock, stop)


def drip_body(sock: socket.socket, stop: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    drip(b"0")(sock, stop)


def say_nothing(sock: socket.socket, stop: threading.Event) -> None:
    stop.wait()


@contextmanager
def a_bad_server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Its port."""
    stop = threading.Event()

    def talk(sock: socket.socket) -> None:
        with sock:
            try:
                answer(sock, stop)
            except OSError:
                stop.wait(0)  # the other side has hung up

    def accept() -> None:
        while not stop.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(sock,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)


def a_message(url: str, number: int = 0, endpoint: WebhookEndpoint | None = None) -> WebhookDelivery:
    endpoint = endpoint or WebhookEndpoint.objects.create(
        name=f"tool {number}", url=url, topics=["guard.paused"], sealed_secret=seal(make_secret())
    )
    return announcing.queue_test(endpoint, timezone.now())


def send() -> float:
    """How many seconds it took."""
    began = time.monotonic()
    sending.send_due(timezone.now, patience=30)
    return time.monotonic() - began


BAD = {"silent": say_nothing, "dripping headers": drip_headers, "dripping body": drip_body, "dripping TLS": drip(b"x")}


@pytest.mark.parametrize("name", BAD)
def test_a_request_ends_at_its_deadline(name: str) -> None:
    """One whose status and headers have come is decided: the rest is only shown."""
    scheme = "https" if "TLS" in name else "http"
    with a_bad_server(BAD[name]) as port:
        delivery = a_message(f"{scheme}://127.0.0.1:{port}/")
        took = send()

    delivery.refresh_from_db()
    state = "taken" if "body" in name else "waiting"
    assert (delivery.state, delivery.tries, took < DEADLINE + 2) == (state, 1, True)
    assert delivery.answer


def test_bad_endpoints_delay_no_other(tool: Tool) -> None:
    with ExitStack() as stack:
        for number, answer in enumerate(BAD.values()):
            a_message(f"http://127.0.0.1:{stack.enter_context(a_bad_server(answer))}/", number)
        for number in range(20):
            a_message(tool.url, 100 + number)
        took = send()

    assert (len(tool.taken), took < DEADLINE + 3) == (20, True)
    assert tool.last_at - tool.first_at < DEADLINE


def test_an_endpoint_gets_its_messages_one_by_one_and_in_order(tool: Tool) -> None:
    tool.takes = 0.05
    first = a_message(tool.url)
    ids = [first.message_id, *(a_message("", endpoint=first.endpoint).message_id for _ in range(4))]

    send()

    assert [headers["webhook-id"] for headers, _ in tool.taken] == ids
    assert tool.most_at_once == 1


def test_a_dns_that_does_not_answer_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *_, **__: stop.wait(30))
    delivery = a_message("http://tool.example/")

    took = send()
    stop.set()

    delivery.refresh_from_db()
    assert (took < DEADLINE + 2, "DNS did not answer" in delivery.answer) == (True, True)


@pytest.fixture
def tool() -> Iterator[Tool]:
    with listening() as found:
        yield found
