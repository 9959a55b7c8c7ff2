"""`manage.py rules [PATH…]`: the rules in the order in which they are asked, and how often each decided over a path.

In: nothing, or paths as `classify` takes them. Out: a line a rule. Touches no database, but with
--with-ours.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from rich.table import Table as Grid

from bounces.classification.judge import DEFAULT
from bounces.classification.many import read_many
from bounces.classification.ruleset import Rule, RuleSet
from bounces.management.mail_command import MailCommand
from bounces.terminal import terminal


class Command(MailCommand):
    help = "Lists the rules that judge failures, with how often each decided over the mails of a path."

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_paths(parser, needed=False)
        self.add_ours(parser)
        parser.add_argument("--jobs", type=int, default=1, metavar="N", help="Processes that read; 1: this one.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        rules = self.rules(with_ours=options["with_ours"])
        hits = self.count(options["paths"], options["jobs"], rules)
        counted = bool(options["paths"])
        grid = Grid(box=None, pad_edge=False, header_style="bold")
        for title in (*(("hits",) if counted else ()), "rule", "table", "reason", "kind", "fault"):
            grid.add_column(title, justify="right" if title == "hits" else "left", no_wrap=True)
        for rule in rules.rules:
            grid.add_row(*((f"{hits[rule.name]:,}",) if counted else ()), *describe(rule, rules))
        if counted:
            grid.add_row(f"{hits[DEFAULT]:,}", DEFAULT, "", "onhold", "soft", "unknown")
        terminal(self).print(grid, soft_wrap=True)
        self.finish()

    def count(self, paths: list[str], jobs: int, rules: RuleSet) -> Counter[str]:
        bodies = (member.body for _, member in self.members(paths) if member.body is not None)
        return Counter(
            judgement.rule for _, judgements in read_many(bodies, jobs, rules) for judgement in judgements if judgement
        )


def describe(rule: Rule, rules: RuleSet) -> tuple[str, ...]:
    reason = rules.reasons[rule.reason]
    kind, fault = rule.kind or reason.kind, rule.fault or reason.fault
    return rule.name, rule.table.value, rule.reason, kind.value, fault.value
