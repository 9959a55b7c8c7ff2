"""Rules of an admin's own: what they do to the shipped ones, and what is wrong with them, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bounces.classification import classify, load_rules
from bounces.classification.overrides import (
    MOST_PATTERNS,
    MOST_RULES,
    Effect,
    Override,
    find_problems,
    report_of_example,
    with_overrides,
)
from bounces.classification.ruleset import Table
from bounces.values import Fault, Kind
from tests.bounces.test_classification import a_report

SHIPPED = load_rules()
OURS = Override(
    "acme-full",
    Effect.ADD,
    table="phrases",
    patterns=("acme says no",),
    reason="mailboxfull",
    example="550 5.1.1 Acme says NO",
    note="their hotline",
)


def judged(words: str, *overrides: Override, **values: object) -> tuple[str, str]:
    judgement = classify(a_report(words, **values), rules=with_overrides(SHIPPED, overrides))
    return judgement.rule, judgement.reason


def problem(field: str, *others: Override, **changes: object) -> str:
    return find_problems(replace(OURS, **changes), others, SHIPPED).get(field, "")  # type: ignore[arg-type]  # a test's


def test_without_overrides_the_shipped_rules_themselves_are_in_force() -> None:
    assert with_overrides(SHIPPED, []) is SHIPPED


def test_an_own_rule_is_asked_before_the_shipped_ones() -> None:
    words = "550 5.1.1 User unknown, acme says no"
    assert judged(words)[1] == "userunknown"
    assert judged(words, OURS) == ("acme-full", "mailboxfull")


def test_the_newest_of_two_own_rules_is_asked_first() -> None:
    newer = replace(OURS, name="acme-moved", reason="hasmoved")
    assert judged("550 acme says no", newer, OURS)[0] == "acme-moved"


def test_an_own_rule_for_a_provider_holds_for_its_hosts_alone() -> None:
    ours = replace(OURS, table="providers", host=r"\bacme\.example$")
    assert judged("550 acme says no", ours, remote_mta="mx.acme.example")[0] == "acme-full"
    assert judged("550 acme says no", ours, recipient="ada@acme.example")[0] == "acme-full"
    assert judged("550 acme says no", ours, remote_mta="mx.other.example")[0] == "default"


def test_of_codes_the_longest_counts_and_of_equal_ones_the_own() -> None:
    ours = Override("our-2.2", Effect.ADD, "enhanced_codes", code="2.2", reason="suspend", example="5.2.2", note="us")
    broad = replace(ours, name="our-2", code="2.")
    assert judged("", ours, broad, status="5.2.2")[0] == "our-2.2"
    assert judged("", broad, status="5.2.2")[1] == "mailboxfull"


def test_a_shipped_rule_can_be_changed_and_keeps_its_words() -> None:
    name = judged("550 5.2.2 over quota")[0]
    changed = Override(name, Effect.CHANGE, reason="suspend", kind="hard", fault="recipient", note="us")
    judgement = classify(a_report("550 5.2.2 over quota"), rules=with_overrides(SHIPPED, [changed]))
    assert (judgement.rule, judgement.reason, judgement.kind) == (name, "suspend", Kind.HARD)


def test_a_shipped_rule_that_is_off_is_not_asked() -> None:
    name = judged("550 5.2.2 over quota")[0]
    assert judged("550 5.2.2 over quota", Override(name, Effect.OFF))[0] != name


def test_what_names_a_rule_or_a_reason_that_is_no_more_has_no_effect() -> None:
    gone = [
        Override("no-such-rule", Effect.OFF),
        Override("nor-this", Effect.CHANGE, reason="blocked", note="us"),
        replace(OURS, reason="nosuchreason"),
    ]
    assert with_overrides(SHIPPED, gone).rules == SHIPPED.rules


def test_the_order_of_the_tables_stays() -> None:
    tables = [rule.table for rule in with_overrides(SHIPPED, [OURS]).rules]
    assert tables == sorted(tables, key=list(Table).index)


def test_an_override_survives_json() -> None:
    assert Override.from_plain(OURS.as_plain()) == OURS


def test_an_example_may_name_the_refused_command() -> None:
    report = report_of_example(replace(OURS, example="DATA: 552 5.2.0 acme says no", example_host="mx.acme.example"))
    assert (report.command, report.replycode, report.status) == ("DATA", "552", "5.2.0")
    assert (report.diagnostic, report.remote_mta) == ("552 5.2.0 acme says no", "mx.acme.example")


def test_a_good_rule_has_no_problem() -> None:
    assert find_problems(OURS, [], SHIPPED) == {}


@pytest.mark.parametrize(
    ("field", "changes", "said"),
    [
        ("name", {"name": "Acme Full!"}, "Lower-case letters"),
        ("name", {"name": SHIPPED.rules[0].name}, "is a rule of Rebound’s"),
        ("name", {"name": "default"}, "is a rule of Rebound’s"),
        ("name", {"effect": Effect.OFF}, "has no rule “acme-full”"),
        ("reason", {"reason": "nonsense"}, "is no reason"),
        ("note", {"note": " "}, "Say why"),
        ("table", {"table": ""}, "Choose what"),
        ("patterns", {"patterns": ()}, "Give the words"),
        ("patterns", {"patterns": ("(acme",)}, "“(acme” is no pattern of RE2: missing )"),
        ("patterns", {"patterns": ("(?=acme)",)}, "is no pattern of RE2"),
        ("patterns", {"patterns": ("(?:acme)?",)}, "matches everything"),
        ("patterns", {"patterns": ("x" * 301,)}, "has 301 characters"),
        ("patterns", {"patterns": ("x{1000}y{1000}",)}, "too large"),
        ("patterns", {"patterns": tuple("abcdefghijklmnopqrstuvwxyz")}, f"{MOST_PATTERNS} a rule are the most"),
        ("code", {"code": "1.1"}, "has no code"),
        ("code", {"table": "reply_codes", "code": "5x", "patterns": ()}, "a reply code or its beginning"),
        ("patterns", {"table": "reply_codes", "code": "550"}, "looks at the code alone"),
        ("commands", {"table": "reply_codes", "code": "550", "commands": ("DATA",)}, "looks at the code alone"),
        ("host", {"host": "acme"}, "holds whoever says them"),
        ("host", {"table": "providers"}, "names its hosts"),
        ("host", {"table": "providers", "host": "("}, "is no pattern of RE2"),
        ("commands", {"commands": ("EHLO",)}, "Commands are"),
        ("statuses", {"statuses": ("x",)}, "Beginnings of enhanced codes"),
        ("example", {"example": ""}, "Give what the remote system says"),
        ("example", {"example": "550 User unknown"}, "the rule “user-unknown-unproved” decides it"),
        ("example", {"example": "hello"}, "no rule decides it"),
        ("example", {"example": "550 <acme says no@b.example>", "patterns": ("no@b",)}, "addresses and paths"),
        ("kind", {"kind": "hard", "reason": "blocked"}, "the recipient’s fault, or it is not hard"),
        ("kind", {"reason": "userunknown", "fault": "sender"}, "the recipient’s fault, or it is not hard"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, changes: dict[str, object], said: str) -> None:
    assert said in problem(field, **changes)


def test_names_and_numbers_are_bounded() -> None:
    others = [replace(OURS, name=f"rule-{number}") for number in range(MOST_RULES)]
    assert "already" in problem("name", OURS)
    assert "which is the most" in problem("name", *others)


def test_the_largest_own_patterns_leave_the_shipped_ones_their_memory() -> None:
    allowed: list[Override] = []
    for number in range(60):
        pattern = f"[a-m]{{1,{90 + number}}}q{number}z[a-z ]{{0,60}}[n-z]"
        heavy = replace(OURS, name=f"heavy-{number}", patterns=(pattern,), example=f"aq{number}zn")
        if not find_problems(heavy, allowed, SHIPPED):
            allowed.append(heavy)
    words = "abcdefghijklm aq1 nopq lorem ipsum " * 50 + "550 5.1.1 user unknown"

    assert 10 < len(allowed) < 60
    assert judged(words, *allowed)[1] == "userunknown"


def test_no_own_rule_makes_hard_what_was_refused_before_the_recipient_was_named() -> None:
    hard = replace(OURS, reason="userunknown")
    judgement = classify(a_report("550 acme says no", command="MAIL"), rules=with_overrides(SHIPPED, [hard]))
    assert (judgement.hard, judgement.fault) == (False, Fault.SENDER)


TOGETHER = replace(OURS, patterns=("konto", "geschlossen|gesperrt"), together=True, example="550 Konto wurde gesperrt")


@pytest.mark.parametrize(
    ("said", "is_ours"),
    [
        ("550 Konto ist gesperrt", True),
        ("550 Geschlossen wurde dieses KONTO am Montag", True),  # in any order, without case
        ("550 Konto unbekannt", False),
        ("550 Das Konto ist bekannt. Die Leitung ist gesperrt", False),  # in two sentences
        ("550 Konto (gesperrt)", False),
    ],
)
def test_words_that_belong_together_stand_in_one_clause(said: str, is_ours: bool) -> None:
    assert (judged(said, TOGETHER)[0] == OURS.name) is is_ours


def test_a_rule_of_words_together_has_no_problem_and_survives_json() -> None:
    assert find_problems(TOGETHER, [], SHIPPED) == {}
    assert Override.from_plain(TOGETHER.as_plain()) == TOGETHER
    assert not Override.from_plain({k: v for k, v in TOGETHER.as_plain().items() if k != "together"}).together


def test_words_together_are_two_or_more_of_a_rule_of_words() -> None:
    assert "two or more" in find_problems(replace(TOGETHER, patterns=("konto",)), [], SHIPPED)["patterns"]
    assert "two or more" in find_problems(replace(TOGETHER, patterns=("konto", "konto")), [], SHIPPED)["patterns"]
    of_codes = replace(TOGETHER, table="reply_codes", code="559", patterns=(), example="559")
    assert "leave this empty" in find_problems(of_codes, [], SHIPPED)["together"]


def test_words_that_never_stand_together_do_not_decide_their_example() -> None:
    apart = replace(TOGETHER, example="550 Konto. Gesperrt")
    assert "does not decide its example" in find_problems(apart, [], SHIPPED)["example"]
