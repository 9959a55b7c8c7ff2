"""Whatever people, tools and clocks do to an address, and in whatever order: facts and policy alone decide.

Random walks of three addresses: facts of every date, restores, holds, standings, rulings taken back, two policies in
turns, news, runs, undone runs. In the end each address is what `plain_policy.py` says of its rows. Invariant I4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from bounces import cleaning, lease, policy, rulings
from bounces.addresses import keep_addresses
from bounces.models import Address, Bounce, CleaningRun, Dirty, Policy, Ruling, StatusChange
from bounces.policy_versions import make_version
from bounces.recording import record
from bounces.standings import restand
from bounces.values import Event, Fault, Judgement, Kind, Standing
from tests.bounces import plain_policy
from tests.bounces.histories import a_person, told
from tests.bounces.test_policy_properties import bounded, undone
from tests.builders import NOW

pytestmark = pytest.mark.django_db

EMAILS = ("ada@example.org", "bob@example.org", "eve@example.net")
STRICT = {"hard_limit": 1, "soft_row_days": 2, "soft_row_span_days": 3, "soft_window_count": 3, "risk_count": 1}
LOOSE = {"hard_limit": 2, "soft_window_count": 6, "soft_window_days": 30, "risk_count": 3, "reply_grace_days": 0}


@dataclass
class World:
    """Where a walk is: its clock, and the runs that it has made."""

    now: datetime = NOW
    runs: list[CleaningRun] = field(default_factory=list)

    def address(self, who: int) -> Address:
        email = EMAILS[who]
        return Address.objects.get(pk=keep_addresses([email])[email])


Step = Callable[[World], None]


def a_fact(who: int, days: float, event: Event, judgement: Judgement | None, reason: str) -> Step:
    def happen(world: World) -> None:
        at = world.now - timedelta(days=days)
        codes = {"replycode": "550", "status": "5.1.1"} if judgement and judgement.kind == Kind.HARD else {}
        with transaction.atomic():
            record([told(event, 0, judgement, occurred_at=at, recipient=EMAILS[who], **codes)])

    return happen


def a_ruling(who: int, rule: Callable[..., Any], days: float) -> Step:
    def happen(world: World) -> None:
        rule(world.address(who), a_person(), "somebody said so", world.now - timedelta(days=days))

    return happen


def a_waiver(who: int, rule: str, days: float) -> Step:
    def happen(world: World) -> None:
        address = world.address(who)
        Ruling.objects.create(
            address=address, kind="waive", rule=rule, effective_at=world.now - timedelta(days=days), reason="undone",
            by=a_person(), at=world.now,
        )  # fmt: skip
        Dirty.objects.create(address_id=address.pk)

    return happen


def a_verification(who: int, days: float, ok: bool) -> Step:
    def happen(world: World) -> None:
        address = world.address(who)
        Address.objects.filter(pk=address.pk).update(verified_at=world.now - timedelta(days=days), verified_ok=ok)
        Dirty.objects.create(address_id=address.pk)

    return happen


def standings(who: int, standing: Standing, number: int) -> Step:
    def happen(world: World) -> None:
        some = list(Bounce.objects.filter(address__email=EMAILS[who]).values_list("pk", flat=True)[:number])
        restand(Bounce.objects.filter(pk__in=some), standing)

    return happen


def taken_back(which: int) -> Step:
    def happen(world: World) -> None:
        made = Ruling.objects.filter(kind__in=["restore", "waive", "uphold"])
        ids = list(made.order_by("pk").values_list("pk", flat=True))
        rulings.take_back(ids[which::3], a_person(), world.now)

    return happen


def a_policy(numbers: dict[str, int]) -> Step:
    def happen(world: World) -> None:
        make_version({**Policy.active().numbers, **numbers}, by=a_person(), note="another mood")

    return happen


def time_passes(days: float) -> Step:
    def happen(world: World) -> None:
        world.now += timedelta(days=days)

    return happen


def news(world: World) -> None:
    held = lease.acquire("flow", timedelta(seconds=30))
    assert held is not None
    policy.evaluate_news(world.now, held)
    lease.release(held)


def a_run(world: World) -> None:
    run = cleaning.start_run(via="command", now=world.now)
    assert cleaning.work(run.pk, lambda: world.now)
    run.refresh_from_db()
    world.runs.append(run)


def an_undo(world: World) -> None:
    undoable = [run for run in world.runs if run.can_undo]
    if undoable:
        take_back(undoable[-1], world.now)


def take_back(run: CleaningRun, now: datetime) -> None:
    cleaning.undo_run(run, a_person(), "it was wrong", now)
    assert cleaning.work(run.pk, lambda: now)
    run.refresh_from_db()


def statuses() -> dict[str, str]:
    return dict(Address.objects.values_list("email", "status"))


who = st.integers(0, len(EMAILS) - 1)
# The last are of clocks that run ahead, and of no calendar.
of_the_past = st.sampled_from([0.0, 0.2, 1.0, 2.0, 8.0, 14.0, 15.0, 29.9, 30.0, 31.0, 90.0, 91.0, 400.0])
days = st.one_of(of_the_past, of_the_past, st.sampled_from([-0.1, -3.0, -800.0, 14000.0]))
reasons = st.sampled_from(["mailboxfull", "userunknown", "suspend"])
judgements = st.builds(
    Judgement,
    st.sampled_from([Kind.HARD, Kind.SOFT]),
    st.sampled_from([Fault.RECIPIENT, Fault.RECIPIENT, Fault.UNKNOWN, Fault.INFRASTRUCTURE, Fault.SENDER]),
    reasons,
    st.booleans(),
    st.just("test"),
)
failures = st.builds(a_fact, who, days, st.just(Event.BOUNCED), judgements, reasons)
signs = st.builds(
    a_fact, who, days, st.sampled_from([Event.DELIVERED, Event.REPLIED, Event.CLICKED]), st.none(), st.just("")
)
rules = st.sampled_from(["hard_bounce", "soft_in_a_row", "soft_in_window", "soft_recent", "undeliverable", "alive"])
decisions = st.one_of(
    st.builds(a_ruling, who, st.sampled_from([rulings.restore, rulings.hold]), st.sampled_from([0.0, 1.0, 20.0])),
    st.builds(a_waiver, who, rules, days),
    st.builds(a_verification, who, days, st.booleans()),
    st.builds(
        standings, who, st.sampled_from([Standing.COUNTED, Standing.HELD, Standing.DISCARDED]), st.integers(1, 3)
    ),
    st.builds(taken_back, st.integers(0, 2)),
)
judging = st.one_of(
    st.just(news),
    st.just(a_run),
    st.just(an_undo),
    st.builds(a_policy, st.sampled_from([STRICT, LOOSE])),
    st.builds(time_passes, st.sampled_from([0.01, 1.0, 13.0, 30.0, 100.0])),
)
walks = st.lists(st.one_of(failures, failures, signs, decisions, judging), max_size=16)


def walk(steps: Sequence[Step]) -> World:
    keep_addresses(EMAILS)
    world = World()
    for step in steps:
        step(world)
    return world


def said_of(address: Address, now: datetime) -> tuple[str, str, datetime | None]:
    said = plain_policy.judge(address, Policy.active(), now)
    return said.status, said.rule, said.reevaluate_at


@settings(bounded, max_examples=40)
@given(walks)
def test_after_any_walk_news_and_a_run_leave_what_the_policy_in_plain_words_says(steps: list[Step]) -> None:
    with undone():
        world = walk(steps)

        news(world)
        a_run(world)

        for address in Address.objects.all():
            assert (address.status, address.status_rule, address.reevaluate_at) == said_of(address, world.now)


@settings(bounded, max_examples=40)
@given(walks)
def test_after_any_walk_a_second_run_writes_nothing(steps: list[Step]) -> None:
    with undone():
        world = walk(steps)
        a_run(world)
        written = StatusChange.objects.count()

        a_run(world)

        assert world.runs[-1].changes == 0
        assert StatusChange.objects.count() == written


@settings(bounded, max_examples=40)
@given(walks, st.lists(failures, min_size=1, max_size=6), st.sampled_from([None, STRICT, LOOSE]))
def test_after_any_walk_an_undo_restores_each_status_and_the_next_run_writes_nothing(
    steps: list[Step], more: list[Step], numbers: dict[str, int] | None
) -> None:
    with undone():
        world = walk(steps)
        a_run(world)
        before = statuses()
        for step in [*more, *([a_policy(numbers)] if numbers else [])]:
            step(world)
        a_run(world)
        run = world.runs[-1]
        if run.can_undo:
            take_back(run, world.now)

        assert statuses() == before
        assert run.kept == sum(row.outcome == "kept" for row in run.rows.all())
        a_run(world)
        assert world.runs[-1].changes == 0
