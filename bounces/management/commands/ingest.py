"""`manage.py ingest PATH…`: bounce mails and providers' lists, from files, folders and archives, into the inbox.

In: paths (.eml, mbox, Maildir, zip, CSV), or `-` for one mail on standard input, as an MTA's alias pipes it. Out: inbox
items, and what became of them; with `--keep-only`, and for a pipe, the worker reads them. The operator is trusted;
what a mail system pipes in with an envelope is believed as its source says.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bounces import inbox, process
from bounces.intake.exported.layout import TELLS
from bounces.intake.files import Piped, keep_paths, keep_piped
from bounces.intake.keep import Kept
from bounces.management.provider_lists import (
    decide_lists,
    lists_that_wait,
    show_previews,
    undecided,
    undecided_lists,
)
from bounces.models import InboundItem
from bounces.terminal import terminal

TRY_AGAIN = 75  # EX_TEMPFAIL


@dataclass(slots=True)
class Taken:
    """The ids of new items, of those that were here before, and the files that could not be read."""

    new: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    unread: list[tuple[str, OSError]] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [*self.new, *self.seen]


class Command(BaseCommand):
    help = (
        "Takes bounce mails into the inbox: .eml files, mbox files, Maildirs, zip archives, folders, or - for a pipe."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument(
            "--keep-only", action="store_true", help="Store them and leave the reading to the worker (as a pipe does)."
        )

        parser.add_argument(
            "--as", choices=list(TELLS), default="", dest="tells", metavar="WHAT",
            help=f"What the rows of a provider's list are, where it does not say so itself: {', '.join(TELLS)}.",
        )  # fmt: skip
        parser.add_argument("--yes", action="store_true", help="Record the lists. Without it, only look at them.")
        parser.add_argument("--preview", action="store_true", help="Only look at lists, and leave mails unread too.")
        pipe = parser.add_argument_group("what a mail system says of the mail it pipes in (with -)")
        pipe.add_argument("--source", default="", metavar="NAME", help="The source in whose name it comes.")
        pipe.add_argument("--recipient", default="", metavar="ADDRESS", help="The envelope's recipient.")
        pipe.add_argument("--sender", metavar="ADDRESS", help="The envelope's sender; of a bounce it is empty.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        piped = Piped(options["source"], options["recipient"], options["sender"])
        if options["paths"] == ["-"]:
            keep_from_pipe(piped)
            return
        if piped.is_enveloped:
            raise CommandError("--source, --recipient and --sender are for a mail from a pipe: manage.py ingest -")
        missing = [path for path in options["paths"] if not Path(path).exists()]
        if missing:
            raise CommandError(f"There is no {missing[0]}.")
        console = terminal(self)
        taken = self.keep([Path(path) for path in options["paths"]], console)
        if options["preview"]:
            show_previews(taken.ids, options["tells"], console)
            return
        decide = decide_lists if options["yes"] else undecided_lists
        waiting = decide(taken.ids, options["tells"])
        if not options["keep_only"]:
            process_all()
            waiting = decide(taken.ids, options["tells"])  # those in archives too
            process_all()
        report(taken, console)
        if not options["yes"] and (number := len(lists_that_wait(taken.ids))):
            show_previews(taken.ids, options["tells"], console)
            console.print(f"Lists that are not recorded: {number:,}. Look at them, then add --yes.", markup=False)
        wrong = [f"{name}: {error}" for name, error in taken.unread] + [undecided(one) for one in waiting]
        if wrong:
            raise CommandError("\n".join(wrong))

    def keep(self, paths: list[Path], console: Console) -> Taken:
        """Stores all files."""
        taken = Taken()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("Taking in", total=None)
            for name, kept in keep_paths(paths, timezone.now()):
                progress.advance(task)
                if isinstance(kept, Kept):
                    (taken.new if kept.is_new else taken.seen).append(kept.item_id)
                else:
                    taken.unread.append((name, kept))
        return taken


def keep_from_pipe(piped: Piped) -> None:
    """A mail system that is told 75 keeps the mail and tries again (sysexits.h, pipe(8)); other failures bounce it.

    Whatever fails here is our own fault, or the operator's: never the mail's (I8).
    """
    try:
        keep_piped(sys.stdin.buffer, timezone.now(), settings.MAIL_CAP, piped)
    except Exception as error:
        raise CommandError(f"Not kept, try again later: {error}", returncode=TRY_AGAIN) from error


def process_all() -> None:
    """Reads what waits, or watches the worker that was quicker, until nothing waits."""
    while inbox.is_waiting():
        if not process.run_flow(timezone.now):
            time.sleep(0.2)


def report(taken: Taken, console: Console) -> None:
    items = InboundItem.objects.filter(pk__in=taken.new) | InboundItem.objects.filter(parent_id__in=taken.new)
    counts = Counter(str(InboundItem.State(state).label) for state in items.values_list("state", flat=True))
    table = Table("State", "Items", title="What became of it")
    for label, count in sorted(counts.items()):
        table.add_row(label, f"{count:,}")
    if taken.seen:
        table.add_row("Here before", f"{len(taken.seen):,}")
    console.print(table)
    for why, count in Counter(items.filter(state="quarantined").values_list("why", flat=True)).most_common(10):
        console.print(f"  quarantined: {why} ({count})", markup=False)
