"""The processes that are killed: real workers and a scheduler, started again as `up` would.

In: what to start, in an environment that names an installation's servers (`tests.bench.stand`). Out: faults, by the
seeded chance of the caller. The supervisor of `up` has a test of its own; here it is left out: its patience costs time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random


def hurried(*words: str) -> tuple[str, ...]:
    return ("-m", "tests.chaos.hurried", *words)


# Two of the kind that is killed most: the second one takes over while the first starts again.
WORDS = {
    "worker 1": hurried("worker", "bulk"),
    "worker 2": hurried("worker", "bulk"),
    "scheduler": hurried("scheduler"),
}


class Crew:
    def __init__(self, words: dict[str, tuple[str, ...]]) -> None:
        self.words = words
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.log = Path(os.environ["REBOUND_VAR"]) / "crew.log"

    def start_missing(self) -> None:
        for name, words in self.words.items():
            if name not in self.running or self.running[name].poll() is not None:
                with self.log.open("ab") as output:
                    self.running[name] = subprocess.Popen([sys.executable, *words], stdout=output, stderr=output)

    def kill(self, name: str) -> None:
        """`kill -9`; its forked job dies with it."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def kill_job(self, name: str) -> None:
        """Only the fork that does the work, as the kernel does where memory runs out."""
        for child in children_of(self.running[name].pid):
            os.kill(child, signal.SIGKILL)

    def stop(self) -> None:
        for name in list(self.running):
            self.kill(name)


@contextmanager
def at_work(words: dict[str, tuple[str, ...]] = WORDS) -> Iterator[Crew]:
    crew = Crew(words)
    crew.start_missing()
    try:
        yield crew
    finally:
        crew.stop()


def strike(crew: Crew, chance: Random) -> str:
    """One fault, drawn from `chance`; says which, and has the dead started again."""
    workers = sorted(name for name in crew.words if name.startswith("worker"))
    did = [f"kill -9 of {name}" for name in chance.choice([workers, workers, workers[:1], workers[1:]])]
    if chance.random() < 0.1:
        did = []
        for name in workers:
            crew.kill_job(name)
        did.append("kill -9 of the jobs alone")
    else:
        for sentence in did:
            crew.kill(sentence.removeprefix("kill -9 of "))
    if chance.random() < 0.3 and "scheduler" in crew.running:
        crew.kill("scheduler")
        did.append("kill -9 of the scheduler")
    if chance.random() < 0.2:
        wipe_redis()
        did.append("Redis wiped")
    crew.start_missing()
    return ", ".join(did)


def wipe_redis() -> None:
    import django_rq

    django_rq.get_connection("bulk").flushall()


def wait_until(is_so: Callable[[], object], seconds: float) -> bool:
    """Whether it came to be in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
