"""The stand's PostgreSQL, killed and started again amid a run. In: the stand's folder. Out: a new one on its data."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

from crm.up import places, postgres, processes
from crm.up.places import StartError

PATIENCE = 60.0  # seconds: an old server's processes may hold its memory for a while


@contextmanager
def falling_postgres() -> Iterator[Callable[[], None]]:
    """Gives a function that kills the server with -9 and has it back after a second."""
    here = places.prepare(Path(os.environ["REBOUND_VAR"]))
    started: list[tuple[processes.Program, subprocess.Popen[bytes]]] = []

    def fall() -> None:
        pid = int((here.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)  # our child: its successor would believe that a process with its number lives
        time.sleep(1)
        started.append(start_again(here))
        connections.close_all()  # our own broke too

    try:
        yield fall
    finally:
        processes.stop(started, seconds=20)


def start_again(here: places.Places) -> tuple[processes.Program, subprocess.Popen[bytes]]:
    deadline = time.monotonic() + PATIENCE
    while True:
        program = postgres.prepare(here)
        with (places.log_dir(here.var) / "postgres-again.log").open("ab") as output:
            process = processes.start(program, output)
        try:
            processes.wait_until(lambda: postgres.answers(here), process, program.name, seconds=20)
        except StartError:
            process.kill()
            process.wait()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return program, process
