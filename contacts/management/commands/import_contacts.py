"""`manage.py import_contacts FILE`: the same import as the pages', from a terminal.

In: a CSV, TSV or JSON file. Out: what became of its rows; exit code 1 where some failed.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from contacts.importing.formats import SheetDataset
from contacts.importing.reading import UnreadableFile, form_of, read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import ContactResource


class Command(BaseCommand):
    help = "Import contacts from a CSV, TSV or JSON file. Known contacts are updated, statuses never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--owner", metavar="EMAIL", help="who gets the new contacts that name no owner")
        parser.add_argument("--source", metavar="NAME", help="where new contacts came from (default: the file's name)")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        path: Path = options["file"]
        console = Console(file=self.stdout, highlight=False)  # type: ignore[arg-type]  # Django's wrapper writes text
        try:
            sheet = read_sheet(path.read_bytes(), form_of(path.name))
            report = self._import(sheet, path.name, console, options)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from error
        except UnreadableFile as error:
            raise CommandError(f"{path.name}: {error}") from error
        show(report, console)
        if report.fault:
            raise CommandError(f"Nothing was imported: {report.fault}", returncode=1)
        if report.failed:
            raise CommandError(f"{_rows(report.failed)} could not be imported: see above.", returncode=1)

    def _import(self, sheet: Any, name: str, console: Console, options: dict[str, Any]) -> ImportReport:
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("Importing", total=len(sheet.rows))
            resource = ContactResource(
                owner=_owner(options["owner"]),
                source=options["source"] or name,
                origin=name,
                watch=lambda done: progress.update(bar, completed=done),
            )
            result = resource.import_data(SheetDataset(sheet), dry_run=options["dry_run"])
        return resource.report(result)


def _owner(email: str | None) -> Any:
    if not email:
        return None
    users = get_user_model()._default_manager
    found = users.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise CommandError(f"--owner: nobody with the address {email} works here. Give an active user's address.")
    return found


def show(report: ImportReport, console: Console) -> None:
    for notice in report.notices:
        console.print(Text(notice, style="yellow"))
    if report.problems:
        console.print(_problems(report))
    would = "would be " if report.is_preview else ""
    for count, what in (
        (report.new, f"{would}new"),
        (report.updated, f"{would}updated"),
        (report.unchanged, "unchanged"),
        (report.failed, "failed"),
    ):
        console.print(Text(f"{count:>9,}  {what}"))
    if report.dead:
        console.print(Text(f"{len(report.dead):>9,}  of them at addresses that are invalid: they bounced before"))
    if report.suppressed:
        console.print(Text(f"{len(report.suppressed):>9,}  of them suppressed or held: they are not written to"))
    if report.is_preview:
        console.print(Text("Nothing was changed: this was a dry run."))


def _problems(report: ImportReport) -> Table:
    """The texts are the file's: shown as they are, never read as markup."""
    table = Table("Row", "Column", "Value", "What is wrong")
    for problem in report.shown_problems:
        table.add_row(str(problem.row), Text(problem.column or "–"), Text(problem.value or "–"), Text(problem.sentence))
    if report.problems_not_shown:
        table.add_row("…", "", "", f"and {report.problems_not_shown:,} more")
    return table


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
