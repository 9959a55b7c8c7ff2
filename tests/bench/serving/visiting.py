"""Visits: people who open pages of a server on this machine, each at their own pace, as one who is signed in.

In: a port, a cookie, pages in turns, so many people, the pause of each between two pages. Out: what each was like.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.bench.serving.counting import POSTGRES, PYTHON, QUERIES
from tests.bench.serving.load import HOST

PATIENCE = 120  # seconds


@dataclass(frozen=True, slots=True)
class Visit:
    name: str
    milliseconds: float
    size: int  # bytes of HTML, before compression
    queries: int
    python: float  # the processor's milliseconds
    postgres: float  # likewise

    @property
    def work(self) -> float:
        return self.python + self.postgres


def visit_all(port: int, cookie: str, pages: Iterable[tuple[str, str]], people: int, pause: float) -> list[Visit]:
    """Each (name, URL) once, by whoever is free. Raises where one is not answered 200."""
    waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for each in pages:
        waiting.put(each)
    visits: list[Visit] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            while not failures:
                visits.append(visit(port, cookie, *waiting.get_nowait()))
                time.sleep(pause)
        except queue.Empty:
            return
        except Exception as error:  # of a thread: told by the one that waits for it
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(people)]
    for thread in threads:
        thread.start()
        time.sleep(pause / people)
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"A visit failed: {failures[0]!r}")
    return visits


def visit(port: int, cookie: str, name: str, url: str) -> Visit:
    """On a connection of its own, as a browser that pauses for longer than the server keeps one."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    begun = time.perf_counter()
    connection.request("GET", url, headers={"Cookie": cookie})
    try:
        response = connection.getresponse()
        body = response.read()
    except TimeoutError as error:
        raise RuntimeError(f"{name}: {url} did not answer within {PATIENCE} seconds") from error
    taken = (time.perf_counter() - begun) * 1000
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{name}: {url} answered {response.status}")
    queries, *costs = (response.headers[each] for each in (QUERIES, PYTHON, POSTGRES))
    return Visit(name, taken, len(body), int(queries), *map(float, costs))
