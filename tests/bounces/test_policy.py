"""The policy as a table (`policy_examples.toml`): a history, the status it leads to, the sentence that says why."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from bounces import policy
from bounces.models import Address, Outbox, Policy, StatusChange
from bounces.policy_numbers import FIT, NUMBERS, Number
from bounces.sentences import explain_change
from bounces.verdict import verdicts_of
from tests.bounces.histories import EMAIL, ago, delivered, hard, lived, replied, soft
from tests.bounces.policy_examples import PAGE, load_examples, read_fact, render
from tests.builders import NOW

pytestmark = pytest.mark.django_db

EXAMPLES = load_examples()
EVERY_ORDER = {
    "as it happened": lambda facts: facts,
    "told backwards": lambda facts: facts[::-1],
    "told twice": lambda facts: [fact for fact in facts for _ in range(2)],
}


@pytest.mark.parametrize("order", EVERY_ORDER)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_history_leads_to_its_status_and_sentence_in_whatever_order_it_is_told(name: str, order: str) -> None:
    example = EXAMPLES[name]

    address = lived(EVERY_ORDER[order](example.facts()))

    verdict = verdicts_of([address.pk], NOW)[address.pk]
    assert (address.status, address.status_rule) == (example.status, example.rule)
    assert (verdict.answer, verdict.sentence) == (example.answer, example.sentence)


def test_the_table_has_enough_examples_and_stands_in_the_docs() -> None:
    assert len(EXAMPLES) >= 60
    assert PAGE.read_text() == render(), "run `python -m tests.bounces.policy_examples`"


@pytest.mark.parametrize("text", ["delivered", "3 days ago: teleported", "3 days ago delivered"])
def test_words_that_the_table_does_not_know_are_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_fact(text)


def test_every_rule_of_the_policy_is_in_the_table() -> None:
    decided = {example.rule for example in EXAMPLES.values()}

    assert decided == {
        "", "alive", "hard_bounce", "hard_bounce_after_reply", "soft_in_a_row", "soft_in_window", "soft_recent",
        "undeliverable",
    }  # fmt: skip


def test_at_risk_passes_by_the_clock_alone() -> None:
    address = lived([delivered(25), soft(20), soft(1)])
    assert address.reevaluate_at is not None

    later = address.reevaluate_at
    with transaction.atomic():
        policy.judge_now([address.pk], later)

    address.refresh_from_db()
    assert (address.status, address.reevaluate_at) == ("valid", None)


def test_at_risk_does_not_pass_a_second_too_early() -> None:
    address = lived([soft(20), soft(1)])

    assert address.reevaluate_at == ago(20).replace(hour=0, minute=0) + (NOW - ago(30))


def test_judging_again_writes_nothing() -> None:
    address = lived([delivered(25), soft(20), soft(1)])
    announced = Outbox.objects.count()

    with transaction.atomic():
        moved = policy.judge_now([address.pk], NOW)

    assert moved == 0
    assert StatusChange.objects.filter(to_status="at_risk").count() == 1
    assert Outbox.objects.count() == announced


def test_a_change_is_announced_by_its_number() -> None:
    lived([hard(1)])

    told = Outbox.objects.get()

    assert (told.topic, told.payload) == ("status_changed", {"change_ids": [StatusChange.objects.get().pk]})


def test_a_stricter_policy_decides_otherwise() -> None:
    Policy.objects.filter(is_active=True).update(hard_limit=2)

    assert lived([hard(3)]).status == "unverified"
    assert lived([hard(2)]).status == "invalid"


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_the_database_too_refuses_what_is_below_a_numbers_least(number: Number) -> None:
    with pytest.raises(IntegrityError, match=f"policy_numbers_make_sense|policy_days_fit|{number.name}_check"):
        Policy.objects.filter(is_active=True).update(**{number.name: number.least - 1})


@pytest.mark.parametrize(("count", "window"), FIT)
def test_the_database_too_refuses_more_days_than_their_window_has(count: str, window: str) -> None:
    with pytest.raises(IntegrityError, match="policy_days_fit_into_their_window"):
        Policy.objects.filter(is_active=True).update(**{count: 8, window: 7})


SENTENCES = {
    "hard": (
        [hard(10, remote_mta="mx.example.org")],
        "Invalid since 2 November 2026: the mailbox does not exist (550 5.1.1), "
        "said by mx.example.org on 23 October 2026.",
    ),
    "in a row": (
        [delivered(20), soft(15), soft(8), soft(1)],
        "Invalid since 2 November 2026: 3 days with soft bounces over 14 days (the mailbox is full), "
        "none delivered since 13 October 2026.",
    ),
    "in the window": (
        [soft(1), soft(3), soft(5), soft(7), soft(9)],
        "Invalid since 2 November 2026: 5 days with soft bounces from 24 October 2026 to 1 November 2026 "
        "(the mailbox is full), none ever delivered.",
    ),
    "lately": (
        [soft(20), soft(1)],
        "At risk since 2 November 2026: 2 days with soft bounces since 13 October 2026 (the mailbox is full); "
        "passes on 12 November 2026 if nothing more comes.",
    ),
    "held": (
        [replied(5), hard(1)],
        "At risk since 2 November 2026: the mailbox does not exist (550 5.1.1), bounced on 1 November 2026, "
        "yet it replied on 28 October 2026; held until somebody has looked.",
    ),
    "alive": ([delivered(3)], "Valid since 2 November 2026: mail was delivered on 30 October 2026."),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_change_says_why_in_one_sentence(name: str) -> None:
    facts, sentence = SENTENCES[name]

    lived(facts)

    assert explain_change(StatusChange.objects.latest("pk")) == sentence


def test_the_history_of_statuses_refuses_to_be_rewritten() -> None:
    lived([hard(1)])

    with pytest.raises(IntegrityError, match="append-only"):
        StatusChange.objects.update(rule="something else")


def test_the_address_is_the_one_of_the_histories() -> None:
    lived([delivered(1)])

    assert Address.objects.get().email == EMAIL
