"""What imports keep of an erased person: files that wait, stages, and the outcomes of rows.

In: the person's traces (`bounces/traces.py`), ids of contacts that went. Out: nothing of an import holds them. A file
that names the person and is not imported yet is not imported any more: else it would bring them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.db import connection

from bounces.scrubbing import ERASED
from bounces.traces import Traces
from contacts.importing import runs
from contacts.importing.reading import UnreadableFile
from contacts.importing.rows import open_run
from contacts.importing.waiting import VIA
from contacts.models import ImportCorrection, ImportRun

State = ImportRun.State
CANCELLED = "A person in this file was erased. Take the person out of the file, and import it again."
FORGET_ROWS_OF = """
    UPDATE contacts_importrow SET email = '', changes = NULL, cells = NULL, problems = NULL
     WHERE contact_id = ANY(%(contacts)s)
"""
FORGET_PACKED = """
    UPDATE contacts_importpack AS pack SET emails = left_of.emails, details = left_of.details
      FROM contacts_importpack AS old CROSS JOIN LATERAL (
        SELECT array_agg(CASE WHEN is_gone THEN '' ELSE email END ORDER BY place) AS emails,
               CASE WHEN old.details IS NOT NULL
                    THEN jsonb_agg(CASE WHEN is_gone THEN '[null, null]' ELSE detail END ORDER BY place) END AS details
          FROM (
            SELECT email, detail, place,
                   coalesce(contact_id = ANY(%(contacts)s::bigint[]), false)
                   OR lower(email) = ANY(%(emails)s::text[])
                   OR coalesce(detail::text ~* %(pattern)s::text, false) AS is_gone
              FROM ROWS FROM (
                unnest(old.emails), unnest(old.contact_ids), jsonb_array_elements(old.details)
              ) WITH ORDINALITY AS packed(email, contact_id, detail, place)
          ) AS judged
      ) AS left_of
     WHERE pack.id = old.id AND (
           old.contact_ids && %(contacts)s::bigint[]
           OR old.emails::text ILIKE ANY(%(hints)s::text[])
           OR old.details::text ILIKE ANY(%(hints)s::text[]))
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
        nothing: dict[str, Any] = {"pattern": None, "hints": [], "emails": []}
        named = traces.parameters if traces.emails else nothing
        cursor.execute(FORGET_PACKED, {"contacts": list(contacts), **named})
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
    """Whether its file names the person, or a correction of it. What cannot be read cannot be imported either."""
    corrected = ImportCorrection.objects.filter(run_id=run.pk).values_list("was", "value")
    if any(traces.occurs_in(text) for pair in corrected for text in pair):
        return True
    try:
        table = open_run(run, as_it_came=True).table
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
