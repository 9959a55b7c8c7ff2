"""`manage.py clean`: a cleaning run from the terminal, with a progress bar and the report.

In: `--dry-run`, `--segment NAME`. Out: the run's report; exit code 1 when it failed. The command does the work
itself, so that it needs no worker; a worker that comes upon the same run leaves it alone (the lease is held).
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bounces import cleaning
from bounces.models import CleaningRun
from bounces.sentences import STATUS_WORDS, explain_change
from bounces.terminal import terminal
from bounces.values import Status
from contacts.models import Segment
from contacts.segments import addresses_of


class Command(BaseCommand):
    help = "Judges all addresses, or those of a segment, by the policy, and marks them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Show what would change, and change nothing.")
        parser.add_argument("--segment", metavar="NAME", help="Only the addresses of this segment's contacts.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        run = begin(options["segment"], options["dry_run"])
        console = terminal(self)
        carry(run, console)
        run.refresh_from_db()
        report(run, console)
        if run.state == CleaningRun.State.FAILED:
            raise CommandError(f"The run failed: {run.error}")


def begin(segment_name: str | None, dry_run: bool) -> CleaningRun:
    """Starts the run that the options describe. Raises CommandError in plain words."""
    addresses, label = None, "All addresses"
    if segment_name:
        segment = Segment.objects.filter(name__iexact=segment_name).first()
        if segment is None:
            names = ", ".join(Segment.objects.values_list("name", flat=True)[:20]) or "none yet"
            raise CommandError(f"There is no segment “{segment_name}”. There are: {names}.")
        addresses, label = addresses_of(segment), f"Segment “{segment.name}”"
    try:
        return cleaning.start_run(via="command", now=timezone.now(), dry_run=dry_run, addresses=addresses, label=label)
    except cleaning.AlreadyRunning as error:
        raise CommandError(str(error)) from error


def carry(run: CleaningRun, console: Console) -> None:
    """Works at the run, or watches the worker that was quicker, and shows how far it is."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(run.get_state_display(), total=100)

        def show(now: CleaningRun) -> None:
            progress.update(task, completed=now.percent, description=now.get_state_display())

        while run.is_running and not cleaning.work(run.pk, timezone.now, show):
            time.sleep(0.2)
            run.refresh_from_db()
            show(run)


def report(run: CleaningRun, console: Console) -> None:
    """What changed, or would change, and why."""
    console.print(
        f"Run {run.pk}: {run.get_state_display().lower()}. {run.total:,} addresses judged, {run.changes:,} move."
    )
    if run.left_out:
        console.print(f"{run.left_out:,} were left out: they had news since, and were judged by that.")
    table = Table(
        "From", "To", "Rule", "Addresses", "For example", title="What would change" if run.dry_run else "What changed"
    )
    for group in cleaning.transitions_of(run):
        example = run.rows.filter(to_status=group["to_status"], rule=group["rule"]).first()
        table.add_row(
            STATUS_WORDS[Status(group["from_status"])],
            STATUS_WORDS[Status(group["to_status"])],
            group["rule"] or "no fact",
            f"{group['addresses']:,}",
            explain_change(example) if example else "",
        )
    if run.changes:
        console.print(table)
