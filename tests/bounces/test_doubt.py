"""Doubt: words that blame two, and nothing that says which is right. The answer is soft, nobody's fault, for review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bounces import questions
from bounces.classification import classify, load_rules
from bounces.classification.explain import explain
from bounces.classification.overrides import Effect, Override, with_overrides
from bounces.models import Bounce
from bounces.values import Fault, Judgement, Kind, Trust
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.test_classification import CASES, a_report
from tests.bounces.test_proof import arrive, run

UNDECIDED = Judgement(Kind.SOFT, Fault.UNKNOWN, "onhold", False, "default")
BLAMING_TWO = (
    "550 The account does not exist or the sender is blacklisted",
    "550 SPF check failed, no such user here",
    "550 relaying denied or the account does not exist",
)


@pytest.mark.parametrize("said", BLAMING_TWO)
@pytest.mark.parametrize("command", ["", "RCPT", "DATA"])
def test_what_blames_two_in_one_clause_is_nobodys_fault(said: str, command: str) -> None:
    assert classify(a_report(said, command=command)) == UNDECIDED


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("550 User unknown (blocked by SPF)", "spf"),  # in two clauses: what stands in brackets says why
        ("550 Sender address rejected. The account does not exist", "sender-address"),  # in two sentences
        ("550 5.7.1 relaying denied or the account does not exist", "no-relaying"),  # the code takes its side
        ("550 Mailbox full or sender address rejected", "sender-address"),  # it says more than the other
        ("550 5.2.2 Submission quota exceeded", "sender-over-limit"),  # the same words: the first knows them better
    ],
)
def test_a_rule_that_is_the_better_one_is_not_in_doubt(said: str, rule: str) -> None:
    assert classify(a_report(said)).rule == rule


@pytest.mark.parametrize("said", BLAMING_TWO)
def test_a_doubt_says_who_blames_whom(said: str) -> None:
    steps = dict(explain(a_report(said)))
    assert "blames the" in steps["in doubt"]
    assert steps["judged by"] == "default: neither of them"


def test_an_own_rule_is_never_in_doubt() -> None:
    own = Override(
        "acme",
        Effect.ADD,
        "phrases",
        ("the account does not",),
        reason="userunknown",
        example="550",
        note="They say so.",
    )
    said = a_report(BLAMING_TWO[0])
    assert classify(said, rules=with_overrides(load_rules(), [own])).rule == "acme"
    changed = replace(own, name="blacklisted-sender", effect=Effect.CHANGE, table="", patterns=(), reason="blocked")
    assert classify(said, rules=with_overrides(load_rules(), [changed])).rule == "blacklisted-sender"


def test_no_example_of_a_shipped_rule_is_in_doubt() -> None:
    assert not [rule.name for rule, said in CASES if "in doubt" in dict(explain(a_report(said)))]


@pytest.mark.django_db
def test_a_doubt_is_a_question_with_all_of_the_same_words() -> None:
    for name in ("ada", "bob"):
        mail = a_bounce_mail(
            f"{name}@gmail.com", message_id=name, Status="5.0.0", Diagnostic_Code=f"smtp; {BLAMING_TWO[0]}"
        )
        arrive(mail, Trust.TRUSTED)
    run()
    assert Bounce.objects.filter(kind=Kind.SOFT, fault=Fault.UNKNOWN, rule="default").count() == 2
    assert [group.number for group in questions.unknown_groups()] == [2]
