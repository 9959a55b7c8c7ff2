"""Applying the rules to one failure.

In: a `Report` that bounced or was deferred. Out: a `Judgement`. Stage: classify.

The order: the dialect of the provider that refused, the words of the diagnostic, the enhanced code, the reply code,
the refused command, and where nothing speaks, `onhold`; so, too, where two rules blame two and neither is the better
one (`doubt.py`). Words come before codes because codes lie: 5.2.2 is a full mailbox and 5.7.1 a block, and half of the
systems that say "user unknown" say it with 5.0.0 or with no code.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain

from bounces.classification.doubt import find_contradicting, is_equal
from bounces.classification.normal_form import as_said, normalise
from bounces.classification.ruleset import Reason, Rule, RuleSet, Table, load_rules
from bounces.patterns import Pattern
from bounces.values import Event, Judgement, Kind, Report

DEFAULT = "default"  # the name that is stored where no rule spoke, or two of equal rank blame two: for review
UNDECIDED = "onhold"
BEFORE_RECIPIENT = frozenset(("CONNECT", "HELO", "MAIL"))


def classify(report: Report, *, rules: RuleSet | None = None) -> Judgement:
    """The verdict on one failed recipient. In doubt between hard and soft: soft."""
    rules = rules or load_rules()
    report = as_said(report)
    rule, doubt = find_rule(report, rules)
    rule = None if doubt else rule
    reason = find_reason(rule, report, rules)
    hard = bool(report.recipient) and is_hard(reason, rule, report)  # nobody is hard for a failure of nobody
    return Judgement(
        kind=find_kind(report, hard),
        fault=(rule.fault if rule and rule.fault and rule.reason == reason.name else reason.fault),
        reason=reason.name,
        hard=hard,
        rule=rule.name if rule else DEFAULT,
    )


def find_reason(rule: Rule | None, report: Report, rules: RuleSet) -> Reason:
    """What a look-up says that may still succeed is about the look-up, not about the domain."""
    reason = rules.reasons[rule.reason if rule else UNDECIDED]
    if reason.when_temporary and is_temporary(report) and not (rule and rule.kind):
        return rules.reasons[reason.when_temporary]
    return reason


def find_rule(report: Report, rules: RuleSet) -> tuple[Rule | None, Rule | None]:
    """The first that speaks, in the first table of which one does; and what puts it in doubt. None: there is none."""
    words = normalise(report.diagnostic)
    for matching in match_tables(words, report, rules):
        for at, rule in enumerate(matching, 1):
            if speaks(rule, report, rules):
                others = find_contradicting(rule, matching[at:], rules) if at < len(matching) else []
                return rule, find_doubt(rule, others, report, rules) if others else None
    return None, None


def find_doubt(rule: Rule, others: list[Rule], report: Report, rules: RuleSet) -> Rule | None:
    """Which of the others is of the rule's rank: one that speaks too, and no code takes the rule's side."""
    side = rules.fault_of(rule)
    if any(rules.fault_of(coded) is side for coded in match_codes(report, rules)):
        return None
    words = normalise(report.diagnostic)
    return next((other for other in others if speaks(other, report, rules) and is_equal(rule, other, words)), None)


def match_tables(words: str, report: Report, rules: RuleSet) -> Iterator[list[Rule]]:
    """The rules of each table that match, in their order; a table is asked when the ones before are done."""
    yield rules.match(Table.PROVIDERS, words)
    yield rules.match(Table.PHRASES, words)
    yield rules.match_words(words)
    yield match_codes(report, rules)


def candidates(report: Report, rules: RuleSet) -> Iterator[Rule]:
    """All rules that match the report, in the order in which they are asked."""
    return chain.from_iterable(match_tables(normalise(report.diagnostic), report, rules))


def match_codes(report: Report, rules: RuleSet) -> list[Rule]:
    """The rules of its codes: the enhanced code's, the reply code's, the refused command's."""
    coded = (
        rules.find_code(Table.ENHANCED_CODES, report.status[2:]) if is_own_code(report) else None,
        rules.find_code(Table.REPLY_CODES, report.replycode),
        rules.find_code(Table.COMMANDS, report.command),
    )
    return [rule for rule in coded if rule]


def speaks(rule: Rule, report: Report, rules: RuleSet) -> bool:
    """Whether a rule that matches is meant for such a report.

    What was refused before RCPT was refused before the recipient was named: it is never the recipient's fault.
    """
    if report.command in BEFORE_RECIPIENT and rules.reasons[rule.reason].hard:
        return False
    if rule.commands and report.command not in rule.commands:
        return False
    if rule.statuses and not report.status.startswith(rule.statuses):
        return False
    return not rule.host or any(host and compile_host(rule.host).matches(host) for host in find_hosts(report))


@cache
def compile_host(pattern: str) -> Pattern:
    return Pattern(pattern)


def find_hosts(report: Report) -> tuple[str, str]:
    """Who refused (the reporting system itself, where it names no other), and the domain that was written to."""
    return report.remote_mta or report.reporting_mta, (report.recipient or "").rpartition("@")[2]


def is_own_code(report: Report) -> bool:
    """Whether the enhanced code is the refusing system's: Sendmail and PowerMTA label any 550 with 5.1.1 themselves."""
    return not report.replycode or report.status in report.diagnostic or not report.status.startswith("5.1.")


def is_temporary(report: Report) -> bool:
    """By either code: no 4xx reply and no 4.x.x code proves an address bad, whatever its words say."""
    return report.status.startswith("4") or report.replycode.startswith("4")


def is_hard(reason: Reason, rule: Rule | None, report: Report) -> bool:
    """A rule whose kind is written knows why, and speaks where there is no reply: a name server's NXDOMAIN."""
    if rule and rule.kind and not report.replycode.startswith("4"):
        return rule.kind is Kind.HARD
    return reason.hard and not is_temporary(report) and not (rule and rule.kind is Kind.SOFT)


def find_kind(report: Report, hard: bool) -> Kind:
    """What is still being retried has not failed yet, whatever it says."""
    if report.event is Event.DEFERRED:
        return Kind.DEFERRED
    return Kind.HARD if hard else Kind.SOFT
