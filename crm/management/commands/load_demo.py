"""`manage.py load_demo`: an invented organisation with months of outreach behind it, to look at and to try things on.

In: how many contacts, a seed. Out: the demo, or one plain sentence why not. Never mixes with contacts of yours unless
told to.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from bounces.models import Address, Attempt, Bounce
from bounces.terminal import terminal
from bounces.values import Kind, Status
from contacts.models import Company, Contact
from crm.demo.load import CannotLoad, Size, is_begun, load

FEWEST_CONTACTS, MOST_CONTACTS = 40, 5_000  # the tables of words give no more names


class Command(BaseCommand):
    help = "Loads the demo: invented contacts, campaigns and four months of bounces, through the real flow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--contacts", type=int, default=2000, metavar="N", help="How many contacts (2000).")
        parser.add_argument("--days", type=int, default=120, metavar="N", help="How long the story is (120).")
        parser.add_argument("--seed", type=int, default=7, metavar="N", help="Another number, another cast (7).")
        parser.add_argument("--if-empty", action="store_true", help="Do nothing when there are contacts.")
        parser.add_argument("--force", action="store_true", help="Load it beside contacts that are there.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        size = Size(options["contacts"], options["days"])
        if not FEWEST_CONTACTS <= size.contacts <= MOST_CONTACTS:
            raise CommandError(f"--contacts takes a number from {FEWEST_CONTACTS} to {MOST_CONTACTS:,}.")
        if not 30 <= size.days <= 365:
            raise CommandError("--days takes a number from 30 to 365.")
        console = terminal(self)
        if options["if_empty"] and Contact.objects.exists() and not is_begun():
            console.print("There are contacts already: the demo is not loaded.")
            return
        start = time.monotonic()
        with Phases(console) as phases:
            try:
                load(size, options["seed"], timezone.now(), phases.show, force=options["force"])
            except (CannotLoad, TimeoutError) as error:
                raise CommandError(str(error)) from None
        report(console, time.monotonic() - start)


class Phases:
    """A bar for each phase of the load, left standing when it is done; where no terminal is, a line each tenth."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:<14}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self.tasks: dict[str, TaskID] = {}
        self.console, self.said = console, -1

    def __enter__(self) -> Phases:
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def show(self, phase: str, done: int, total: int) -> None:
        if phase not in self.tasks:
            self.tasks[phase] = self.progress.add_task(phase, total=total)
        self.progress.update(self.tasks[phase], completed=done, total=total)
        if not self.console.is_terminal and 10 * done // total > self.said:
            self.said = 10 * done // total
            self.console.print(f"Loading the demo: {100 * done // total}% (day {done} of {total}).")


def report(console: Console, seconds: float) -> None:
    bounces = Bounce.objects.exclude(kind=Kind.DEFERRED)
    counts = {status: Address.objects.filter(status=status).count() for status in Status}
    lines = (
        f"The demo is loaded ({seconds:.0f} s): {Contact.objects.count():,} contacts in {Company.objects.count():,}"
        f" companies, {Attempt.objects.count():,} messages, {bounces.count():,} bounces.",
        "Addresses: " + ", ".join(f"{n:,} {status.replace('_', ' ')}" for status, n in counts.items()) + ".",
    )
    console.print("\n".join(lines), soft_wrap=True)
