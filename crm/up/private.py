"""The private servers, borrowed. In: what a command or a test run needs. Out: both servers, for as long as it lasts.

`up` has its own way (it supervises them). A single command takes what `up` has already started, or starts
them for its duration; commands that overlap share them, and the one that started them goes last.
"""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.up import places, postgres, processes, valkey
from crm.up.places import InUseError, Places, StartError
from crm.up.processes import Program

# These work without any server, or look after the servers themselves.
NEEDS_NO_SERVER = {
    "up",
    "classify",
    "rules",
    "check",
    "help",
    "version",
    "collectstatic",
    "findstatic",
    "diffsettings",
    "spectacular",
}
# With this, those of them that judge mails do so by the rules that are in the database.
ASKS_THE_DATABASE = "--with-ours"
LOG_LINES_SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """Which private servers to run, out of the settings: those whose address the environment does not give."""

    var: Path
    postgres: bool
    redis: bool
    postgres_bin: str = ""

    def __bool__(self) -> bool:
        return self.postgres or self.redis


def wanted(settings: Any) -> Wanted:
    """What Django's settings leave to us."""
    return Wanted(settings.VAR_DIR, settings.USES_PRIVATE_DATABASE, settings.USES_PRIVATE_REDIS, settings.POSTGRES_BIN)


def needs_no_server(arguments: Sequence[str]) -> bool:
    if not arguments or {"-h", "--help", "--version"} & set(arguments):
        return True
    return arguments[0] in NEEDS_NO_SERVER and ASKS_THE_DATABASE not in arguments


@contextmanager
def borrowed(wanted: Wanted, arguments: Sequence[str]) -> Iterator[bool]:
    """Servers for one command of manage.py, where it needs them and nobody runs them yet. True: the database is new."""
    if not wanted or needs_no_server(arguments):
        yield False
        return
    here = places.prepare(wanted.var)
    is_new = False
    with ExitStack() as stack:
        users = stack.enter_context((here.home / "users.lock").open("a"))
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            stack.enter_context(places.locked(here, f"`manage.py {arguments[0]}`"))
        except InUseError:
            _wait_for_the_others(wanted, here)
        else:
            is_new = stack.enter_context(serving(wanted, here))
            stack.callback(fcntl.flock, users, fcntl.LOCK_EX)  # waits until the last command that shares them has ended
        yield is_new


@contextmanager
def serving(wanted: Wanted, here: Places, *, durable: bool = True) -> Iterator[bool]:
    """Start the wanted servers, stop them at the end. Their words go to var/log/. True: the database is new."""
    running: list[tuple[Program, subprocess.Popen[bytes]]] = []
    is_new = False
    try:
        if wanted.redis:
            running.append(_start(valkey.prepare(here), here))
        if wanted.postgres:
            running.append(_start(postgres.prepare(here, wanted.postgres_bin, durable=durable), here))
            _wait(*running[-1], here)
            is_new = postgres.ensure_database(here)
        if wanted.redis:
            _wait(*running[0], here)
        yield is_new
    finally:
        processes.stop(running, seconds=20)


def _start(program: Program, here: Places) -> tuple[Program, subprocess.Popen[bytes]]:
    with _log(program, here).open("wb") as output:
        return program, processes.start(program, output)


def _wait(program: Program, process: subprocess.Popen[bytes], here: Places) -> None:
    answers = {"postgres": postgres.answers, "valkey": valkey.answers}[program.name]
    try:
        processes.wait_until(lambda: answers(here), process, program.name, seconds=60)
    except StartError as error:
        last_words = _log(program, here).read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        raise StartError("\n".join([str(error), *last_words])) from None


def _wait_for_the_others(wanted: Wanted, here: Places) -> None:
    deadline = time.monotonic() + 30
    while (wanted.postgres and not postgres.answers(here)) or (wanted.redis and not valkey.answers(here)):
        if time.monotonic() > deadline:
            raise StartError("Another process is starting or stopping the private servers: try again in a moment.")
        time.sleep(0.1)


def _log(program: Program, here: Places) -> Path:
    return places.log_dir(here.var) / f"{program.name}.log"
