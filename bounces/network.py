"""Where we connect to: servers that a person named, and none inside the operator's network unless he allows it.

In: a host and a port from a form, the networks that the operator allows (`REBOUND_ALLOWED_NETWORKS`). Out: a socket
connected to an address that was looked at, or `Unreachable` with a sentence for people. The name is resolved once:
what was looked at is what is connected to, whatever the DNS says the next time. A `Deadline` bounds all of it together,
and what follows: a timeout of each step would let a server drip for ever.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from bounces.public_addresses import Network, is_public

SECONDS = 20


class Unreachable(Exception):
    """We cannot, or will not, connect there. The message says why, for people."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """One address of a host that may be connected to."""

    host: str
    family: int
    sockaddr: tuple[str | int | bytes, ...]


def parse_networks(texts: Iterable[str]) -> list[Network]:
    """ "10.1.0.0/16": raises ValueError where one is no network."""
    return [ipaddress.ip_network(text.strip(), strict=False) for text in texts if text.strip()]


def are_networks(texts: Iterable[str]) -> bool:
    try:
        parse_networks(texts)
    except ValueError:
        return False
    return True


def vet(host: str, port: int, seconds: float = SECONDS) -> list[Vetted]:
    """The addresses of a host that we may connect to. Raises Unreachable where there is none."""
    try:
        found = _look_up(host, port, seconds)
    except (socket.gaierror, UnicodeError) as error:
        raise Unreachable(f"There is no server named “{host}”, or the DNS does not answer.") from error
    except TimeoutError as error:
        raise Unreachable(f"The DNS did not answer within {seconds:.0f} seconds when asked for “{host}”.") from error
    allowed = parse_networks(settings.ALLOWED_NETWORKS)
    good = [
        Vetted(host, family, tuple(sockaddr))
        for family, _, _, _, sockaddr in found
        if is_public(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]), allowed)
    ]
    if not good:
        raise Unreachable(
            f"“{host}” leads to {found[0][4][0]}, which is not a public address. "
            "An operator can allow its network by REBOUND_ALLOWED_NETWORKS."
        )
    return good


def _look_up(host: str, port: int, seconds: float) -> list[Any]:
    """The system's resolver cannot be interrupted: a thread of its own waits for it, which ends when it gives up.

    Raises gaierror, UnicodeError, TimeoutError.
    """
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    return answer.result(seconds)


def connect(host: str, port: int, seconds: float = SECONDS) -> socket.socket:
    """A connection to the first vetted address that answers, within so many seconds in all. Raises Unreachable."""
    failure: OSError | None = None
    until = time.monotonic() + seconds
    found = vet(host, port, seconds)
    for place, vetted in enumerate(found):
        sock = socket.socket(vetted.family, socket.SOCK_STREAM)
        sock.settimeout(max(0.1, (until - time.monotonic()) / (len(found) - place)))  # each its share of what is left
        try:
            sock.connect(vetted.sockaddr)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.settimeout(seconds)
            return sock
    if isinstance(failure, TimeoutError):
        raise Unreachable(f"{host} did not answer at port {port} within {seconds:.0f} seconds.") from failure
    if isinstance(failure, ConnectionRefusedError):
        raise Unreachable(f"Nothing listens at port {port} of {host}.") from failure
    raise Unreachable(f"{host} cannot be reached at port {port}: {failure}.") from failure


def tls_context() -> ssl.SSLContext:
    """Certificates are always checked: against the system's authorities, and those of `REBOUND_CA_FILE`."""
    context = ssl.create_default_context()
    if settings.CA_FILE:
        context.load_verify_locations(settings.CA_FILE)
    return context


def secure(sock: socket.socket, host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """TLS over a connection. Raises Unreachable."""
    try:
        return context.wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise tls_failure(error, host, port) from error


def tls_failure(error: Exception, host: str, port: int) -> Unreachable:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(f"The certificate of {host} is not valid: {error.verify_message}.")
    if isinstance(error, ssl.SSLError):
        return Unreachable(f"{host} does not speak TLS at port {port}: is it the right port, or STARTTLS?")
    return Unreachable(f"{host} broke off while TLS began at port {port}.")


class Deadline:
    """Bounds a whole conversation: looking up, connecting, TLS, and every byte of the answer.

    Its socket is shut down when the time is over, whatever its user waits for. A context manager.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._until = time.monotonic() + seconds
        self._watched: socket.socket | None = None
        self._timer: threading.Timer | None = None

    @property
    def left(self) -> float:
        return max(0.1, self._until - time.monotonic())

    def connect(self, host: str, port: int) -> socket.socket:
        """Raises Unreachable."""
        sock = connect(host, port, self.left)
        self._watched = sock.dup()  # TLS will take the other one over
        self._timer = threading.Timer(self.left, self._shut)
        self._timer.daemon = True
        self._timer.start()
        return sock

    def _shut(self) -> None:
        self.is_over = True
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._watched is not None:
            self._watched.close()
