"""The tasks that a schedule can name: what each does, and what it says afterwards.

In: a clock. Out: the outcome, in one sentence for the schedule's page. A task may run twice and be killed anywhere.
Tasks of other applications: setting OTHER_TASKS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from bounces import cleaning, providers, retention, schedule_runs
from bounces.intake import mailboxes

Clock = Callable[[], datetime]


def clean_all(clock: Clock) -> str:
    try:
        run = cleaning.start_run(via="schedule", now=clock())
    except cleaning.AlreadyRunning as error:
        return f"Skipped: {error}"
    return f"Started cleaning run {run.pk}."


def learn_providers(clock: Clock) -> str:
    return f"Looked up the mail servers of {providers.learn_operators(clock()):,} domains."


def forget_what_ifs(clock: Clock) -> str:
    return f"Deleted {cleaning.forget_old(clock()):,} old simulations."


def read_mailboxes(clock: Clock) -> str:
    """A turn of each mailbox, short enough to let the queue's other work pass; the next minute goes on."""
    turns = mailboxes.read_all(clock, timedelta(seconds=20))
    read = [turn for turn in turns.values() if turn is not None and not turn.trouble]
    new = sum(turn.tally.new for turn in turns.values() if turn is not None)
    failed = sum(1 for turn in turns.values() if turn is not None and turn.trouble)
    watched = len(turns) - len(read) - failed
    said = f"Mailboxes read: {len(read):,}. New emails: {new:,}."
    said += f" Read by another process: {watched:,}." if watched else ""
    return said + (f" Could not be read: {failed:,}. See Sources." if failed else "")


def have_no_mailbox() -> str:
    return "" if mailboxes.sources() else "Skipped: no source is a mailbox."


def prune_inbox(clock: Clock) -> str:
    """What is left over after an hour waits for the next night."""
    runs = schedule_runs.prune()
    pruned = retention.prune(clock, timedelta(hours=1))
    if pruned is None:
        return "Skipped: another process is pruning."
    return (
        f"Deleted the raw bytes of {pruned.raw:,} inbox items, {pruned.rows:,} inbox rows, "
        f"and {pruned.others + runs:,} rows of emails, webhook deliveries and finished tasks."
    )


def always() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Task:
    """`is_quick`: the scheduler does it itself. `skipped`: why it is not needed now, empty where it is."""

    work: Callable[[Clock], str]
    is_quick: bool = False
    skipped: Callable[[], str] = always


TASKS: dict[str, Task] = {
    "clean_all": Task(clean_all, is_quick=True),  # the run that it starts is a job of its own
    "learn_providers": Task(learn_providers),
    "forget_what_ifs": Task(forget_what_ifs),
    "read_mailboxes": Task(read_mailboxes, skipped=have_no_mailbox),
    "prune_inbox": Task(prune_inbox),
}


def _named(name: str) -> Callable[..., Any]:
    """A function of another application, imported when it is called."""
    return lambda *args: import_string(name)(*args)


TASKS |= {name: Task(_named(work), skipped=_named(skipped)) for name, (work, skipped) in settings.OTHER_TASKS.items()}
