"""What holds for every history: any order, any doubling, any clock, any way of judging give one status.

Random facts of one address, told through the flow's own recorder; each example is rolled back. Invariant I4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounces import cleaning, lease, policy
from bounces.addresses import keep_addresses
from bounces.models import Address, CleaningRun, Dirty, Policy, StatusChange
from bounces.verdict import facts_of, judge
from tests.bounces import plain_policy
from tests.bounces.histories import (
    EMAIL,
    Fact,
    clicked,
    complained,
    deferred,
    delivered,
    hard,
    replied,
    restored,
    soft,
    upheld,
    verified,
    waived,
)
from tests.builders import NOW

pytestmark = pytest.mark.django_db
# The same examples each time, so that a failure is everybody's; `derandomize` off finds new ones.
bounded = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Told = tuple[Callable[..., Fact], tuple[Any, ...]]

# Days on a coarse grid meet each other and the policy's limits; fractions put several facts into one day.
days = st.one_of(
    st.sampled_from([0.1, 1, 2, 8, 14, 15, 16, 29, 30, 31, 90, 91]), st.integers(0, 1200).map(lambda n: n / 10)
)
rules = st.sampled_from(["hard_bounce", "soft_in_a_row", "soft_in_window", "soft_recent", "undeliverable", "alive"])
facts = st.one_of(
    st.tuples(st.just(soft), st.tuples(days, st.sampled_from(["recipient", "unknown", "infrastructure", "sender"]))),
    st.tuples(st.just(soft), st.tuples(days)),
    st.tuples(st.just(hard), st.tuples(days, st.sampled_from(["recipient", "infrastructure", "sender"]))),
    st.tuples(st.sampled_from([delivered, replied, clicked, deferred, complained, restored]), st.tuples(days)),
    st.tuples(st.just(waived), st.tuples(rules, days)),
    st.tuples(st.just(upheld), st.tuples(st.sampled_from(["invalid", "at_risk"]), days, st.sampled_from([None, 9]))),
)
# One verification at most: a row keeps the newest, and the histories write it directly.
histories = st.tuples(
    st.lists(facts, max_size=9), st.lists(st.tuples(st.just(verified), st.tuples(days, st.booleans())), max_size=1)
).map(lambda parts: [make(*arguments) for make, arguments in parts[0] + parts[1]])
clocks = st.integers(0, 130 * 24).map(lambda hours: NOW + timedelta(hours=hours))

Outcome = tuple[str, str, datetime | None, str]


@contextmanager
def undone() -> Iterator[None]:
    """What happens here did not happen."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def outcome() -> Outcome:
    """The sentence without its "since", which is when the status began: that is history."""
    address = Address.objects.get(email=EMAIL)
    return address.status, address.status_rule, address.reevaluate_at, sentence_of(address)


def sentence_of(address: Address) -> str:
    facts = facts_of([address.pk], NOW)[address.pk]
    return judge(replace(facts, since=None, suppressed=None, hold=None)).sentence


def judged(now: datetime) -> Outcome:
    policy.judge_now([keep_addresses([EMAIL])[EMAIL]], now)
    return outcome()


def tell(history: Sequence[Fact]) -> None:
    keep_addresses([EMAIL])
    for fact in history:
        fact()


def after(history: Sequence[Fact], *clock: datetime) -> Outcome:
    with undone():
        tell(history)
        return [judged(now) for now in clock][-1]


def a_run(now: datetime, *, dry_run: bool) -> CleaningRun:
    run = cleaning.start_run(via="command", now=now, dry_run=dry_run)
    assert cleaning.work(run.pk, lambda: now)
    run.refresh_from_db()
    return run


def judge_the_news(now: datetime) -> Outcome:
    held = lease.acquire("flow", timedelta(seconds=30))
    assert held is not None
    policy.evaluate_news(now, held)
    lease.release(held)
    return outcome()


@bounded
@given(histories, st.data())
def test_any_order_and_any_doubling_give_one_status(history: list[Fact], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(history + history[: len(history) // 2]))

    assert after(shuffled, NOW) == after(history, NOW)


@bounded
@given(histories, st.integers(0, 9))
def test_judging_in_between_changes_nothing_in_the_end(history: list[Fact], split: int) -> None:
    expected = after(history, NOW)

    with undone():
        tell(history[:split])
        judged(NOW)
        tell(history[split:])

        assert judged(NOW) == expected


@bounded
@given(histories, clocks)
def test_news_a_full_run_and_a_dry_run_say_the_same(history: list[Fact], now: datetime) -> None:
    with undone():
        tell(history)
        before = outcome()[:2]
        Dirty.objects.create(address_id=Address.objects.get(email=EMAIL).pk)  # restores and waives judge by themselves
        rows = list(a_run(now, dry_run=True).rows.values_list("to_status", "rule"))
        with undone():
            by_news = judge_the_news(now)
            assert a_run(now, dry_run=True).changes == 0
        a_run(now, dry_run=False)
        by_run = outcome()

    assert (rows or [before]) == [by_news[:2]]
    assert by_run == by_news


@bounded
@given(histories, clocks)
def test_judging_twice_writes_nothing(history: list[Fact], now: datetime) -> None:
    with undone():
        tell(history)
        once = judged(now)
        written = StatusChange.objects.count()

        assert judged(now) == once
        assert StatusChange.objects.count() == written
        assert policy.evaluate([Address.objects.get(email=EMAIL).pk], policy.Policy.active(), now) == []


@bounded
@given(histories, clocks)
def test_the_clock_alone_moves_a_status_and_its_sentence_at_its_time_and_never_before(
    history: list[Fact], later: datetime
) -> None:
    with undone():
        tell(history)
        said = judged(NOW)
        while (due := said[2]) is not None and due <= later:
            assert judged(due - timedelta(seconds=1)) == said
            said = judged(due)

        assert judged(later) == said


@bounded
@given(histories, st.integers(1, 120))
def test_facts_from_a_clock_that_runs_ahead_count_when_their_time_has_come(history: list[Fact], hours: int) -> None:
    behind = NOW - timedelta(hours=hours)

    with undone():
        tell(history)
        status = judged(behind)
        while status[2] is not None and status[2] <= NOW:
            status = judged(status[2])

        assert judged(NOW) == status


# Hard bounces with codes that say otherwise, or without any; other reasons, for "mostly" to be about something.
odd = st.one_of(
    st.tuples(days, st.sampled_from(["", "450", "550"]), st.sampled_from(["", "4.2.2", "5.1.1"])).map(
        lambda told: hard(told[0], replycode=told[1], status=told[2], reason="mailboxfull")
    ),
    st.tuples(days, st.sampled_from(["mailboxfull", "suspend", "userunknown"])).map(
        lambda told: soft(told[0], reason=told[1])
    ),
)
numbers = st.builds(
    Policy,
    hard_limit=st.integers(1, 2),
    soft_row_days=st.integers(2, 4),
    soft_row_span_days=st.integers(1, 20),
    soft_window_count=st.integers(2, 5),
    soft_window_days=st.sampled_from([5, 20, 90]),
    risk_count=st.integers(1, 3),
    risk_window_days=st.sampled_from([3, 10, 30]),
)


@settings(bounded, max_examples=60)
@given(histories, st.lists(odd, max_size=5), numbers, clocks)
def test_the_evaluation_says_what_the_policy_in_plain_words_says(
    history: list[Fact], more: list[Fact], policy_tried: Policy, now: datetime
) -> None:
    with undone():
        tell([*history, *more])
        Address.objects.filter(email=EMAIL).update(status="invalid", status_rule="not judged yet", reevaluate_at=None)
        address = Address.objects.get(email=EMAIL)

        [transition] = policy.evaluate([address.pk], policy_tried, now)

        expected = plain_policy.judge(address, policy_tried, now)
        assert plain_policy.said_by(transition) == expected
