"""The preview of a run that waits for a person, held while it is read. In: a run. Out: whether its stage is there.

A crash of the database empties the stage, which is not logged, and whoever confirms or cancels the run in the same
moment takes it away. What was lost is read again from the stored file, as the job does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import ProgrammingError, connection, transaction
from psycopg.errors import UndefinedTable

from contacts.importing import staging
from contacts.models import ImportRun

State = ImportRun.State
LOST = "Its preview was lost when the database restarted. It is being read again: look again in a moment."


@contextmanager
def held_preview(run: ImportRun) -> Iterator[bool]:
    """While it is True nobody takes the stage away. Where it is False, `run` says in which state it is now."""
    was_ready = run.state == State.READY
    with transaction.atomic():
        is_held = was_ready and _hold(run) and is_there(run)
        if is_held:
            yield True
    if was_ready and not is_held:
        read_again(run)
    if not is_held:
        yield False


def is_there(run: ImportRun) -> bool:
    """Whether all that a preview shows is still kept."""
    return staging.is_kept(run) and staging.has_wrong(run)


def _hold(run: ImportRun) -> bool:
    """Others may read it too; who wants to change its state waits. False where somebody has changed it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM contacts_importrun WHERE id = %s FOR SHARE", [run.pk])
        found = cursor.fetchone()
    return found is not None and found[0] == State.READY


def read_again(run: ImportRun) -> None:
    """Lets the job read the file once more, where the preview is lost. May run twice."""
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if locked.state == State.READY and not is_there(locked):
            begin_again(locked)
            locked.save()
    run.refresh_from_db()


def begin_again(run: ImportRun) -> None:
    """Nothing of the file is read yet. The caller saves it."""
    run.state, run.total, run.read_bytes, run.pace_at = State.STAGING, 0, 0, None
    run.counts, run.known, run.health, run.quarantine, run.opt_outs = {}, {}, {}, "", {}


@contextmanager
def without_gone_tables() -> Iterator[None]:
    """Ends quietly where the stage is taken away meanwhile."""
    try:
        with transaction.atomic():
            yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, UndefinedTable):
            raise
