"""How long it takes to judge history again: a rule that is tried, one that changes everything, and taking that back.

The floor is what no way of doing it is spared: reading bounces and evidence in chunks, and judging each, nothing
written. An address has three bounces, a bounce one piece of evidence, its words those of the shipped examples.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable
from typing import Any

from tests.bench.stand import say, standing

SEED = 7
LOADED = 2_000  # at once
RARE = 324  # one bounce in so many is judged otherwise by the tried rule: 37 of 12,000
GOALS = {"try": 2.0, "apply": 6.0, "undo": 9.0}
MEMORY = 150  # MB more than before, whatever the number of bounces


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./rebound bench rejudge")
    parser.add_argument("--rows", type=int, default=12_000, help="bounces")
    rows = parser.parse_args(arguments).rows
    with standing():
        load(rows)
        before = peak()
        floor = seconds(judge_only)
        results = [
            said("try a rule", "try", seconds(lambda: preview(rare=True)), floor),
            *everything(floor),
        ]
        grown = peak() - before
        print(f"memory: {grown:.0f} MB more at most, goal {MEMORY} MB")  # noqa: T201
    return 0 if all(results) and grown <= MEMORY else 1


def said(name: str, goal: str, ours: float, floor: float) -> bool:
    return say(name, ours * 1000, floor * 1000, GOALS[goal])


def everything(floor: float) -> list[bool]:
    """A rule that changes each bounce, applied and taken back."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from bounces import cleaning

    run = preview(rare=False)
    boss = get_user_model().objects.get(email="bench@rebound.example")
    cleaning.apply_run(run, boss)
    applied = seconds(lambda: cleaning.work(run.pk, timezone.now))
    run.refresh_from_db()
    cleaning.undo_run(run, boss, "measured", timezone.now())
    undone = seconds(lambda: cleaning.work(run.pk, timezone.now))
    return [said("apply to all", "apply", applied, floor), said("take back all", "undo", undone, floor)]


def load(rows: int) -> None:
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.utils import timezone

    from bounces import process
    from bounces.classification import load_rules
    from bounces.classification.ruleset import Table
    from bounces.recording import record

    get_user_model().objects.get_or_create(email="bench@rebound.example", defaults={"role": "admin"})
    words = [example for rule in load_rules().of(Table.PHRASES) for example in rule.examples]
    dice = random.Random(SEED)
    for start in range(0, rows, LOADED):
        with transaction.atomic():
            record([failure(number, dice.choice(words)) for number in range(start, min(start + LOADED, rows))])
    process.run_flow(timezone.now)


def failure(number: int, words: str) -> Any:
    from django.utils import timezone

    from bounces.classification import classify
    from bounces.recording import Told
    from bounces.values import Event, Report, Trust

    email = f"person{number // 3}@d{number % 997}.example"
    said = f"{words} mark{'rare' if number % RARE == 0 else 'often'}"
    report = Report(Event.BOUNCED, email, diagnostic=said, message_id=f"{number}@rebound.example")
    return Told(
        item_id=number,
        source="bench",
        trust=Trust.TRUSTED,
        event_key=str(number),
        payload_digest=str(number),
        received_at=timezone.now(),
        email=email,
        report=report,
        judgement=classify(report),
    )


def judge_only() -> None:
    from bounces.models import Bounce
    from bounces.rejudging.working import JUDGE_CHUNK, judge_all
    from bounces.rules_in_force import rules_in_force

    last, rules = 0, rules_in_force()
    while bounces := list(Bounce.objects.filter(pk__gt=last).select_related("address").order_by("pk")[:JUDGE_CHUNK]):
        judge_all(bounces, rules)
        last = bounces[-1].pk


def preview(*, rare: bool) -> Any:
    """A rule that is tried; or one that is in force, and history judged by it."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from bounces import cleaning
    from bounces.models import CleaningRun, RuleOverride
    from bounces.rejudging.starting import rejudge_history, try_rule

    boss = get_user_model().objects.get(email="bench@rebound.example")
    row = RuleOverride(
        name="rare" if rare else "often",
        table="phrases",
        patterns=["mark(?:rare)" if rare else "mark(?:rare|often)"],
        reason="suspend",
        example="550 markrare",
        note="measured",
    )
    if rare:
        run = try_rule(row.as_override(), by=boss, now=timezone.now())
    else:
        row.save()
        run = rejudge_history(by=boss, now=timezone.now())
    cleaning.work(run.pk, timezone.now)
    found: CleaningRun = CleaningRun.objects.select_related("rejudging").get(pk=run.pk)
    print(f"{found.rejudging.found:,} of {found.rejudging.judged:,} bounces change, {found.changes:,} addresses move")  # noqa: T201
    return found


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
