"""What the commands share that read mails from paths: files, folders, mboxes, Maildirs, zips, standard input.

In: paths. Out: the messages, one at a time. What cannot be opened is told on standard error, the rest is read, and the
command ends with exit code 2. Touches no database, unless the rules of this installation are asked for.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bounces.classification import RuleSet, load_rules
from bounces.mailfiles import MEGABYTE, BadArchive, Member, open_members, too_large, walk

STANDARD_INPUT = "-"


class MailCommand(BaseCommand):
    """`members` gives the messages of the paths; `finish` ends the command as what was read deserves."""

    requires_system_checks = []
    failed = False

    def add_paths(self, parser: ArgumentParser, *, needed: bool) -> None:
        parser.add_argument(
            "paths", nargs="+" if needed else "*", metavar="PATH", help="files, folders, mboxes, Maildirs, zips, or -"
        )

    def add_ours(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-ours", action="store_true", help="By the rules in force in this installation: asks its database."
        )

    def rules(self, *, with_ours: bool) -> RuleSet:
        """The shipped rules; with ours only where that is asked for, since these commands work without a database."""
        if not with_ours:
            return load_rules()
        from bounces.rules_in_force import rules_in_force

        return rules_in_force()

    def members(self, paths: list[str]) -> Iterator[tuple[str, Member]]:
        """The messages of all paths, each with its file; what cannot be opened is told, and the next one tried."""
        self.failed = False
        for path in paths:
            for file in [STANDARD_INPUT] if path == STANDARD_INPUT else self.files(Path(path)):
                yield from self.members_of(file)

    def members_of(self, file: str) -> Iterator[tuple[str, Member]]:
        try:
            with open_input(file) as stream:
                caps = {"mail_cap": settings.MAIL_CAP, "archive_cap": settings.ARCHIVE_CAP}
                for member in open_members(stream, file, **caps):
                    if member.body is None:
                        self.complain(f"{file}: {member.name}: {member.refused}")
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

    def finish(self) -> None:
        if self.failed:
            raise CommandError("Not everything could be read.", returncode=2)


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
