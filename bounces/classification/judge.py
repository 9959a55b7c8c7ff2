"""Applying the rules to one failure.

In: a `Report` that bounced or was deferred. Out: a `Judgement`. Stage: classify.

The order: the dialect of the provider that refused, the words of the diagnostic, the enhanced code, the reply code,
the refused command, and where nothing speaks, `onhold`. Words come before codes because codes lie: 5.2.2 is a full
mailbox and 5.7.1 a block, and half of the systems that say "user unknown" say it with 5.0.0 or with no code.
"""

from __future__ import annotations

from functools import cache

from bounces.classification.ruleset import Reason, Rule, RuleSet, Table, load_rules
from bounces.patterns import Pattern
from bounces.values import Event, Judgement, Kind, Report

DEFAULT = "default"  # the name that is stored where no rule spoke
UNDECIDED = "onhold"
BEFORE_RECIPIENT = frozenset(("CONNECT", "HELO", "MAIL"))
ADDRESS = Pattern(r"<?[^\s<>]+@[\pL\pN_\[-]+(?:\.[\pL\pN_-]+)*\]?>?")  # not the dots of `<a@b.example>... Unknown`
URL_PATH = Pattern(r"(https?://[^\s/]+/)\S*")
CONTINUED_REPLY = Pattern(r"(^|\s)([245]\d\d)-")
SECOND_REPLY = Pattern(r" [245]\d\d-(?:[245]\.\d{1,3}\.\d{1,3} )?")


def classify(report: Report, *, rules: RuleSet | None = None) -> Judgement:
    """The verdict on one failed recipient. In doubt between hard and soft: soft."""
    rules = rules or load_rules()
    rule = next((rule for rule in candidates(report, rules) if speaks(rule, report, rules)), None)
    reason = rules.reasons[rule.reason if rule else UNDECIDED]
    hard = is_hard(reason, rule, report)
    return Judgement(
        kind=find_kind(report, hard),
        fault=(rule.fault if rule and rule.fault else reason.fault),
        reason=reason.name,
        hard=hard,
        rule=rule.name if rule else DEFAULT,
    )


def candidates(report: Report, rules: RuleSet) -> list[Rule]:
    """The rules that match the report, in the order of the tables."""
    words = normalise(report.diagnostic)
    coded = (
        rules.find_code(Table.ENHANCED_CODES, report.status[2:]),
        rules.find_code(Table.REPLY_CODES, report.replycode),
        rules.find_code(Table.COMMANDS, report.command),
    )
    spoken = rules.match(Table.PROVIDERS, words) + rules.match(Table.PHRASES, words)
    return [*spoken, *(rule for rule in coded if rule)]


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


def normalise(diagnostic: str) -> str:
    """The words alone: addresses and the paths of URLs may contain any word, and say nothing.

    `550 5.1.1 <spam@full.example>: User unknown` is about an unknown user, neither spam nor a full mailbox.
    """
    if "://" in diagnostic:
        diagnostic = URL_PATH.sub(lambda found: found.group(1), diagnostic)
    if "@" in diagnostic:
        diagnostic = ADDRESS.sub("<address>", diagnostic)
    if "-" not in diagnostic or not CONTINUED_REPLY.matches(diagnostic):
        return diagnostic
    return CONTINUED_REPLY.sub(lambda found: f"{found.group(1)}{found.group(2)} ", SECOND_REPLY.sub(" ", diagnostic))


def is_temporary(report: Report) -> bool:
    """By the enhanced code where there is one, for which `421 5.1.1` is permanent."""
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
