"""`manage.py export_contacts FILE`: contacts as a file, from a terminal. In: a file's name. Out: how many were written.

The extension says the form: .csv, .xlsx or .jsonl. Whoever has a terminal sees everything; `--by` narrows it to what
that user sees.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.progress import Progress

from bounces.terminal import terminal
from contacts.access import contacts_for
from contacts.exporting.files import TYPES, Unwritable
from contacts.exporting.layouts import layout_of
from contacts.exporting.presets import PROTECTED, targets
from contacts.exporting.subjects import SUBJECTS, BadFilter
from contacts.filters import fault_of, narrow_to
from contacts.models import Contact, Segment
from contacts.models.people import ContactQuerySet


class Command(BaseCommand):
    help = "Exports contacts to a CSV, XLSX or JSON lines file that the import reads back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--segment", metavar="NAME", help="only the contacts of this segment")
        parser.add_argument("--columns", metavar="NAMES", default="", help="separated by commas; all where left out")
        parser.add_argument(
            "--preset",
            choices=[key for key in targets() if key],
            default=PROTECTED,
            help="the tool that reads the file: with its headers, or (tool) with ours; do not open it in a spreadsheet "
            "if contacts come from strangers",
        )
        parser.add_argument("--by", metavar="EMAIL", help="only what this user sees")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        path: Path = options["file"]
        form = path.suffix.lower().removeprefix(".")
        if form not in TYPES:
            raise CommandError(f"“{path.name}” says no form that can be written. End it in .csv, .xlsx or .jsonl.")
        contacts = chosen_contacts(options["segment"], user_named(options["by"]))
        console = terminal(self)
        try:
            keys = [name.strip() for name in options["columns"].split(",") if name]
            layout = layout_of("contacts", options["preset"], keys)
            with Progress(console=console, transient=True) as progress:
                bar = progress.add_task("Exporting", total=contacts.count())
                rows = layout.rows(contacts, timezone.now(), None)
                written = write(path, layout.pieces(form, watched(rows, progress, bar)))
                done = int(progress.tasks[0].completed)
        except (BadFilter, Unwritable) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from error
        console.print(f"{done:,} contacts, {written:,} bytes: {path}", markup=False)


def watched(rows: Iterator[Sequence[Any]], progress: Progress, bar: Any) -> Iterator[Sequence[Any]]:
    for row in rows:
        progress.advance(bar)
        yield row


def write(path: Path, pieces: Iterator[bytes]) -> int:
    """Beside its place first, so that a file that is there is whole; for its owner alone, and through nobody's link."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def chosen_contacts(segment_name: str | None, user: Any) -> ContactQuerySet:
    contacts = contacts_for(user) if user else Contact.objects.present()
    if not segment_name:
        return contacts
    segment = Segment.objects.filter(name__iexact=segment_name).first()
    if segment is None:
        names = ", ".join(Segment.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no segment “{segment_name}”. There are: {names}.")
    if fault := fault_of(segment):
        raise CommandError(fault)
    return narrow_to(contacts, segment, user or segment.owner)


def user_named(email: str | None) -> Any:
    if not email:
        return None
    user = get_user_model()._default_manager.filter(email=email.strip().lower(), is_active=True).first()
    if user is None or not user.has_perm(SUBJECTS["contacts"].permission):
        raise CommandError(f"--by: {email} is no active user who may export contacts.")
    return user
