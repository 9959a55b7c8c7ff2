"""`./rebound bench engine`: the reader and the judge against the stdlib's bare parser, on the corpus in memory.

In: `../shared/corpus`; `--mutations N` also reads that many mutated mails, seeded. Out: a line a figure, `name: ours A,
floor B, ratio R, goal G`; exit code 1 where one falls short, 2 without the corpus. CPU time of this process alone.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import importlib
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence

from bounces.classification import classify
from bounces.parsing import read
from bounces.values import Event
from tests.conformance.mutating import mutate
from tests.conformance.scoring import CORPUS, is_there

ROUNDS = 7  # of which the best counts: what disturbs only ever adds
PERL = 705  # mails a CPU second of Sisimai Perl 5.1 on this kind of machine, measured for the issue
GOAL_MAILS = 2 * PERL
GOAL_RATIO = 1.7  # of the stdlib's bare parse
GOAL_P99, GOAL_LONGEST, GOAL_MEGABYTES = 0.050, 1.0, 256
SEED = 3


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench engine", description=__doc__)
    parser.add_argument("--mutations", type=int, default=0, metavar="N", help="also read N mutated mails")
    parser.add_argument("--rows", type=int, default=0, help="how many mails of the corpus; 0: all")
    options = parser.parse_args(arguments)
    if not is_there():
        say("THE CORPUS OF REAL BOUNCES IS NOT HERE: it is expected beside the project, as ../shared/corpus.")
        return 2
    mails = load_mails()[: options.rows or None]
    good = [*tell_speed(mails)]
    if options.mutations:
        good += tell_mutations(mails, options.mutations)
    return 0 if all(good) else 1


def load_mails() -> list[bytes]:
    return [path.read_bytes() for folder in ("mails", "ordinary") for path in sorted((CORPUS / folder).iterdir())]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


# --- speed


def tell_speed(mails: list[bytes]) -> list[bool]:
    ours, floor = measure(judge_all, parse_bare, mails)
    per_second, ratio = len(mails) / ours, ours / floor
    say(f"{len(mails)} mails, best of {ROUNDS} rounds, CPU seconds")
    say(f"stdlib parse (compat32): {floor / len(mails) * 1e6:,.0f} µs a mail, {len(mails) / floor:,.0f} mails/s")
    say(f"read and classify: {ours / len(mails) * 1e6:,.0f} µs a mail, {per_second:,.0f} mails/s")
    tell_flufl(mails)
    say(
        f"mails a CPU second: ours {per_second:,.0f}, floor {PERL} (Sisimai Perl, as measured for issue 3), "
        f"ratio {per_second / PERL:.2f}, goal {GOAL_MAILS / PERL:.2f}"
    )
    say(f"CPU: ours {ours:.3f} s, floor {floor:.3f} s, ratio {ratio:.2f}, goal {GOAL_RATIO:.2f}")
    return [per_second >= GOAL_MAILS, ratio <= GOAL_RATIO]


def measure(ours: Callable[[list[bytes]], None], floor: Callable[[list[bytes]], None], mails: list[bytes]) -> tuple:
    """The best CPU seconds of both, in turns: the machine's pace changes while they run."""
    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for index, work in enumerate((ours, floor)):
            started = time.process_time()
            work(mails)
            best[index] = min(best[index], time.process_time() - started)
    return tuple(best)


def judge_all(mails: list[bytes]) -> None:
    for raw in mails:
        judge(raw)


def judge(raw: bytes) -> None:
    for report in read(raw).reports:
        if report.event in (Event.BOUNCED, Event.DEFERRED):
            classify(report)


def parse_bare(mails: list[bytes]) -> None:
    for raw in mails:
        email.message_from_bytes(raw, policy=email.policy.compat32)


def tell_flufl(mails: list[bytes]) -> None:
    """No dependency of ours, and it gives no reasons: measured where it happens to be installed."""
    try:
        scan = importlib.import_module("flufl.bounce").scan_message
    except ImportError:
        say("flufl.bounce: not installed, left out")
        return
    started = time.process_time()
    for raw in mails:
        scan(email.message_from_bytes(raw))
    spent = time.process_time() - started
    say(f"flufl.bounce, parse and scan: {spent / len(mails) * 1e6:,.0f} µs a mail, {len(mails) / spent:,.0f} mails/s")


# --- safety


def tell_mutations(mails: list[bytes], count: int) -> list[bool]:
    chance = random.Random(SEED)
    spent, failed = [], 0
    for _ in range(count):
        raw = mutate(chance.choice(mails), chance, mails)
        started = time.process_time()
        try:
            judge(raw)
        except Exception as error:  # whatever it is, it is what we look for
            failed += 1
            say(f"raised {type(error).__name__}: {error}")
        spent.append(time.process_time() - started)
    spent.sort()
    p99, longest = spent[int(len(spent) * 0.99)], spent[-1]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"exceptions in {count:,} mutated mails: ours {failed}, goal 0")
    say(f"p99: ours {p99 * 1e3:.1f} ms, goal {GOAL_P99 * 1e3:.0f}")
    say(f"longest: ours {longest * 1e3:.1f} ms, goal {GOAL_LONGEST * 1e3:,.0f}")
    say(f"memory: ours {megabytes:.0f} MB, goal {GOAL_MEGABYTES}")
    return [not failed, p99 <= GOAL_P99, longest <= GOAL_LONGEST, megabytes < GOAL_MEGABYTES]
