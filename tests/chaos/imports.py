"""`./rebound chaos imports`: imports whose workers are killed at random points, each against an undisturbed one.

In: `--kills N`, `--rows N` of the file, `--seed N`. Out: a line a figure; exit code 1 where an import does not go on by
itself, or ends in another state. Every import brings the same file to the same contacts: new ones, changed ones,
repeated and bad rows. Each second one is also taken back, to the very rows that were there before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.bench.stand import standing
from tests.chaos import crew as faults
from tests.chaos.cleaning import Fault, a_person, say, state
from tests.chaos.crew import Crew
from tests.chaos.state import differences

if TYPE_CHECKING:
    from contacts.models import ImportRun

PATIENCE = 120.0  # seconds, within which a killed import has to be at its end
OWN = {"imports", "rows of imports"}  # what an import leaves of itself, taken back or not


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound chaos imports", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="imports to kill amid their work")
    parser.add_argument("--rows", type=int, default=1500, metavar="N", help="of the file")
    parser.add_argument("--seed", type=int, default=6, metavar="N")
    options = parser.parse_args(arguments)
    with standing(with_pages=False), tempfile.TemporaryDirectory() as folder:
        before = there_before(Path(folder), options.rows)
        file = "".join(lines(options.rows)).encode()
        with faults.at_work() as crew:
            return disturb(crew, options.kills, Random(options.seed), before, file)


def lines(rows: int) -> list[str]:
    """A third of them is about contacts that are there, of which half change."""
    head = "email,first_name,company,title,tags,external_id\n"
    written = []
    for n in range(rows):
        at = n - 7 if n % 20 == 19 else n
        email = f"p{at}.example" if n % 50 == 25 else f"p{at}@c{at % 40}.example"
        title = "Old" if at % 6 == 0 else "New"
        written.append(f"{email},First{at},Company {at % 90},{title},fair-{at % 3},id{at}\n")
    return [head, *written]


def there_before(folder: Path, rows: int) -> dict[str, Path]:
    """Every third person, with the title that half of the file's rows change; kept as copies of the tables."""
    from django.utils import timezone

    from contacts.importing import runs, working
    from contacts.importing.options import Options
    from tests.bench.importing import copy_out

    head, *body = lines(rows)
    file = (head + "".join(line.replace(",New,", ",Old,") for line in body[::3])).encode()
    run = runs.take_file([file], "before.csv", by=None, via="command", now=timezone.now())
    runs.begin(run, run.mapping, Options(source="before", at_once=True))
    working.work(run.pk, timezone.now)
    return copy_out(folder, WRITTEN)


WRITTEN = (
    "bounces_address", "contacts_company", "contacts_tag", "contacts_contact", "contacts_contactaddress",
    "contacts_contact_tags", "contacts_activity",
)  # fmt: skip


def begin(before: dict[str, Path]) -> None:
    from tests.bench.evaluate import execute
    from tests.bench.importing import copy_in

    own = "contacts_importrow, contacts_importpack, contacts_importrun, contacts_importchunk"
    execute(f"TRUNCATE {', '.join(WRITTEN)}, {own} CASCADE")
    copy_in(before)


def disturb(crew: Crew, kills: int, chance: Random, before: dict[str, Path], file: bytes) -> int:
    from tests.contacts.importing import state_hash

    begin(before)
    carry_through(file, with_undo=False, fault=None)  # waits for the crew's first start
    expected, lasts = {}, {}
    begin(before)
    untouched = state_hash()
    for with_undo in (True, False):
        begin(before)
        lasts[with_undo], _ = carry_through(file, with_undo=with_undo, fault=None)
        expected[with_undo] = state()
        if with_undo and state_hash() != untouched:
            say("an undisturbed undo does not give back what was there")
            return 1
    _, again = carry_through(file, with_undo=False, fault=None)
    say(f"the same file again, rows written: ours {again.wrote}, goal 0")
    say(f"undisturbed: an import takes {lasts[False]:.1f} s, with its undo {lasts[True]:.1f} s")
    failures = int(again.wrote > 0 or bool(set(differences(expected[False], state())) - OWN))
    amid, runs, longest = 0, 0, 0.0
    while amid < kills and runs < 2 * kills:
        runs += 1
        with_undo = runs % 2 == 0
        fault = Fault(chance.uniform(0, lasts[with_undo]), lambda: faults.strike(crew, chance))
        begin(before)
        took, run = carry_through(file, with_undo=with_undo, fault=fault)
        longest, amid = max(longest, took), amid + fault.was_amid
        wrong = differences(expected[with_undo], state())
        if with_undo and state_hash() != untouched:
            wrong.append("what was there before")
        failures += bool(wrong)
        if wrong:
            say(f"import {runs}: after {fault.what} at {fault.at:.2f} s ({run.state}), other {', '.join(wrong)}")
    say(f"imports killed amid their work: {amid}; just before or after it: {runs - amid}")
    say(f"longest until the end: ours {longest:.1f} s, goal {PATIENCE:.0f} s")
    say(f"imports that ended in another state: ours {failures}, goal 0")
    return 1 if failures or amid < kills else 0


def carry_through(file: bytes, *, with_undo: bool, fault: Fault | None) -> tuple[float, ImportRun]:
    """Brings the file, confirms it, takes it back where asked; the crew does the work. How many seconds it took."""
    from django.utils import timezone

    from contacts.importing import runs
    from contacts.importing.options import Options

    started = time.monotonic()
    run = runs.take_file([file], "people.csv", by=None, via="page", now=timezone.now())
    runs.begin(run, run.mapping, Options(source="people.csv"))
    steps: list[Callable[[], Any]] = [lambda: runs.confirm(run, None, timezone.now())]
    if with_undo:
        steps.append(lambda: runs.undo(run, a_person(), "Tried.", timezone.now()))
    is_there = wait_for(run, started, fault)
    for step in steps:
        if is_there:
            step()
            is_there = wait_for(run, started, fault)
    if fault and not fault.what:
        fault.what = fault.strike()
    return time.monotonic() - started, run


def wait_for(run: ImportRun, started: float, fault: Fault | None) -> bool:
    """Whether the import came to where a person goes on; the fault strikes meanwhile."""
    while time.monotonic() < started + PATIENCE:
        run.refresh_from_db()
        if fault and not fault.what and time.monotonic() >= started + fault.at:
            fault.was_amid = run.is_running
            fault.what = f"{fault.strike()} while {run.get_state_display()}"
        elif not run.is_running:
            return True
        time.sleep(0.02)
    return False
