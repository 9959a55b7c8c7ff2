"""Exports that take a while: begun by a person, made by a worker, kept in pieces, gone when they expire.

In: who, what, in which form. Out: an Export with its file in the database, so that any web process can hand it out.
Killed anywhere, an export begins anew: its pieces are its own. Only one worker makes exports at a time (a lease).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from bounces import lease
from bounces.lease import Lease
from contacts.access import User
from contacts.exporting.files import MOST_ROWS_OF_A_SHEET, TooManyRows, Unwritable
from contacts.exporting.layouts import layout_of
from contacts.exporting.presets import PROTECTED
from contacts.exporting.subjects import SUBJECTS, BadFilter, Params
from contacts.models import Export, ExportPiece

Clock = Callable[[], datetime]
State = Export.State

LEASE = "exports"
LEASE_LASTS = timedelta(seconds=100)  # a workbook of a million rows is closed in one step
DIRECT = 5_000  # rows that are sent at once, without a worker
MOST_OPEN = 5  # exports of one person that wait or are being made
MOST_ATTEMPTS = 3
TOLD_EVERY = 2_000  # rows


class TooManyOpen(ValueError):
    """The person has exports enough that are not done. The message is for people."""

    def __init__(self) -> None:
        super().__init__(f"{MOST_OPEN} of your exports are not done yet. Wait for one of them, or delete it.")


def stream(
    what: str, form: str, params: Params, keys: Sequence[str], user: User, now: datetime, preset: str = PROTECTED
) -> Iterator[bytes]:
    """The file, made while it is sent; its first piece is made at once. Raises BadFilter, Unwritable."""
    subject, layout = SUBJECTS[what], layout_of(what, preset, keys)
    pieces = layout.pieces(form, layout.rows(subject.find(params, user, now), now, subject.demand(params, user)))
    return chain([next(pieces, b"")], pieces)


def begin(
    what: str, form: str, params: Params, keys: Sequence[str], user: User, now: datetime, preset: str = PROTECTED
) -> Export:
    """An export for a worker. Raises BadFilter, TooManyOpen."""
    subject, layout = SUBJECTS[what], layout_of(what, preset, keys)
    with transaction.atomic():
        # Two requests at once are counted one after the other.
        get_user_model()._default_manager.select_for_update(no_key=True).get(pk=user.pk)
        if Export.objects.filter(by=user, state__in=Export.OPEN).count() >= MOST_OPEN:
            raise TooManyOpen
        return Export.objects.create(
            subject=what,
            form=form,
            preset=preset,
            params=subject.store(params, user),
            columns=layout.chosen,
            label=subject.describe(params, user)[:500],
            by=user,
            created_at=now,
        )


def is_waiting(now: datetime) -> bool:
    """Whether there is something for the worker: an export to make, or one that has expired."""
    due = Q(state__in=Export.OPEN) | Q(state=State.DONE, expires_at__lte=now)
    return Export.objects.filter(due).exists() and lease.is_free(LEASE)


def work(clock: Clock) -> bool:
    """Makes what waits, the oldest first, and clears what has expired. May run twice. False: another is at it.

    Where the database goes away an export stays as it is, and the next worker begins it anew.
    """
    held = lease.acquire(LEASE, LEASE_LASTS)
    if held is None:
        return False
    try:
        expire(clock())
        while export := Export.objects.filter(state__in=Export.OPEN).select_related("by").order_by("pk").first():
            _make(export, held, clock)
            lease.renew(held)
    finally:
        lease.release(held)
    return True


def expire(now: datetime) -> int:
    """Clears the files whose time is over; what was exported stays in the list. May run twice."""
    over = list(Export.objects.filter(state=State.DONE, expires_at__lte=now).values_list("pk", flat=True))
    with transaction.atomic():
        ExportPiece.objects.filter(export__in=over).delete()
        return Export.objects.filter(pk__in=over, state=State.DONE).update(state=State.EXPIRED)


def forget_files(now: datetime) -> None:
    """Nobody gets an older file any more, and one that is being made begins anew: somebody was erased."""
    ExportPiece.objects.filter(export__state=State.DONE).delete()
    Export.objects.filter(state=State.DONE).update(state=State.EXPIRED, expires_at=now)
    Export.objects.filter(state=State.RUNNING).update(state=State.WAITING)


def body_of(export: Export) -> Iterator[bytes]:
    """The file's bytes, one piece in memory at a time."""
    for position in range(export.pieces):
        piece = ExportPiece.objects.filter(export=export, position=position).values_list("body", flat=True).first()
        if piece is None:
            raise LookupError(f"piece {position} of {export} is gone")  # expired meanwhile: the download breaks off
        yield zlib.decompress(piece)


def _make(export: Export, held: Lease, clock: Clock) -> None:
    try:
        _begin_anew(export, held, clock())
        if export.state == State.RUNNING:
            _write(export, held, clock)
    except lease.PUT_OUT:
        raise
    except (BadFilter, Unwritable) as error:
        _fail(export, str(error), clock())
    except Exception as error:
        _fail(export, f"Something went wrong on our side ({type(error).__name__}). Try again.", clock())
        raise


def _begin_anew(export: Export, held: Lease, now: datetime) -> None:
    with transaction.atomic():
        lease.guard(held)
        ExportPiece.objects.filter(export=export).delete()
        export.state, export.attempts = State.RUNNING, export.attempts + 1
        export.done = export.size = export.pieces = 0
        if export.attempts > MOST_ATTEMPTS:
            export.state, export.finished_at = State.FAILED, now
            export.error = f"It was begun {MOST_ATTEMPTS} times and never came to its end. Export less at once."
        elif not (export.by.is_active and export.by.has_perm(SUBJECTS[export.subject].permission)):
            export.state, export.finished_at = State.FAILED, now
            export.error = "You may no longer export this."
        export.save()


def _write(export: Export, held: Lease, clock: Clock) -> None:
    now = clock()
    subject = SUBJECTS[export.subject]
    params = subject.recall(export.params)
    found = subject.find(params, export.by, now)
    export.total = found.order_by().count()
    if export.form == Export.Form.XLSX and export.total > MOST_ROWS_OF_A_SHEET:
        raise TooManyRows  # now, rather than after a million rows
    layout = layout_of(export.subject, export.preset, export.columns)
    rows = _watched(export, held, layout.rows(found, now, subject.demand(params, export.by)))
    for piece in layout.pieces(export.form, rows):
        with transaction.atomic():
            lease.guard(held)
            if not _tell(export, size=export.size + len(piece), pieces=export.pieces + 1):
                return  # deleted by its owner, or begun anew because somebody was erased
            ExportPiece.objects.create(export=export, position=export.pieces - 1, body=zlib.compress(piece, 1))
        lease.renew(held)
    with transaction.atomic():
        lease.guard(held)
        ended = clock()
        _tell(export, state=State.DONE, finished_at=ended, expires_at=ended + timedelta(days=settings.EXPORT_DAYS))


def _watched(export: Export, held: Lease, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """The same rows; how far it is is told, and the lease held, even while no piece is finished."""
    for row in rows:
        export.done += 1
        yield row
        if export.done % TOLD_EVERY == 0:
            _tell(export)
            lease.renew(held)


def _tell(export: Export, **changes: Any) -> bool:
    """Writes how far it is. False where the export is no longer ours to make."""
    for name, value in changes.items():
        setattr(export, name, value)
    told = {"done": export.done, "total": export.total, **changes}
    return bool(Export.objects.filter(pk=export.pk, state=State.RUNNING).update(**told))


def _fail(export: Export, sentence: str, now: datetime) -> None:
    ExportPiece.objects.filter(export=export).delete()
    Export.objects.filter(pk=export.pk).update(state=State.FAILED, error=sentence[:2000], finished_at=now)
