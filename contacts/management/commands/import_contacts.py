"""`manage.py import_contacts FILE`: the same import as the pages', from a terminal.

In: a file of contacts. Out: what became of its rows; exit code 1 where some failed.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import re2
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bounces.rulings import NoReason
from bounces.spreadsheet import csv_lines
from bounces.terminal import terminal
from contacts.importing import health, runs, working
from contacts.importing.mapping import said_mapping, save_mapping
from contacts.importing.options import LONGEST_KEY, NEW_TYPES, Options, OptOuts, Update, given_to_all
from contacts.importing.outcomes import failed_headers, failed_rows
from contacts.importing.reading import UnreadableFile, manner_of
from contacts.importing.report import ImportReport, report_of
from contacts.models import CustomField, ImportRun, SavedMapping
from contacts.models.people import PLAIN_KEY

PIECE = 1024 * 1024
KEY = re2.compile(PLAIN_KEY)


class Command(BaseCommand):
    help = "Import contacts from a file. Known contacts are updated, statuses never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--map", metavar="COLUMN=FIELD", action="append", default=[], help="what a column means")
        parser.add_argument(
            "--new-field", metavar="KEY:TYPE", action="append", default=[], help="make a custom field: size:number"
        )
        parser.add_argument("--saved", metavar="NAME", help="a saved mapping of columns")
        parser.add_argument("--save-as", metavar="NAME", default="", help="keep what the columns mean under a name")
        parser.add_argument("--encoding", metavar="NAME", default="", help="of a text, such as cp1252; else found out")
        parser.add_argument(
            "--separator", metavar="SIGN", default="", help="between cells: a sign, or semicolon, tab, …"
        )
        parser.add_argument("--sheet", metavar="NAME", default="", help="of a workbook (default: the first with rows)")
        parser.add_argument(
            "--header", action=BooleanOptionalAction, help="whether the first row names the columns; else found out"
        )
        updates = [each.value for each in Update]  # the members themselves would be told as <Update.SKIP: 'skip'>
        parser.add_argument("--update", choices=updates, default="overwrite", help="of known contacts")
        parser.add_argument("--strict", action="store_true", help="a cell that cannot be read leaves out its whole row")
        parser.add_argument(
            "--opt-outs-as-ordinary",
            metavar="REASON",
            default="",
            help="import people who unsubscribed, bounced or were blocked without suppressing them, and say why",
        )
        parser.add_argument("--empties", action="store_true", help="an empty cell empties its field")
        parser.add_argument("--change-others", action="store_true", help="also change contacts that somebody owns")
        parser.add_argument("--tag", metavar="NAME", action="append", default=[], help="a tag for all of them")
        parser.add_argument("--owner", metavar="EMAIL", help="who gets the new contacts that name no owner")
        parser.add_argument("--source", metavar="NAME", help="where new contacts came from (default: the file's name)")
        parser.add_argument("--by", metavar="EMAIL", help="in whose name")
        parser.add_argument("--release", metavar="REASON", help="why a quarantined list may be imported; needs --by")
        parser.add_argument(
            "--failed", metavar="FILE", type=Path, help="write the rows that failed to this file, to be mended"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        path: Path = options["file"]
        console = terminal(self)
        by = a_user("--by", options["by"])
        _check_failed(options["failed"], path, is_dry=options["dry_run"])
        try:
            manner = manner_of(options["encoding"], options["separator"], options["sheet"], options["header"])
            with transaction.atomic():  # where an option is wrong, nothing is kept of the file
                run = runs.take_file(_pieces(path), path.name, by=by, via="command", now=timezone.now(), manner=manner)
                runs.begin(run, _mapping(run, options), _options(run, options))
                if options["save_as"]:
                    save_mapping(options["save_as"], run.mapping, by, run.headers)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from error
        except UnreadableFile as error:
            raise CommandError(f"{path.name}: {error}") from error
        carry(run, console)
        if options["dry_run"] or run.quarantine:
            show_health(run, console)
            if options["dry_run"] and run.quarantine:
                console.print(Text(f"It would be quarantined: {run.quarantine}", style="red"))
        if run.state == run.State.READY and not options["dry_run"]:
            self._confirm(run, by, console, options)
        report = report_of(run, timezone.now())
        show(report, console)
        console.print(Text(f"This is import {run.pk}."))
        if options["dry_run"]:
            runs.cancel(run, by or "the command: it was a dry run", timezone.now())
        if report.fault:
            raise CommandError(f"The import failed: {report.fault}", returncode=1)
        if report.failed and options["failed"]:
            write_failed(run, options["failed"], console)
        if report.failed:
            raise CommandError(f"{_rows(report.failed)} could not be imported: see above.", returncode=1)

    def _confirm(self, run: ImportRun, by: Any, console: Console, options: dict[str, Any]) -> None:
        try:
            runs.confirm(run, by, timezone.now(), options["release"] or "")
        except (NoReason, runs.NotReady) as error:
            sentence = f"This list is quarantined: {run.quarantine} {error} Use --release REASON and --by EMAIL."
            runs.cancel(run, by or "the command: the list is quarantined", timezone.now())
            raise CommandError(sentence, returncode=1) from error
        carry(run, console)
        if run.state == run.State.HELD:
            console.print(Text(f"Held after a batch. The page of import {run.pk} says when the next may come."))


def carry(run: ImportRun, console: Console) -> None:
    """Works here, or watches whoever is at it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[pace]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Importing", total=100, pace="")

        def watch(each: ImportRun) -> None:
            pace = each.pace(timezone.now())
            told = f"{pace.rate:,.0f} rows/s" if pace else ""
            progress.update(bar, description=each.get_state_display(), completed=each.percent, pace=told)

        while run.is_running:
            if not working.work(run.pk, timezone.now, watch):
                time.sleep(0.3)
            run.refresh_from_db()
            watch(run)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def _mapping(run: ImportRun, options: dict[str, Any]) -> dict[str, str]:
    saved = None
    if options["saved"]:
        saved = SavedMapping.objects.filter(name__iexact=options["saved"]).first()
        if saved is None:
            names = ", ".join(SavedMapping.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"--saved: no mapping is called so. There are: {names}.")
    said = dict(_column_and_field(given) for given in options["map"])
    return said_mapping(run.headers, run.mapping, saved.mapping if saved else None, said)


def _column_and_field(given: str) -> tuple[str, str]:
    header, separator, word = given.rpartition("=")
    if not separator:
        raise CommandError(f"--map: “{given}” is not COLUMN=FIELD, such as --map “Work mail=email”.")
    return header, word


def _options(run: ImportRun, options: dict[str, Any]) -> Options:
    owner = a_user("--owner", options["owner"])
    return Options(
        update=options["update"],
        empties=options["empties"],
        change_others=options["change_others"],
        owner_id=owner.pk if owner else None,
        source=_given("--source", "source", options["source"] or run.name),
        tags=_given("--tag", "tags", options["tag"]),
        new_fields=list({each["key"]: each for each in map(_new_field, options["new_field"])}.values()),
        at_once=False,
        strict=options["strict"],
        opt_outs=OptOuts.ORDINARY if options["opt_outs_as_ordinary"] else OptOuts.SUPPRESS,
        opt_out_reason=options["opt_outs_as_ordinary"],
    )


def _given(flag: str, word: str, value: Any) -> Any:
    try:
        return given_to_all(word, value)
    except ValueError as error:
        raise CommandError(f"{flag}: {error}") from error


def _new_field(given: str) -> dict[str, str]:
    key, _, kind = given.partition(":")
    if not KEY.fullmatch(key) or len(key) > LONGEST_KEY or kind not in NEW_TYPES:
        raise CommandError(
            f"--new-field: “{given}” is not KEY:TYPE, such as size:number. A key begins with a letter, and has "
            f"small letters, digits and “_”; the types are {', '.join(NEW_TYPES)}."
        )
    if CustomField.objects.filter(key=key).exists():
        raise CommandError(f"--new-field: there is a field {key} already. Leave the option out.")
    return {"key": key, "label": key.replace("_", " ").capitalize(), "type": kind}


def a_user(flag: str, email: str | None) -> Any:
    if not email:
        return None
    users = get_user_model()._default_manager
    found = users.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise CommandError(f"{flag}: nobody with the address {email} works here. Give an active user's address.")
    return found


def _check_failed(failed: Path | None, path: Path, *, is_dry: bool) -> None:
    """Before anything is imported: afterwards there would be no such rows again."""
    if failed is None:
        return
    if is_dry:
        raise CommandError("--failed: a dry run imports nothing, so that no row fails. Leave one of the two out.")
    if not failed.parent.is_dir() or failed.is_dir():
        raise CommandError(f"--failed: {failed} is no place for a file.")
    if failed.exists() and path.exists() and failed.samefile(path):
        raise CommandError("--failed: that is the file itself, which would be overwritten. Give another name.")


def write_failed(run: ImportRun, path: Path, console: Console) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_lines(failed_headers(run), failed_rows(run)))
    except OSError as error:
        raise CommandError(
            f"The import is done, but {path} could not be written: {error.strerror}. Page and API of import {run.pk} "
            "give the rows that failed, too."
        ) from error
    console.print(Text(f"The rows that failed are in {path}. Mend them there, and import that file."))


def show_health(run: ImportRun, console: Console) -> None:
    console.print(Text(f"What the list looks like. {health.sampled(run.total)}"))
    for sign in health.signs():
        style = "red" if sign.is_bad(run.health) else ""
        console.print(Text(f"{sign.share(run.health):>9.1%}  {sign.label}", style=style))


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
    if report.dead_count:
        console.print(Text(f"{report.dead_count:>9,}  of them at addresses that are invalid: they bounced before"))
    if report.suppressed_count:
        console.print(Text(f"{report.suppressed_count:>9,}  of them suppressed or held: they are not written to"))
    if report.of_opt_outs:
        console.print(Text(report.of_opt_outs, style="yellow"))
    if report.erased_count:
        console.print(Text(report.of_erased, style="yellow"))
    if report.is_preview:
        console.print(Text("Nothing was changed: this was a dry run."))


def _problems(report: ImportReport) -> Table:
    """The texts are the file's: shown as they are, never read as markup."""
    table = Table("Row", "Column", "Value", "What is wrong")
    for problem in report.shown_problems:
        table.add_row(str(problem.row), Text(problem.column or "–"), Text(problem.value or "–"), Text(problem.sentence))
    if report.problems_not_shown:
        table.add_row("…", "", "", f"and {report.problems_not_shown:,} more rows")
    return table


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"
