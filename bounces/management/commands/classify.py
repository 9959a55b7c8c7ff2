"""`manage.py classify PATH…`: what mails say about their recipients, and why we think so. Touches no database.

In: paths (.eml, mbox, Maildir, zip, folders), or `-` for standard input. Out: a line a recipient, or with --json a line
a message. What cannot be read is told on standard error, the rest is read, and the exit code is 2.
"""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.text import Text

from bounces.classification import load_rules
from bounces.classification.answer import answer, judge
from bounces.mailfiles import MEGABYTE, BadArchive, Member, open_members, too_large, walk
from bounces.parsing import read
from bounces.terminal import terminal
from bounces.values import Judgement, Kind, MailKind, Reading, Report

STANDARD_INPUT = "-"
COLOURS = {Kind.HARD: "bold red", Kind.SOFT: "yellow", Kind.DEFERRED: "cyan"}


class Command(BaseCommand):
    help = "Tells of each mail whether it is a bounce, of whom, how lasting, whose fault and why; needs no database."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, mboxes, Maildirs, zips, or -")
        parser.add_argument("--json", action="store_true", help="One line of JSON a message.")
        parser.add_argument("--explain", action="store_true", help="Also who read the mail and which rule decided.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        self.failed = False
        console = None if options["json"] else terminal(self)
        for file, member in self.members(options["paths"]):
            reading = self.read(file, member)
            if console is None:
                self.stdout.write(json.dumps(answer(file, member.index, reading)))
            else:
                for line in tell(file, reading, explain=options["explain"]):
                    console.print(line, soft_wrap=True)
        if self.failed:
            raise CommandError("Not everything could be read.", returncode=2)

    def read(self, file: str, member: Member) -> Reading:
        """A message that was refused counts too: it is told, and is no bounce."""
        if member.body is not None:
            return read(member.body)
        self.complain(f"{file}: {member.name}: {member.refused}")
        return Reading(MailKind.NONE, why=member.refused)

    def members(self, paths: list[str]) -> Iterator[tuple[str, Member]]:
        """The messages of all paths; what cannot be opened is told, and the next one tried."""
        for path in paths:
            for file in [STANDARD_INPUT] if path == STANDARD_INPUT else self.files(Path(path)):
                try:
                    with open_input(file) as stream:
                        caps = {"mail_cap": settings.MAIL_CAP, "archive_cap": settings.ARCHIVE_CAP}
                        for member in open_members(stream, file, **caps):
                            yield file, member
                except (OSError, BadArchive) as error:
                    self.complain(f"{file}: {getattr(error, 'strerror', None) or error}")

    def files(self, path: Path) -> Iterator[str]:
        try:
            for file in walk(path):
                yield str(file)
        except OSError as error:
            self.complain(f"{path}: {error.strerror}")

    def complain(self, text: str) -> None:
        self.failed = True
        self.stderr.write(text)


def open_input(file: str) -> IO[bytes]:
    """A stream that seeks: standard input is copied. Raises BadArchive where that is larger than an archive may be."""
    if file != STANDARD_INPUT:
        return Path(file).open("rb")
    copy: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=settings.MAIL_CAP)  # noqa: SIM115  (the caller closes it)
    while piece := sys.stdin.buffer.read(MEGABYTE):
        copy.write(piece)
        if copy.tell() > settings.ARCHIVE_CAP:
            raise BadArchive(too_large(settings.ARCHIVE_CAP))
    copy.seek(0)
    return copy


def tell(file: str, reading: Reading, *, explain: bool) -> Iterator[Text]:
    """The lines for a person: one a recipient, or the one that says why there is none."""
    if not reading.reports:
        yield Text.assemble((file, "dim"), "  ", reading.kind.value, "  ", (reading.why, "dim"))
    for report in reading.reports:
        judgement = judge(report)
        yield tell_recipient(file, report, judgement)
        if explain:
            yield from explain_recipient(reading, report, judgement)


def tell_recipient(file: str, report: Report, judgement: Judgement | None) -> Text:
    line = Text.assemble((file, "dim"), "  ", (report.recipient or "(not named)", "bold"), "  ", report.event.value)
    if judgement:
        line.append(f"  {judgement.kind.value}", COLOURS[judgement.kind])
        line.append(f"  {judgement.fault.value}'s fault  {judgement.reason}")
        line.append(f"  {report.status or report.replycode}", "dim")
    return line


def explain_recipient(reading: Reading, report: Report, judgement: Judgement | None) -> Iterator[Text]:
    yield Text(f"    read by    {reading.reader}" + (f": {reading.why}" if reading.why else ""), "dim")
    if judgement:
        rule = next((rule for rule in load_rules().rules if rule.name == judgement.rule), None)
        source = f" ({rule.table.value}; {rule.source})" if rule else ": no rule spoke"
        yield Text(f"    judged by  {judgement.rule}{source}", "dim")
    if report.diagnostic:
        yield Text(f"    it said    {report.diagnostic}", "dim")
