"""`./rebound chaos doubles`: everything is there twice, orphans and sleepers too, and still each thing happens once.

In: `--minutes M`, `--events N`, `--seed N`. Out: what was done to whom, a line a figure; exit code 1 where an effect is
doubled or lost, or the state is another than that of the same events, each told once, in order, undisturbed.

Two schedulers, two mailbox readers and two workers work at once while events come in. Workers are killed and their jobs
run on beside the next one's; jobs, readers and schedulers are stopped amid their work, and go on when their leases have
long been taken by others.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from tests.chaos.arrivals import disturbed, stories
from tests.chaos.crew import children_of, wait_until
from tests.chaos.doors import House, doors_of, open_house
from tests.chaos.intake import PATIENCE, begin, judge, mails_of, run_calm, say, wait_until_settled

WORKERS = ("worker 1", "worker 2")
SLEEPERS = ("mailbox reader", "second reader", "scheduler", "second scheduler")
ASLEEP = 3.0  # seconds: longer than a hurried lease
A_JOB_COMES = 2.0  # seconds to wait for one


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound chaos doubles", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--events", type=int, default=5_000, metavar="N")
    parser.add_argument("--seed", type=int, default=6, metavar="N")
    options = parser.parse_args(arguments)
    with open_house(everything_twice) as house:
        begun = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        told = stories(options.events, options.seed, begun)
        expected = run_calm(house, told)
        calm = begin(house, told)
        sent = disturbed(calm, options.seed)
        seen, threads = house.send(sent, options.minutes * 60, PATIENCE, options.seed)
        did = trouble(house, options.minutes * 60, Random(options.seed))
        for thread in threads:
            thread.join()
        is_settled = wait_until_settled(house, mails_of(sent), time.monotonic() + PATIENCE)
        say(", ".join(f"{count} {what}" for what, count in sorted(did.items())))
        failed = judge(house, calm, sent, seen, expected, is_settled=is_settled)
        return failed or int(not did["jobs orphaned"] or not did["jobs put to sleep"])


def everything_twice(web: int, smtp: int) -> dict[str, tuple[str, ...]]:
    words = doors_of(untied, web, smtp)
    return words | {"second scheduler": words["scheduler"], "second reader": words["mailbox reader"]}


def untied(*words: str) -> tuple[str, ...]:
    return ("-m", "tests.chaos.untied", *words)


def trouble(house: House, seconds: float, chance: Random) -> Counter[str]:
    """One orphan or one sleeper after the other, as long as it lasts."""
    did: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        house.crew.start_missing()
        worker = house.crew.running[chance.choice(WORKERS)]
        what = chance.choice(("orphan", "job", "job", "process"))
        if what == "process":
            did["readers and schedulers put to sleep"] += put_to_sleep(house.crew.running[chance.choice(SLEEPERS)].pid)
        elif not wait_until(partial(children_of, worker.pid), A_JOB_COMES):
            did["jobs waited for in vain"] += 1
        elif what == "orphan":
            worker.kill()
            did["jobs orphaned"] += 1
        else:
            did["jobs put to sleep"] += sum(put_to_sleep(job) for job in children_of(worker.pid)[:1])
    return did


def put_to_sleep(pid: int) -> int:
    """Stopped for longer than any lease lasts; then it goes on as if nothing had happened. Whether it was there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(ASLEEP)
        finally:
            os.kill(pid, signal.SIGCONT)
        return 1
    return 0
