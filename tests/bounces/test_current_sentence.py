"""The sentence about an address follows every fact and the clock; history keeps what was said at each transition."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from django.db import transaction

from bounces import cleaning, process
from bounces.models import Address, Policy, StatusChange
from bounces.sentences import explain_change
from bounces.values import Event
from bounces.verdict import verdicts_of
from tests.bounces.histories import EMAIL, HARD, Fact, ago, delivered, hard, recorded, soft, told
from tests.builders import NOW

pytestmark = pytest.mark.django_db


def after(*facts: Fact, now: datetime = NOW) -> str:
    """What everybody reads once the flow has judged each fact as it came."""
    for fact in facts:
        fact()
        assert process.run_flow(lambda: now)
    return sentence()


def sentence() -> str:
    (verdict,) = verdicts_of([Address.objects.get(email=EMAIL).pk], NOW).values()
    return verdict.sentence.partition(": ")[2]


def network_troubles(*days: float) -> list[Fact]:
    """They put an address at risk, and never more."""
    return [soft(each, "infrastructure") for each in days]


def cleaned(now: datetime = NOW) -> str:
    run = cleaning.start_run(via="command", now=now)
    assert cleaning.work(run.pk, lambda: now)
    return sentence()


def test_a_later_hard_bounce_shows_in_the_sentence() -> None:
    assert after(hard(9)).endswith("bounced on 24 October 2026.")

    assert after(hard(2)) == (
        "the mailbox does not exist (550 5.1.1), bounced on 31 October 2026; 2 hard bounces in all."
    )


def test_history_keeps_the_sentence_of_each_transition() -> None:
    after(hard(9), hard(2))

    (change,) = StatusChange.objects.all()
    assert explain_change(change).endswith("bounced on 24 October 2026.")


def test_better_evidence_of_the_same_bounce_shows_in_the_sentence() -> None:
    first = told(Event.BOUNCED, 2, HARD, message_id="m@rebound.example")
    better = told(
        Event.BOUNCED, 2, HARD, message_id="m@rebound.example", diagnostic="550 gone", remote_mta="mx.example.org"
    )
    assert after(recorded(first)) == "the mailbox does not exist, bounced on 31 October 2026."

    assert after(recorded(better)) == "the mailbox does not exist, said by mx.example.org on 31 October 2026."


def test_the_day_on_which_a_risk_passes_moves_with_each_soft_bounce() -> None:
    assert "passes on 13 November 2026" in after(soft(19, "infrastructure"), soft(10, "infrastructure"))

    assert "3 days" in after(soft(3, "infrastructure"))
    assert "passes on 22 November 2026" in sentence()


def test_soft_days_that_leave_the_window_leave_the_sentence_at_their_time() -> None:
    after(*network_troubles(25, 10, 3))
    assert "3 days with soft bounces since 8 October 2026" in sentence()

    later = Address.objects.get(email=EMAIL).reevaluate_at
    assert later == ago(25).replace(hour=0, minute=0) + timedelta(days=30)
    assert process.run_flow(lambda: later)
    assert "2 days with soft bounces since 23 October 2026" in sentence()
    assert StatusChange.objects.count() == 1


@pytest.mark.parametrize("history", [[delivered(40), soft(20), soft(10), soft(2)], [delivered(40), hard(9), hard(2)]])
def test_a_delivery_that_arrives_late_is_in_the_sentence_whatever_came_first(history: list[Fact]) -> None:
    found = set()
    for order in permutations(history):
        with transaction.atomic():
            found.add(after(*order))
            transaction.set_rollback(True)

    assert len(found) == 1
    assert "none ever delivered" not in found.pop()


def test_a_delivery_to_a_valid_address_is_the_last_delivery_at_once() -> None:
    assert after(delivered(9)) == "mail was delivered on 24 October 2026."

    assert after(delivered(2)) == "mail was delivered on 31 October 2026."


def test_a_cleaning_run_brings_the_sentence_up_to_the_policy_in_force() -> None:
    after(*network_troubles(25, 10, 3))
    Policy.objects.filter(is_active=True).update(risk_window_days=20)

    assert "2 days with soft bounces since 23 October 2026" in cleaned()
    assert StatusChange.objects.count() == 1


def test_a_preview_changes_no_sentence() -> None:
    before = after(*network_troubles(25, 10, 3))
    Policy.objects.filter(is_active=True).update(risk_window_days=20)
    run = cleaning.start_run(via="command", now=NOW, dry_run=True)
    assert cleaning.work(run.pk, lambda: NOW)

    assert sentence() == before


def test_an_address_keeps_evidence_of_bounces_alone() -> None:
    after(delivered(9))
    assert Address.objects.get(email=EMAIL).evidence is None

    after(hard(2))
    kept = Address.objects.values_list("evidence", flat=True).get(email=EMAIL)
    assert kept is not None
    assert kept["bounces"] == 1
