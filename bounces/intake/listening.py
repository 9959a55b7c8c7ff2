"""The mail server's life: where it listens, until it is asked to stop. In: addresses. Out: nothing; see `smtp.py`.

Stopping, it takes no new connections and lets those that are in the middle of a mail end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bounces.intake.places import Place
from bounces.intake.smtp import Work, protocol_factory

THREADS = 8  # that speak to the database
GRACE = 5.0  # seconds for mails in the middle
SOCKET_MODE = 0o666  # any local account's mail system may bring mail: it is believed no more than by TCP


Ready = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Listener:
    place: Place
    is_lmtp: bool
    tls: ssl.SSLContext | None = None


async def serve(listeners: Sequence[Listener], work: Work, stop: asyncio.Event, ready: Ready) -> None:
    """Until `stop` is set. Raises OSError where a place is taken, or may not be listened at."""
    servers = [await _listen(listener, work) for listener in listeners]
    try:
        listening = zip(servers, listeners, strict=True)
        ready([name for server, listener in listening for name in _names(server, listener)])
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        await _wait_for_mails(servers)
        for listener in listeners:
            if listener.place.path:
                Path(listener.place.path).unlink(missing_ok=True)


@contextmanager
def database_threads() -> Iterator[ThreadPoolExecutor]:
    """Threads that each keep a connection to the database, closed with them. Not inside the loop: Django refuses it."""
    opened: list[BaseDatabaseWrapper] = []

    def begin() -> None:
        mine = connections[DEFAULT_DB_ALIAS]
        mine.inc_thread_sharing()  # so that it can be closed from here
        opened.append(mine)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="mail", initializer=begin) as threads:
        yield threads
    for each in opened:
        each.close()


async def _listen(listener: Listener, work: Work) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    make = protocol_factory(work, is_lmtp=listener.is_lmtp, tls=listener.tls)
    place = listener.place
    if not place.path:
        return await loop.create_server(make, place.host, place.port)
    with suppress(FileNotFoundError):  # of a process that was killed
        if Path(place.path).is_socket():
            Path(place.path).unlink()
    server = await loop.create_unix_server(make, place.path)
    os.chmod(place.path, SOCKET_MODE)  # noqa: PTH101 -- beside the loop's own socket functions
    return server


def _names(server: asyncio.Server, listener: Listener) -> list[str]:
    if listener.place.path:
        return [str(listener.place)]
    return [f"{sock.getsockname()[0]}:{sock.getsockname()[1]}" for sock in server.sockets]


async def _wait_for_mails(servers: Sequence[asyncio.Server]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            for server in servers:
                await server.wait_closed()


def stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
