"""Doubt: where the words blame two, and nothing says which of them is right. The answer is then nobody's fault.

In: rules of one table that match a refusal. Out: which contradict the first, and whether they are of its rank. Stage:
classify. Pure.

Measured on the 469 failures of two collections: in 60 another rule of the same table blames somebody else, and what the
first one says is right in 58. The order of the rules is knowledge, so a rule is of equal rank only by what is written
below. Rules of the infrastructure contradict nobody: their words stand in the frames of many reports.
"""

from __future__ import annotations

from collections.abc import Iterable

from bounces.classification.clauses import clauses_of, find_places
from bounces.classification.ruleset import Rule, RuleSet
from bounces.values import Fault

OTHER_SIDE = {Fault.RECIPIENT: Fault.SENDER, Fault.SENDER: Fault.RECIPIENT}


def find_contradicting(rule: Rule, others: Iterable[Rule], rules: RuleSet) -> list[Rule]:
    """Those of the others that blame the sender where the rule blames the recipient, or the reverse, each once.

    An admin's own rule is contradicted by none, and one that an admin changed neither.
    """
    side = None if rule.own else OTHER_SIDE.get(rules.fault_of(rule))
    return list(dict.fromkeys(other for other in others if rules.fault_of(other) is side)) if side else []


def is_equal(rule: Rule, other: Rule, words: str) -> bool:
    """Whether the other stands in the same clause, in other words of it, and says no less: in as many letters or more.

    Languages are found by classes of words, which have no places: their rules are never of equal rank.
    """
    return any(_is_equal_in(clause, rule, other) for clause in clauses_of(words))


def _is_equal_in(clause: str, rule: Rule, other: Rule) -> bool:
    found, others = find_places(rule.patterns, clause), find_places(other.patterns, clause)
    if not found or not others:
        return False
    is_apart = all(end <= begins or ends <= start for start, end in found for begins, ends in others)
    return is_apart and _longest(others) >= _longest(found)


def _longest(places: Iterable[tuple[int, int]]) -> int:
    return max(end - start for start, end in places)
