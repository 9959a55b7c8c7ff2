"""Reading and judging many mails, in this process or in several.

In: bytes of mails. Out: for each its `Reading` and the verdict on each report, in the order of the mails. Stages: parse
and classify. Pure; holds a few hundred mails at a time, however many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context

from bounces.classification.answer import judge
from bounces.classification.ruleset import Reason, Rule, RuleSet
from bounces.parsing import read
from bounces.values import Judgement, Reading

BATCH = 64  # mails handed over at once: what costs is the handing over
Outcome = tuple[Reading, tuple[Judgement | None, ...]]


def read_and_judge(raw: bytes, rules: RuleSet | None = None) -> Outcome:
    """What one mail is, and the verdict on each of its reports; None for what did not fail."""
    reading = read(raw)
    return reading, tuple(judge(report, rules) for report in reading.reports)


def read_many(mails: Iterable[bytes], jobs: int = 1, rules: RuleSet | None = None) -> Iterator[Outcome]:
    """In `jobs` processes; with one, in this. By the shipped rules where no others are given."""
    if jobs <= 1:
        yield from (read_and_judge(raw, rules) for raw in mails)
        return
    # What is compiled does not travel: each process compiles its own.
    given = (rules.rules, rules.reasons) if rules else None
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=take_rules, initargs=(given,)) as pool:
        waiting: deque[Future[list[Outcome]]] = deque()
        source = iter(mails)
        while batch := list(islice(source, BATCH)):
            waiting.append(pool.submit(read_batch, batch))
            if len(waiting) > 2 * jobs:
                yield from waiting.popleft().result()
        yield from chain.from_iterable(future.result() for future in waiting)


_rules: RuleSet | None = None


def take_rules(given: tuple[tuple[Rule, ...], dict[str, Reason]] | None) -> None:
    """What a process does first."""
    global _rules
    _rules = RuleSet(*given) if given else None


def read_batch(mails: list[bytes]) -> list[Outcome]:
    return [read_and_judge(raw, _rules) for raw in mails]
