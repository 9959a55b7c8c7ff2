"""Load: requests that are ready to be sent, over connections that stay open, to this machine alone.

In: an address on 127.0.0.1, requests as bytes. Out: how long each took, and over all. Bounded by count and time. Plain
sockets: a client that parses would measure itself.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Run:
    """`times`: seconds of each request; `seconds`: of all of them."""

    times: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    @property
    def median(self) -> float:
        return statistics.median(self.times) * 1000


def a_request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def run(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Run:
    """Each request once, over so many connections, for at most so long. Raises where one is not answered 200."""
    waiting, times, failures = iter(requests), [], []
    lock = threading.Lock()
    started = time.perf_counter()
    until = started + seconds

    def work() -> None:
        try:
            times.extend(post_all(port, shared(waiting, lock), until))
        except Exception as error:  # of a thread: told by the one that waits for it
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"The load failed: {failures[0]!r}")
    return Run(times, time.perf_counter() - started)


def shared(waiting: Iterator[bytes], lock: threading.Lock) -> Iterator[bytes]:
    while True:
        with lock:
            each = next(waiting, None)
        if each is None:
            return
        yield each


def post_all(port: int, requests: Iterator[bytes], until: float) -> list[float]:
    times = []
    with socket.create_connection((HOST, port), timeout=30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            begun = time.perf_counter()
            sock.sendall(request)
            status = read_answer(sock)
            times.append(time.perf_counter() - begun)
            if status != 200:
                raise RuntimeError(f"answered {status}")
            if time.perf_counter() > until:
                break
    return times


def read_answer(sock: socket.socket) -> int:
    """The status, once the whole answer is here: its length is given."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError("The server closed the connection.")
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += sock.recv(65536)
    return int(head[9:12])
