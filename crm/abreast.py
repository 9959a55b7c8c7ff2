"""Several slow requests at once, each within a deadline, out of one process.

In: how the next piece of work is claimed, done and settled. Out: all of it settled. Claiming and settling happen in the
caller's thread, with its database connection; the work itself, which waits for others' servers, in a thread of its own.
One that outlives its deadline is settled as late and left behind: its thread delays nobody else.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LOOK_AGAIN = 0.5  # seconds between two looks for more to do while something is under way


@dataclass(frozen=True, slots=True)
class Work(Generic[Item, Result]):
    claim: Callable[[], Item | None]  # None: nothing is due
    do: Callable[[Item], Result]  # in a thread of its own; raises nothing, asks no database
    settle: Callable[[Item, Result], None]
    late: Result  # what one that outlived its deadline is settled with


@dataclass(frozen=True, slots=True)
class _UnderWay(Generic[Item]):
    item: Item
    ends: float


def run(work: Work[Item, Result], *, most: int, deadline: float, patience: float) -> int:
    """Works until nothing is due, or begins no more once patience (seconds) has ended. Returns how many."""
    under_way: dict[int, _UnderWay[Item]] = {}
    results: queue.SimpleQueue[tuple[int, Result]] = queue.SimpleQueue()
    numbers = itertools.count(1)
    until, settled = time.monotonic() + patience, 0
    while True:
        while len(under_way) < most and time.monotonic() < until and (item := work.claim()) is not None:
            number = next(numbers)
            under_way[number] = _UnderWay(item, time.monotonic() + deadline)
            _begin(number, item, work.do, results)
        if not under_way:
            return settled
        for number, result in (*_arrived(results), *((late, work.late) for late in _late(under_way))):
            if number in under_way:
                work.settle(under_way.pop(number).item, result)
                settled += 1


def _begin(
    number: int, item: Item, do: Callable[[Item], Result], results: queue.SimpleQueue[tuple[int, Result]]
) -> None:
    threading.Thread(target=lambda: results.put((number, do(item))), daemon=True).start()


def _arrived(results: queue.SimpleQueue[tuple[int, Result]]) -> list[tuple[int, Result]]:
    try:
        return [results.get(timeout=LOOK_AGAIN)]
    except queue.Empty:
        return []


def _late(under_way: dict[int, _UnderWay[Item]]) -> list[int]:
    now = time.monotonic()
    return [number for number, one in under_way.items() if one.ends < now]
