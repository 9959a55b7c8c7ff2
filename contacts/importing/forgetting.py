"""What imports keep of an erased person: files that wait, stages, and the outcomes of rows.

In: the person's traces (`bounces/traces.py`), ids of contacts that went. Out: nothing of an import holds them. A file
that names the person and is not imported yet is not imported any more: else it would bring them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from django.db import connection

from bounces.scrubbing import ERASED
from bounces.traces import Traces
from contacts.importing import runs
from contacts.importing.reading import UnreadableFile
from contacts.importing.rows import open_run
from contacts.importing.waiting import VIA
from contacts.models import ImportRun

State = ImportRun.State
CANCELLED = "A person in this file was erased. Take the person out of the file, and import it again."
FORGET_ROWS_OF = """
    UPDATE contacts_importrow SET email = '', changes = NULL, cells = NULL, problems = NULL
     WHERE contact_id = ANY(%(contacts)s)
"""
FORGET_PACKED_OF = """
    UPDATE contacts_importpack AS pack SET emails = (
        SELECT array_agg(CASE WHEN contact_id = ANY(%(contacts)s) THEN '' ELSE email END ORDER BY place)
          FROM unnest(pack.emails, pack.contact_ids) WITH ORDINALITY AS packed(email, contact_id, place))
     WHERE contact_ids && %(contacts)s::bigint[]
"""
FORGET_ROWS = """
    UPDATE contacts_importrow SET email = '', changes = NULL, cells = NULL, problems = NULL
     WHERE lower(email) = ANY(%(emails)s)
        OR (cells::text ILIKE ANY(%(hints)s) AND cells::text ~* %(pattern)s)
        OR (changes::text ILIKE ANY(%(hints)s) AND changes::text ~* %(pattern)s)
"""


def file_names(email: str) -> list[str]:
    return list(ImportRun.objects.filter(name__icontains=email).order_by().values_list("name", flat=True).distinct())


def forget_rows(contacts: Sequence[int], traces: Traces) -> None:
    """What became of the rows of these contacts, and of rows that name the person: names and phones are in there."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_ROWS_OF, {"contacts": list(contacts)})
        cursor.execute(FORGET_PACKED_OF, {"contacts": list(contacts)})
        if traces.emails:
            cursor.execute(FORGET_ROWS, traces.parameters)


def forget_files(traces: Traces, now: datetime) -> None:
    """Inside the caller's transaction. May run twice."""
    for run in ImportRun.objects.exclude(state__in=ImportRun.ENDED).order_by("pk").iterator():
        if names(run, traces):
            _end(run, now)
    for run in ImportRun.objects.filter(name__in=traces.names):
        # The ending says how the file is read.
        ImportRun.objects.filter(pk=run.pk).update(name=ERASED + PurePath(run.name).suffix)


def names(run: ImportRun, traces: Traces) -> bool:
    """Whether its file names the person. What cannot be read cannot be imported either."""
    try:
        table = open_run(run).table
        if any(traces.occurs_in(header) for header in table.headers):
            return True
        return any(traces.occurs_in(cell) for line in table.lines for cell in line.cells)
    except UnreadableFile:
        return True


def _end(run: ImportRun, now: datetime) -> None:
    runs.forget(run)
    if run.via == VIA:
        run.delete()
        return
    ImportRun.objects.filter(pk=run.pk).exclude(state__in=ImportRun.ENDED).update(
        state=State.CANCELLED, finished_at=now, error=CANCELLED
    )
