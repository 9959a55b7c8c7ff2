"""`manage.py clean`: a cleaning run from the terminal, with a progress bar and the report; or what is done to one.

In: `--dry-run`, `--segment NAME`, `--import NUMBER` or `--domain NAME`; or `--apply`, `--pause`, `--resume`,
`--cancel`, `--undo` with a run's number. Out: the run's report; exit code 1 when it failed. The command does the work
itself, so that it needs no worker; a worker that comes upon the same run leaves it alone (the lease is held).
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from bounces import cleaning
from bounces.addresses import BadAddress
from bounces.cleaning.scope import of_domain
from bounces.models import Address, CleaningRun
from bounces.plain_text import plain
from bounces.rulings import NoReason
from bounces.sentences import STATUS_WORDS, explain_change
from bounces.terminal import terminal
from bounces.values import Status
from contacts.filters import fault_of
from contacts.models import Contact, ImportRun, Segment
from contacts.scopes import imports, of_import
from contacts.segments import addresses_of


class Command(BaseCommand):
    help = (
        "Judges all addresses, or those of a segment, an import or a domain, by the policy, and marks them; "
        "or takes a run back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Show what would change, and change nothing.")
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--segment", metavar="NAME", help="Only the addresses of this segment's contacts.")
        scope.add_argument(
            "--import", metavar="NUMBER", type=int, help="Only the addresses of the contacts that this import wrote."
        )
        scope.add_argument("--domain", metavar="NAME", help="Only the addresses at this domain: example.org.")
        deed = parser.add_mutually_exclusive_group()
        deed.add_argument("--apply", metavar="RUN", type=int, help="Apply what a dry run has found.")
        deed.add_argument("--pause", metavar="RUN", type=int, help="Pause a run that goes on.")
        deed.add_argument("--resume", metavar="RUN", type=int, help="Go on with a paused run.")
        deed.add_argument("--cancel", metavar="RUN", type=int, help="End a run; what it has applied stays applied.")
        deed.add_argument("--undo", metavar="RUN", type=int, help="Take back what a run has marked.")
        parser.add_argument("--reason", type=plain, default="", help="Of an undo: why. Others read it later.")
        parser.add_argument(
            "--by", metavar="EMAIL", help="Who decides, a user who may run cleaning; an undo needs one."
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  (Django's signature)
        console = terminal(self)
        refuse_what_does_not_fit(options)
        by = user_named(options["by"])
        if is_given(options["pause"]) or is_given(options["cancel"]):
            console.print(stopped(options, by))
            return
        run = asked_for(options, by)
        carry(run, console)
        run.refresh_from_db()
        while run.goes_on_as:
            console.print(run.error)
            run = run.goes_on_as
            carry(run, console)
            run.refresh_from_db()
        report(run, console)
        if run.state == CleaningRun.State.FAILED:
            raise CommandError(f"The run failed: {run.error}")


DEEDS = ("apply", "pause", "resume", "cancel", "undo")
SCOPES = ("dry_run", "segment", "import", "domain")


def is_given(value: Any) -> bool:
    """Not whether it says something: an empty name, as of a variable that is not set, must not mean all addresses."""
    return value is not None and value is not False


def refuse_what_does_not_fit(options: dict[str, Any]) -> None:
    deed = next((name for name in DEEDS if is_given(options[name])), None)
    given = next((name for name in SCOPES if is_given(options[name])), None)
    if deed and given:
        option = given.replace("_", "-")
        raise CommandError(f"--{deed} is about a run that exists, with its own addresses: leave --{option} out.")
    if options["reason"] and deed != "undo":
        raise CommandError("--reason is an undo’s: leave it out, or name the run with --undo RUN.")


def stopped(options: dict[str, Any], by: Any) -> str:
    """Pauses or cancels, and says so."""
    if is_given(options["pause"]):
        pause(options["pause"])
        return f"Run {options['pause']} is paused. Go on with: manage.py clean --resume {options['pause']}"
    run = get_run(options["cancel"])
    if not cleaning.cancel_run(run, by or "the command", timezone.now()):
        raise CommandError(f"There is nothing to cancel: run {run.pk} is “{run.get_state_display()}”.")
    return f"Run {run.pk} is cancelled. {run.applied:,} changes were applied by then, and stay."


def asked_for(options: dict[str, Any], by: Any) -> CleaningRun:
    """The run that the options describe, begun. Raises CommandError in plain words."""
    try:
        if is_given(options["undo"]):
            return undo(get_run(options["undo"]), by, options["reason"])
        if is_given(options["apply"]):
            run = get_run(options["apply"])
            cleaning.apply_run(run, by)
            return run
        if is_given(options["resume"]):
            run = get_run(options["resume"])
            cleaning.resume_run(run)
            return run
        addresses, label = scope_of(options)
        return cleaning.start_run(
            via="command", now=timezone.now(), by=by, dry_run=options["dry_run"], addresses=addresses, label=label
        )
    except (cleaning.AlreadyRunning, cleaning.NotReady, cleaning.NothingToUndo) as error:
        raise CommandError(str(error)) from error


def scope_of(options: dict[str, Any]) -> tuple[QuerySet[Address] | None, str]:
    """The addresses that the options name, None for all, and the scope's name. Raises CommandError in plain words."""
    if is_given(options["segment"]):
        addresses, label = of_segment(options["segment"])
    elif is_given(options["import"]):
        addresses, label = of_import(get_import(options["import"]), Contact.objects.present())
    elif is_given(options["domain"]):
        try:
            addresses, label = of_domain(options["domain"])
        except BadAddress as error:
            raise CommandError(f"“{options['domain']}” is no domain. Write it as in example.org.") from error
    else:
        return None, "All addresses"
    if not addresses.exists():
        raise CommandError(f"{label} has no address: there is nothing to judge.")
    return addresses, label


def of_segment(name: str) -> tuple[QuerySet[Address], str]:
    segment = Segment.objects.filter(name__iexact=name).first()
    if segment is None:
        names = ", ".join(Segment.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no segment “{name}”. There are: {names}.")
    if fault := fault_of(segment):
        raise CommandError(fault)
    return addresses_of(segment), f"Segment “{segment.name}”"


def get_import(number: int) -> ImportRun:
    run = imports().filter(pk=number).first()
    if run is None:
        known = ", ".join(f"{run.pk} ({run.name})" for run in imports()[:5]) or "none yet"
        raise CommandError(f"There is no import {number} that wrote contacts. The newest are: {known}.")
    return run


def get_run(number: int) -> CleaningRun:
    run = CleaningRun.objects.filter(pk=number).first()
    if run is None:
        raise CommandError(f"There is no cleaning run {number}.")
    return run


def pause(number: int) -> None:
    run = get_run(number)
    if not cleaning.pause_run(run):
        raise CommandError(f"There is nothing to pause: run {run.pk} is “{run.get_state_display()}”.")


def user_named(email: str | None) -> Any:
    """Nobody where no email is given."""
    if email is None:
        return None
    user = get_user_model().objects.filter(email__iexact=email, is_active=True).first()
    if user is None or not user.has_perm("bounces.run_cleaning"):
        raise CommandError(f"--by EMAIL: {email} is no active user who may run cleaning.")
    return user


def undo(run: CleaningRun, by: Any, reason: str) -> CleaningRun:
    if by is None:
        raise CommandError("Say who decides: --by EMAIL, an active user who may run cleaning.")
    try:
        cleaning.undo_run(run, by, reason, timezone.now())
    except NoReason as error:
        raise CommandError("Say why: --reason TEXT. Others read it later.") from error
    return run


def carry(run: CleaningRun, console: Console) -> None:
    """Works at the run, or watches the worker that was quicker, and shows how far it is."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(run.get_state_display(), total=100, rate="")

        def show(now: CleaningRun) -> None:
            pace = now.pace(timezone.now())
            rate = f"{pace.rate:,.0f} a second" if pace else ""
            progress.update(task, completed=now.percent, description=now.get_state_display(), rate=rate)

        while run.is_running and not cleaning.work(run.pk, timezone.now, show):
            time.sleep(0.2)
            run.refresh_from_db()
            show(run)


def report(run: CleaningRun, console: Console) -> None:
    """What changed, or would change, and why."""
    console.print(
        f"Run {run.pk}: {run.get_state_display().lower()}. {run.total:,} addresses judged, {run.changes:,} move."
    )
    if run.undone_at:
        console.print(f"{run.undone:,} taken back, {run.kept:,} kept: newer facts decided since.")
        return
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
