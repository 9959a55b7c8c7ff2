"""`manage.py undo_import NUMBER`: takes a whole import back, as its page does.

In: a run's number, why, in whose name. Out: what went, what returned, what stays and why.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bounces.plain_text import plain
from bounces.rulings import NoReason
from bounces.terminal import terminal
from contacts.importing import runs
from contacts.importing.outcomes import kept_rows
from contacts.importing.undoing import preview_undo, would_stay
from contacts.importing.waiting import VIA
from contacts.management.commands.import_contacts import a_user, carry
from contacts.models import ImportRun

SHOWN = 100  # rows that would stay


class Command(BaseCommand):
    help = "Take a whole import back: what it created goes, what it changed returns, unless something came since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, help="of the import: its page and import_contacts say it")
        parser.add_argument("--reason", type=plain, default="", help="why; others read it later")
        parser.add_argument("--by", metavar="EMAIL", help="in whose name, a user who may import")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, return and stay; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        console, run = terminal(self), _run(options["number"])
        by = a_user("--by", options["by"])
        if options["dry_run"]:
            _show_preview(run, console)
            return
        if by is None or not by.has_perm("contacts.import_contact"):
            raise CommandError("--by: an import is taken back by somebody who may import. Give a manager's address.")
        try:
            runs.undo(run, by, options["reason"], timezone.now())
        except NoReason as error:
            raise CommandError(f"--reason: {error}") from error
        except runs.NotReady as error:
            raise CommandError(str(error)) from error
        carry(run, console)
        if run.error and run.state == run.State.FAILED:
            raise CommandError(f"It could not be taken back: {run.error}", returncode=1)
        console.print(Text(f"{run.undone:>9,}  as they were before"))
        console.print(Text(f"{run.kept:>9,}  stay, because of what came since"))


def _run(number: int) -> ImportRun:
    run = ImportRun.objects.exclude(via=VIA).filter(pk=number).first()
    if run is None:
        raise CommandError(f"There is no import {number}.")
    return run


def _show_preview(run: ImportRun, console: Console) -> None:
    try:
        runs.check_undoable(run)
    except runs.NotReady as error:
        raise CommandError(str(error)) from error
    preview = preview_undo(run)
    if preview.is_capped:
        console.print(Text(f"Of the first {preview.looked_at:,} contacts; the others go the same way."))
    for count, what in (
        (preview.go, "would go: it created them"),
        (preview.return_, "would be as they were"),
        (preview.stay, "would stay, because of what came since"),
    ):
        console.print(Text(f"{count:>9,}  {what}"))
    stay = would_stay(run, most=SHOWN)
    if stay.reasons:
        table = Table("Row", "Address", "Why it stays")
        for row in kept_rows(run, stay.reasons):
            table.add_row(str(row.number), Text(row.email or "–"), Text(row.kept))
        console.print(table)
        if stay.following:
            console.print(Text("Only the first are shown. The API pages through all of them."))
    console.print(Text("Nothing was changed: this was a dry run."))
