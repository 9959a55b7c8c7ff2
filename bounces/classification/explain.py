"""Why a failure was judged as it was: every step, for `manage.py classify --explain`.

In: a `Report`. Out: lines for a person. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from bounces.classification.judge import BEFORE_RECIPIENT, candidates, classify, find_hosts, find_rule, speaks
from bounces.classification.normal_form import as_said, normalise
from bounces.classification.ruleset import Rule, RuleSet, load_rules
from bounces.values import Report


def explain(report: Report, rules: RuleSet | None = None) -> Iterator[tuple[str, str]]:
    """Steps, each a title and what it found: the words that were looked at, the rules that matched, the verdict."""
    rules = rules or load_rules()
    judgement = classify(report, rules=rules)
    yield "it said", report.diagnostic or "nothing"
    said, report = report.diagnostic, as_said(report)
    words = normalise(report.diagnostic)
    if words != said:
        yield "looked at", words
    codes = [part for part in (report.status, report.replycode, report.command) if part]
    yield "codes", ", ".join(codes) or "none"
    for rule in dict.fromkeys(candidates(report, rules)):
        if rule.name == judgement.rule:
            yield "judged by", f"{rule.name} ({rule.table.value}; {rule.source})"
            return
        if not speaks(rule, report, rules):
            yield "passed over", f"{rule.name}: {find_objection(rule, report, rules)}"
    first, doubt = find_rule(report, rules)
    if first and doubt:
        yield "in doubt", f"{first.name} blames the {rules.fault_of(first)}, {doubt.name} the {rules.fault_of(doubt)}"
    yield "judged by", f"{judgement.rule}: {'neither of them' if doubt else 'no rule spoke'}"


def find_objection(rule: Rule, report: Report, rules: RuleSet) -> str:
    """Why a rule that matches does not speak."""
    if report.command in BEFORE_RECIPIENT and rules.reasons[rule.reason].hard:
        return f"refused at {report.command}, before the recipient was named"
    if rule.commands and report.command not in rule.commands:
        return f"only for a refused {' or '.join(command or 'unknown command' for command in rule.commands)}"
    if rule.statuses and not report.status.startswith(rule.statuses):
        return f"only with a code {', '.join(rule.statuses)}"
    hosts = " or ".join(host for host in find_hosts(report) if host) or "an unknown host"
    return f"not the words of {hosts}"
