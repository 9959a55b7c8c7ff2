"""A campaign may write to fewer addresses than may be written to, never to more; the status stays what it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from bounces.demands import Demand, WritesTo, tighten
from bounces.models import Address, Bounce, Policy
from bounces.recording import record
from bounces.standings import restand
from bounces.values import Answer, Event, Fault, Judgement, Kind, Standing, Status
from bounces.verdict import Facts, Verdict, answered, answered_by, check, judge, verdicts_of
from tests.bounces.histories import told
from tests.builders import NOW, a_bounce, a_silence, a_suppression, an_address, days_ago

RANK = {Answer.YES: 0, Answer.CAUTION: 1, Answer.NO: 2}

moments = st.integers(-400, 400).map(lambda days: NOW - timedelta(days=days))
facts = st.builds(
    Facts,
    email=st.sampled_from(["ada@example.org", "info@example.org"]),
    status=st.sampled_from(list(Status)),
    rule=st.sampled_from(["", "alive", "hard_bounce_after_reply"]),
    since=st.none(),
    evidence=st.none(),
    bounced_at=st.none() | moments,
    suppressed=st.none() | st.tuples(st.sampled_from(["complaint", "manual"]), st.just("address"), moments),
    hold=st.none() | st.tuples(st.just("He is on leave"), moments),
    silent=st.none() | st.tuples(st.just(7), moments),
)
demands = st.builds(Demand, st.just("campaign “Spring”"), st.sampled_from(list(WritesTo)), st.integers(0, 365))


@given(facts, demands)
def test_no_demand_makes_an_answer_better_or_changes_a_status(given_facts: Facts, demand: Demand) -> None:
    verdict = judge(given_facts)

    tightened = tighten(verdict, given_facts.bounced_at, demand, NOW)

    assert RANK[tightened.answer] >= RANK[verdict.answer]
    assert (tightened.status, tightened.since) == (verdict.status, verdict.since)
    assert tightened == verdict or (tightened.answer, tightened.reason) == (Answer.NO, "campaign")


@given(facts, demands)
def test_what_is_no_stays_as_it_is(given_facts: Facts, demand: Demand) -> None:
    verdict = judge(given_facts)
    if verdict.answer == Answer.NO:
        assert tighten(verdict, given_facts.bounced_at, demand, NOW) is verdict


@given(facts)
def test_a_demand_that_asks_nothing_changes_nothing(given_facts: Facts) -> None:
    verdict = judge(given_facts)

    assert tighten(verdict, given_facts.bounced_at, Demand("x"), NOW) == verdict
    assert tighten(verdict, given_facts.bounced_at, None, NOW) == verdict


YES = Verdict(Answer.YES, "alive", "Valid: replied.", Status.VALID)
UNVERIFIED = Verdict(Answer.YES, "not_verified", "Unverified: nothing.", Status.UNVERIFIED)
CAUTION = Verdict(Answer.CAUTION, "mailboxfull", "At risk: full.", Status.AT_RISK)
SPRING = "campaign “Spring”"

CASES: dict[str, tuple[Verdict, datetime | None, Demand, str]] = {
    "caution where it is left out": (
        CAUTION, None, Demand(SPRING, WritesTo.SURE),
        "Left out by campaign “Spring”, which leaves out addresses with caution. At risk: full.",
    ),
    "unverified where life is asked for": (
        UNVERIFIED, None, Demand(SPRING, WritesTo.VALID),
        "Left out by campaign “Spring”, which writes only to addresses known to be alive. Unverified: nothing.",
    ),
    "a bounce within the days": (
        YES, days_ago(29), Demand(SPRING, quiet_days=30),
        "Left out by campaign “Spring”, which writes only to addresses without a bounce in the last 30 days. "
        "Valid: replied.",
    ),
    "a bounce before the days": (YES, days_ago(30), Demand(SPRING, quiet_days=30), ""),
    "unverified where certainty is asked for": (UNVERIFIED, None, Demand(SPRING, WritesTo.SURE), ""),
    "alive": (YES, None, Demand(SPRING, WritesTo.VALID, 30), ""),
    "caution where anybody is written to": (CAUTION, None, Demand(SPRING), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_demand_says_whose_it_is_and_what_it_asks(name: str) -> None:
    verdict, bounced_at, demand, sentence = CASES[name]

    tightened = tighten(verdict, bounced_at, demand, NOW)

    assert tightened.sentence == (sentence or verdict.sentence)
    assert tightened.answer == (Answer.NO if sentence else verdict.answer)


def a_crowd() -> list[Address]:
    """Addresses of every kind that a verdict knows."""
    Policy.objects.filter(is_active=True).update(silent_count=6)
    kinds: list[dict[str, Any]] = [
        {"status": status, "bounces": bounces}
        for status in ("valid", "unverified", "invalid", "at_risk")
        for bounces in (
            {},
            {"occurred_at": days_ago(5)},
            {"occurred_at": days_ago(50)},
            *({"occurred_at": days_ago(5), "standing": s} for s in Standing if s != Standing.COUNTED),
            {"occurred_at": days_ago(5), "kind": Kind.DEFERRED},
        )
    ]
    crowd = []
    for number, kind in enumerate(kinds):
        bounces = kind.pop("bounces")
        crowd.append(an_address(f"p{number}@example.org", last_bounce_at=bounces.get("occurred_at"), **kind))
        if bounces:
            a_bounce(crowd[-1], **bounces)
    crowd += [an_address("info@example.org", status="valid"), an_address("mute@example.org", status="valid")]
    crowd += [an_address("held@example.org", status="at_risk", status_rule="hard_bounce_after_reply")]
    crowd += [an_address("asked@example.org", status="valid")]
    a_silence("mute@example.org")
    a_suppression("asked@example.org", "unsubscribe")
    return crowd


@pytest.mark.django_db
@pytest.mark.parametrize("writes_to", list(WritesTo))
@pytest.mark.parametrize("quiet_days", [0, 30])
def test_the_answer_for_one_and_for_a_set_are_the_same(writes_to: WritesTo, quiet_days: int) -> None:
    ids = [address.pk for address in a_crowd()]
    demand = Demand(SPRING, writes_to, quiet_days)

    of_each = {pk: verdict.answer for pk, verdict in verdicts_of(ids, NOW, demand).items()}

    of_the_set = {address.pk: answer for answer in Answer for address in answered(answer, NOW, demand)}
    assert of_the_set == of_each


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Kind.HARD, Kind.SOFT])
def test_a_bounce_that_does_not_count_leaves_nobody_out_until_it_counts(kind: Kind) -> None:
    address = an_address("ada@example.org", status="valid")
    judgement = Judgement(kind, Fault.RECIPIENT, "userunknown", kind == Kind.HARD, "test")
    with transaction.atomic():
        record([told(Event.BOUNCED, 5, judgement, recipient=address.email)])
    demand = Demand(SPRING, quiet_days=30)

    for standing in (*Standing, Standing.COUNTED):
        with transaction.atomic():
            restand(Bounce.objects.all(), standing)
        wanted = Answer.NO if standing == Standing.COUNTED else Answer.YES

        assert verdicts_of([address.pk], NOW, demand)[address.pk].answer == wanted, standing
        assert answered(wanted, NOW, demand).filter(pk=address.pk).exists(), standing


@pytest.mark.django_db
def test_a_bounce_that_was_let_count_later_leaves_its_address_out() -> None:
    """The address' own date was not moved when it arrived without proof."""
    address = an_address("ada@example.org", status="valid", last_bounce_at=None)
    a_bounce(address, occurred_at=days_ago(5))

    assert verdicts_of([address.pk], NOW, Demand(SPRING, quiet_days=30))[address.pk].answer == Answer.NO


@pytest.mark.django_db
def test_the_words_of_a_filter_go_by_the_demand() -> None:
    a_crowd()

    assert answered_by("silent", NOW).count() == 1
    assert not answered_by("silent", NOW, Demand(SPRING, WritesTo.SURE)).exists()


@pytest.mark.django_db
def test_strangers_are_tightened_too() -> None:
    demand = Demand(SPRING, WritesTo.VALID, 30)

    verdict = check(["new@example.org"], NOW, demand)["new@example.org"]

    assert (verdict.answer, verdict.reason) == ("no", "campaign")
