"""What people do with an import: choose its columns, confirm its preview, let the next batch go, cancel it, undo it.

In: a run, a person. Out: the run's state, which the job (`working.py`) goes by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from bounces import lease
from bounces.rulings import NoReason
from contacts.importing import batches
from contacts.importing.custom_cells import custom_notices
from contacts.importing.given_tags import with_ids
from contacts.importing.holding import begin_again
from contacts.importing.mapping import check_mapping, first_mapping, guess_columns, notices_of
from contacts.importing.options import Options, OptOuts, read_options
from contacts.importing.reading import Manner
from contacts.importing.rows import first_lines
from contacts.importing.staging import drop_stage
from contacts.importing.stored import drop_file, keep_file
from contacts.models import CustomField, ImportCorrection, ImportRun

State = ImportRun.State

LEASE = "importing"
FOUND_OUT = Manner()  # nothing is said of how the file is read
FORGOTTEN_AFTER = timedelta(days=1)  # a preview that nobody confirmed
WAITING = (State.UPLOADED, State.READY)


class NotReady(Exception):
    """The run is not in a state in which that can be done; the message says so to people."""


def take_file(
    pieces: Iterable[bytes],
    name: str,
    *,
    by: Any,
    via: str,
    now: datetime,
    form: str = "",
    client_key: str = "",
    manner: Manner = FOUND_OUT,
) -> ImportRun:
    """Keeps a file and guesses its columns. Raises UnreadableFile; then nothing is kept.

    `manner`: how it is read, as far as a person says. `client_key`: by which a tool knows the import again. Raises
    IntegrityError where the person has used it before.
    """
    with transaction.atomic():
        run = keep_file(
            pieces, name, largest=settings.IMPORT_CAP, by=by, via=via, now=now, form=form, client_key=client_key
        )
        run.options = Options(source=run.name).as_json()
        _guess(run, manner)
    return run


def read_otherwise(run: ImportRun, manner: Manner) -> None:
    """Reads the file in another manner, and guesses its columns anew. Raises UnreadableFile, NotReady."""
    with transaction.atomic():
        locked = _lock(run, (State.UPLOADED, State.READY), "How a file is read can be said before it is imported.")
        drop_stage(locked)
        ImportCorrection.objects.filter(run_id=run.pk).delete()  # its rows and columns may be others now
        locked.state = State.UPLOADED
        _guess(locked, manner)
    run.refresh_from_db()


def _guess(run: ImportRun, manner: Manner) -> None:
    run.manner = manner.as_json()
    table, lines = first_lines(run)
    run.mapping = first_mapping(table.headers, lines)
    run.headers, run.notices = table.headers, table.notices
    run.save()


def begin(run: ImportRun, mapping: Mapping[str, str], options: Options, notices: Sequence[str] | None = None) -> None:
    """Lets the job read and judge the file. Raises UnreadableFile, NotReady.

    `notices`: what is to be said of the columns, where the caller knows it.
    """
    chosen = check_mapping(run.headers, mapping, [new["key"] for new in options.new_fields])
    if "opt_out" in chosen.values() and options.opt_outs == OptOuts.ORDINARY and not options.opt_out_reason.strip():
        raise NotReady("Say why people who opted out, bounced or were blocked may be imported as ordinary contacts.")
    with transaction.atomic():
        locked = _lock(run, (State.UPLOADED, State.READY), "Its columns can be chosen before it is imported.")
        table, lines = first_lines(locked)
        declared = [*CustomField.objects.all(), *(CustomField(**new) for new in options.new_fields)]
        said = custom_notices(table.headers, chosen, declared, lines)
        if notices is None:
            notices = notices_of(guess_columns(table.headers, lines), chosen)
        locked.notices = [*_told_before(locked), *table.notices, *notices, *said]
        locked.mapping, locked.options = chosen, with_ids(options).as_json()
        begin_again(locked)
        locked.save()
    run.refresh_from_db()


def _told_before(run: ImportRun) -> list[str]:
    """Whether the same bytes were imported before. They may come again: that changes nothing."""
    before = ImportRun.objects.filter(digest=run.digest, state=State.DONE).order_by("-pk").first()
    if before is None or before.finished_at is None:
        return []
    return [f"The same file was imported on {before.finished_at:%Y-%m-%d} already, as import {before.pk}."]


def confirm(run: ImportRun, by: Any, now: datetime, reason: str = "") -> None:
    """Lets the job write what the preview shows: once, and by whoever brought the file; a quarantined list by any
    manager, who says why. Raises NotReady, NoReason."""
    with transaction.atomic():
        locked = _lock(run, (State.READY,), "Only a preview can be confirmed.")
        if locked.quarantine:
            _release(locked, by, reason)
        elif by is not None and locked.started_by not in (None, by):
            raise NotReady(f"Only {locked.started_by} can confirm this import.")
        start_applying(locked, now)
        locked.save()
    run.refresh_from_db()


def start_applying(run: ImportRun, now: datetime) -> None:
    """Inside the caller's transaction, which saves the run."""
    _make_fields(run)
    run.state, run.applied_at, run.cursor, run.done, run.pace_at = State.APPLYING, now, 0, 0, None


def _release(run: ImportRun, by: Any, reason: str) -> None:
    if by is None or not by.has_perm("contacts.change_everyones_contact"):
        raise NotReady("A quarantined list needs a manager.")
    if not reason.strip():
        raise NoReason("Say why this list may be imported all the same.")
    run.released_by, run.release_reason = by, reason.strip()


def _make_fields(run: ImportRun) -> None:
    known = set(CustomField.objects.values_list("key", flat=True))
    made = [new for new in read_options(run.options).new_fields if new["key"] not in known]
    CustomField.objects.bulk_create(CustomField(**new) for new in made)
    if made:
        run.made = {**run.made, "fields": [new["key"] for new in made]}


def let_next_batch(run: ImportRun, by: Any) -> None:
    """Lets a quarantined list go on, if the batches so far bounce little enough. Raises NotReady."""
    if not by.has_perm("contacts.change_everyones_contact"):
        raise NotReady("A quarantined list needs a manager.")
    with transaction.atomic():
        locked = _lock(run, (State.HELD,), "Only an import that is held can go on.")
        if refusal := batches.refusal(batches.share_of(locked)):
            raise NotReady(refusal)
        locked.state, locked.pace_at = State.APPLYING, None
        locked.save()
    run.refresh_from_db()


def cancel(run: ImportRun, by: Any, now: datetime) -> bool:
    """Stops a run; what it has written stays, and its report says so. False when it had ended already."""
    states = [State.UPLOADED, State.STAGING, State.JUDGING, State.READY, State.APPLYING, State.HELD]
    with transaction.atomic():
        changed = ImportRun.objects.filter(pk=run.pk, state__in=states).update(
            state=State.CANCELLED, finished_at=now, error=f"Cancelled by {by}."
        )
        if changed:
            forget(run)
    run.refresh_from_db()
    return bool(changed)


def check_undoable(run: ImportRun) -> None:
    """Raises NotReady, saying what has to come first."""
    if run.state == State.HELD:
        raise NotReady("It is held after a batch. Cancel it first: what came so far can then be taken back.")
    if run.state not in ImportRun.UNDOABLE:
        raise NotReady(f"Only an import that has ended can be taken back. This one is “{run.get_state_display()}”.")
    if not (run.wrote or run.suppressed):
        raise NotReady("This import has written nothing that could be taken back.")


def undo(run: ImportRun, by: Any, reason: str, now: datetime) -> None:
    """Lets the job take the whole import back. Raises NoReason, NotReady."""
    if not reason.strip():
        raise NoReason("Say why, so that others can read it later.")
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        check_undoable(locked)
        locked.state, locked.cursor, locked.done, locked.pace_at = State.UNDOING, 0, 0, None
        locked.undone_by, locked.undo_reason, locked.undone_at = by, reason.strip(), now
        locked.finished_at = None
        locked.save()
    run.refresh_from_db()


def forget(run: ImportRun) -> None:
    """The file and the stage of a run that has ended. May run twice."""
    drop_file(run.pk)
    drop_stage(run)


def is_waiting(now: datetime) -> bool:
    """Whether a worker has something to do, and nobody is at it."""
    has_work = ImportRun.objects.filter(state__in=ImportRun.RUNNING).exists() or forgotten(now).exists()
    return has_work and lease.is_free(LEASE)


def forgotten(now: datetime) -> Any:
    return ImportRun.objects.filter(state__in=WAITING, created_at__lt=now - FORGOTTEN_AFTER)


def _lock(run: ImportRun, states: Iterable[str], sentence: str) -> ImportRun:
    locked = ImportRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.state not in states:
        raise NotReady(f"{sentence} This one is “{locked.get_state_display()}”.")
    return locked
