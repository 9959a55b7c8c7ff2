"""`manage.py classify PATH…`: what mails say about their recipients, and why we think so.

Touches no database, unless --with-ours asks for the rules of this installation.

In: paths (.eml, mbox, Maildir, zip, folders), or `-` for standard input. Out: a line a recipient, or with --json a line
a message. What cannot be read is told on standard error, the rest is read, and the exit code is 2.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import tee
from typing import Any

from rich.text import Text

from bounces.classification import RuleSet
from bounces.classification.answer import answer_outcome
from bounces.classification.explain import explain
from bounces.classification.many import Outcome, read_many
from bounces.mailfiles import Member
from bounces.management.mail_command import MailCommand
from bounces.parsing import READERS
from bounces.terminal import terminal
from bounces.values import Judgement, Kind, MailKind, Reading, Report

COLOURS = {Kind.HARD: "bold red", Kind.SOFT: "yellow", Kind.DEFERRED: "cyan"}


class Command(MailCommand):
    help = "Tells of each mail whether it is a bounce, of whom, how lasting, whose fault and why; needs no database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_paths(parser, needed=True)
        parser.add_argument("--json", action="store_true", help="One line of JSON a message.")
        parser.add_argument("--explain", action="store_true", help="Also each step to the verdict.")
        self.add_ours(parser)
        parser.add_argument("--jobs", type=int, default=1, metavar="N", help="Processes that read; 1: this one.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        console = None if options["json"] else terminal(self)
        rules = self.rules(with_ours=options["with_ours"])
        for file, member, (reading, judgements) in self.outcomes(options["paths"], options["jobs"], rules):
            if console is None:
                self.stdout.write(json.dumps(answer_outcome(file, member.index, reading, judgements)))
            else:
                for line in tell(file, reading, judgements, rules if options["explain"] else None):
                    console.print(line, soft_wrap=True)
        self.finish()

    def outcomes(self, paths: list[str], jobs: int, rules: RuleSet) -> Iterator[tuple[str, Member, Outcome]]:
        """A message that was refused counts too: it is told, and is no bounce."""
        members, source = tee(self.members(paths))
        bodies = (member.body for _, member in source if member.body is not None)
        read_ones = read_many(bodies, jobs, rules)
        for file, member in members:
            refused: Outcome = (Reading(MailKind.NONE, why=member.refused), ())
            yield file, member, refused if member.body is None else next(read_ones)


def tell(
    file: str, reading: Reading, judgements: tuple[Judgement | None, ...], explained_by: RuleSet | None
) -> Iterator[Text]:
    """The lines for a person: one a recipient, or the one that says why there is none; each step, by these rules."""
    if not reading.reports:
        yield Text.assemble(
            (file, "dim"), "  ", reading.kind.value, "  ", (f"{reading.why} {reading.left_out}".strip(), "dim")
        )
    for report, judgement in zip(reading.reports, judgements, strict=True):
        yield tell_recipient(file, report, judgement)
        if explained_by:
            yield from tell_steps(reading, report, judgement, explained_by)


def tell_recipient(file: str, report: Report, judgement: Judgement | None) -> Text:
    line = Text.assemble((file, "dim"), "  ", (report.recipient or "(not named)", "bold"), "  ", report.event.value)
    if judgement:
        line.append(f"  {judgement.kind.value}", COLOURS[judgement.kind])
        line.append(f"  {judgement.fault.value}'s fault  {judgement.reason}")
        line.append(f"  {report.status or report.replycode}", "dim")
    return line


def tell_steps(reading: Reading, report: Report, judgement: Judgement | None, rules: RuleSet) -> Iterator[Text]:
    names = [reader.name for reader in READERS]
    before = names[: names.index(reading.reader)] if reading.reader in names else []
    asked = f", after {', '.join(before)} found nothing" if before else ""
    yield step("read by", reading.reader + asked + (f": {reading.why}" if reading.why else ""))
    if judgement:
        yield from (step(title, text) for title, text in explain(report, rules))


def step(title: str, text: str) -> Text:
    return Text(f"    {title:<12} {text}", "dim")
