"""`./rebound chaos cleaning`: cleaning runs whose workers are killed at random points, each against an undisturbed one.

In: `--kills N`, `--seed N`. Out: a line a figure; exit code 1 where a run does not go on by itself, or ends in another
state. Every run judges the same population from the same beginning; each third is also taken back.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.bench.stand import standing
from tests.chaos import crew as faults
from tests.chaos.crew import Crew
from tests.chaos.state import differences, state_of

if TYPE_CHECKING:
    from bounces.models import CleaningRun

PATIENCE = 120.0  # seconds, within which a killed run has to be at its end

RESET = (
    "TRUNCATE bounces_statuschange, bounces_cleaningrow, bounces_cleaningtarget, bounces_cleaningrun, bounces_ruling,"
    " bounces_dirty, bounces_outbox RESTART IDENTITY CASCADE",
    "UPDATE bounces_address"
    " SET status = 'unverified', status_rule = '', status_changed_at = NULL, reevaluate_at = NULL, evidence = NULL",
    "VACUUM bounces_address",
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound chaos cleaning", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="runs to kill amid their work")
    parser.add_argument("--rows", type=int, default=1000, metavar="N", help="addresses")
    parser.add_argument("--seed", type=int, default=4, metavar="N")
    options = parser.parse_args(arguments)
    with standing(with_pages=False):
        from tests.bench import population

        population.load(options.rows)
        with faults.at_work() as crew:
            return disturb(crew, options.kills, Random(options.seed))


@dataclass
class Fault:
    """One strike, so many seconds after the beginning; then what it was, and whether the run was going on."""

    at: float
    strike: Callable[[], str]
    what: str = ""
    was_amid: bool = False


def disturb(crew: Crew, kills: int, chance: Random) -> int:
    begin()
    carry_through(with_undo=False, fault=None)  # waits for the crew's first start
    expected, lasts = {}, {}
    for with_undo in (False, True):
        begin()
        lasts[with_undo] = carry_through(with_undo=with_undo, fault=None)
        expected[with_undo] = state()
    say(f"undisturbed: a run takes {lasts[False]:.1f} s, with its undo {lasts[True]:.1f} s")
    failures, amid, runs, longest = 0, 0, 0, 0.0
    while amid < kills and runs < 2 * kills:
        runs += 1
        with_undo = runs % 3 == 0
        fault = Fault(chance.uniform(0, lasts[with_undo]), lambda: faults.strike(crew, chance))
        begin()
        longest = max(longest, carry_through(with_undo=with_undo, fault=fault))
        wrong = differences(expected[with_undo], state())
        amid += fault.was_amid
        failures += bool(wrong)
        if wrong:
            say(f"run {runs}: after {fault.what} at {fault.at:.2f} s, other {', '.join(wrong)}")
    say(f"runs killed amid their work: {amid}; just before or after it: {runs - amid}")
    say(f"longest until the end: ours {longest:.1f} s, goal {PATIENCE:.0f} s")
    say(f"runs that ended in another state: ours {failures}, goal 0")
    return 1 if failures else 0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def begin() -> None:
    """The population as it was loaded: judged by nobody."""
    from django.db import connection

    with connection.cursor() as cursor:
        for text in RESET:
            cursor.execute(text)


def state() -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        return state_of(cursor)


def carry_through(*, with_undo: bool, fault: Fault | None) -> float:
    """Starts a run, and its undo once it is done; the crew does the work. Returns how many seconds it took."""
    from django.utils import timezone

    from bounces import cleaning

    started = time.monotonic()
    run = cleaning.start_run(via="command", now=timezone.now())
    is_done = wait_for(run, started, fault)
    if run.state != run.State.DONE:
        say(f"run {run.pk} is “{run.state}” after {fault.what if fault else 'nothing'}: {run.error}")
    if with_undo and is_done:
        cleaning.undo_run(run, a_person(), "Tried.", timezone.now())
        wait_for(run, started, fault)
    if fault and not fault.what:
        fault.what = fault.strike()
    return time.monotonic() - started


def wait_for(run: CleaningRun, started: float, fault: Fault | None) -> bool:
    """Whether the run came to its end; the fault strikes meanwhile."""
    while time.monotonic() < started + PATIENCE:
        run.refresh_from_db()
        if fault and not fault.what and time.monotonic() >= started + fault.at:
            fault.was_amid = run.is_running
            fault.what = fault.strike()
        elif not run.is_running:
            return True
        time.sleep(0.02)
    return False


def a_person() -> object:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_or_create(email="boss@rebound.example", defaults={"role": "manager"})[0]
