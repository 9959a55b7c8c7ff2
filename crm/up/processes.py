"""One program: started so that it dies with us, waited for, stopped. In: a Program. Out: its process."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from crm.up.places import Account, StartError

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15  # at most 15 characters
# Loaded here, in the parent: after the change of account the child may no longer be able to read it.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """What to start, and how it wants to be stopped."""

    name: str
    command: tuple[str, ...]
    # Whom to run as; None: whoever we are.
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    # The others use it: it starts first and stops last.
    is_server: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    # Sent by the kernel when we die without a word (`kill -9`).
    orphan_signal: signal.Signals = signal.SIGTERM


def die_with_parent(orphan_signal: signal.Signals) -> None:
    """Ask the kernel to signal this process when its parent dies. Only Linux can: elsewhere orphans outlive a `kill`.

    The request is lost by a change of account, so it comes after one.
    """
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)


def be_called(name: str) -> None:
    """What `ps` and `top` call this process: one that was forked has its parent's command line. Only Linux can."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def as_account(account: Account | None) -> dict[str, Any]:
    """The words for subprocess that change the account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def start(program: Program, output: int | IO[Any]) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that a Ctrl-C reaches us alone and we decide the order."""
    parent = os.getpid()

    def tie_to_parent() -> None:
        die_with_parent(program.orphan_signal)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)

    with warnings.catch_warnings():
        # Python 3.12 warns of any fork beside threads; between this fork and its exec nothing takes a lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **program.environment},
            cwd=program.folder,
            start_new_session=True,
            preexec_fn=tie_to_parent,
            **as_account(program.account),
        )


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], name: str, seconds: float) -> None:
    """Wait for a server. Raises StartError when it ended or stays silent."""
    deadline = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None:
            raise StartError(f"{name} ended with code {process.returncode} while starting.")
        if time.monotonic() > deadline:
            raise StartError(f"{name} did not answer within {seconds:.0f} s.")
        time.sleep(0.03)


def stop(
    processes: Iterable[tuple[Program, subprocess.Popen[bytes]]],
    seconds: float,
    pause: Callable[[], None] = lambda: time.sleep(0.03),
) -> None:
    """Stop them side by side: asked twice (a worker then drops its job), at last killed with their children."""
    running = list(processes)
    for share in (0.7, 0.3):
        for program, process in running:
            if process.poll() is None:
                process.send_signal(program.stop_signal)
        deadline = time.monotonic() + seconds * share
        while time.monotonic() < deadline and any(process.poll() is None for _, process in running):
            pause()
    for _, process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
