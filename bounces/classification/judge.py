"""Applying the rules to one failure.

In: a `Report` that bounced or was deferred. Out: a `Judgement`. Stage: classify.

The order: the dialect of the provider that refused, the words of the diagnostic, the enhanced code, the reply code,
and where nothing speaks, `onhold`. Words come before codes because codes lie: 5.2.2 is a full mailbox and 5.7.1 a
block, and half of the systems that say "user unknown" say it with 5.0.0 or none.
"""

from __future__ import annotations

import re2

from bounces.classification.ruleset import Reason, Rule, RuleSet, Table, load_rules
from bounces.values import Event, Judgement, Kind, Report

DEFAULT = "default"
ADDRESS = re2.compile(r"<?[^\s<>]+@[^\s<>,;:]+>?")
URL_TAIL = re2.compile(r"(https?://[^\s/]+)/\S*")
CONTINUED_REPLY = re2.compile(r" [245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3} )?")
UNINFORMATIVE = re2.compile(r"^[245]\.0\.0$")


def classify(report: Report, *, rules: RuleSet | None = None) -> Judgement:
    """The verdict on one failed recipient. In doubt between hard and soft: soft."""
    rules = rules or load_rules()
    rule = find_rule(report, rules)
    reason = rules.reasons[rule.reason if rule else "onhold"]
    hard = is_hard(reason, rule, report)
    return Judgement(
        kind=find_kind(report, hard),
        fault=(rule.fault if rule and rule.fault else reason.fault),
        reason=reason.name,
        hard=hard,
        rule=rule.name if rule else DEFAULT,
    )


def find_rule(report: Report, rules: RuleSet) -> Rule | None:
    words = normalise(report.diagnostic)
    host = report.remote_mta or report.reporting_mta
    for rule in rules.match(Table.PROVIDERS, words):
        if is_host(rule, host):
            return rule
    for rule in rules.match(Table.PHRASES, words):
        return rule
    status = "" if UNINFORMATIVE.match(report.status) else report.status
    return rules.find_code(Table.ENHANCED_CODES, status) or rules.find_code(Table.REPLY_CODES, report.replycode)


def normalise(diagnostic: str) -> str:
    """The words alone: addresses and the paths of URLs may contain any word, and say nothing.

    `550 5.1.1 <spam@full.example>: User unknown` is about an unknown user, neither spam nor a full mailbox.
    """
    if "://" in diagnostic:
        diagnostic = URL_TAIL.sub(r"\1", diagnostic)
    if "@" in diagnostic:
        diagnostic = ADDRESS.sub("<address>", diagnostic)
    return CONTINUED_REPLY.sub(" ", diagnostic)


def is_host(rule: Rule, host: str) -> bool:
    return bool(re2.search(rule.host, host.lower()))


def is_temporary(report: Report) -> bool:
    """By the enhanced code where there is one: `421 5.1.1` does not exist either."""
    return (report.status or report.replycode).startswith("4")


def is_hard(reason: Reason, rule: Rule | None, report: Report) -> bool:
    if rule and rule.kind:
        return rule.kind is Kind.HARD
    return reason.hard and not (reason.unless_temporary and is_temporary(report))


def find_kind(report: Report, hard: bool) -> Kind:
    """What is still being retried has not failed yet, whatever it says."""
    if report.event is Event.DEFERRED:
        return Kind.DEFERRED
    return Kind.HARD if hard else Kind.SOFT
