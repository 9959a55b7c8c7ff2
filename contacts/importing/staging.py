"""The stage: a run's rows, cleaned, in a table of their own. In: a run. Out: rows that `judging.py` compares in sets.

Written by COPY into an unlogged table, which a crash of the database empties: then it is filled again from the stored
file. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import connection

from contacts.importing.cleaning import RowCleaner
from contacts.importing.reading import Line
from contacts.models import ImportRun

CHUNK = 10_000
Row = TypeVar("Row", Line, str)

COLUMNS = """
    number int NOT NULL, email text, others text[], first_name text, last_name text, title text, company text,
    owner_id bigint, phone text, country text, tags text[], source text, external_id text, custom jsonb,
    note text, opt_out text, opt_out_at timestamptz, notices jsonb, problems jsonb, cells jsonb
"""


def stage_of(run: ImportRun) -> str:
    return f"contacts_importstage_{int(run.pk)}"


def judged_of(run: ImportRun) -> str:
    return f"contacts_importjudged_{int(run.pk)}"


def found_of(run: ImportRun) -> str:
    return f"contacts_importfound_{int(run.pk)}"


def erased_of(run: ImportRun) -> str:
    return f"contacts_importerased_{int(run.pk)}"


def wrong_of(run: ImportRun) -> str:
    return f"contacts_importwrong_{int(run.pk)}"


def make_stage(run: ImportRun) -> None:
    """An empty one, whatever was there."""
    drop_stage(run)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE {stage_of(run)} ({COLUMNS})")


def drop_stage(run: ImportRun) -> None:
    """May run twice."""
    with connection.cursor() as cursor:
        for table in (stage_of(run), found_of(run), judged_of(run), erased_of(run), wrong_of(run)):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def end_stage(run: ImportRun) -> None:
    """Rows are looked for by their numbers from here on."""
    stage = stage_of(run)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {stage}_number ON {stage} (number)")
        cursor.execute(f"ANALYZE {stage} (number, email, external_id, problems)")  # what joins go by


def is_whole(run: ImportRun) -> bool:
    """Whether the stage still holds what was read: a crash of the database empties it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [stage_of(run)])
        if cursor.fetchone()[0] is None:
            return False
        cursor.execute(f"SELECT count(*) FROM {stage_of(run)}")  # noqa: S608 -- the name is made of a number
        return int(cursor.fetchone()[0]) == run.total


def is_kept(run: ImportRun) -> bool:
    """Whether a judged stage is still there, without counting it: a crash empties a table as a whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [stage_of(run), judged_of(run)])
        if None in cursor.fetchone():
            return False
        cursor.execute(f"SELECT EXISTS (SELECT FROM {stage_of(run)})")  # noqa: S608 -- the name is made of a number
        return bool(cursor.fetchone()[0]) or not run.total


def has_wrong(run: ImportRun) -> bool:
    """Whether its wrong cells were looked for (`wrong_cells.py`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [wrong_of(run)])
        return cursor.fetchone()[0] is not None


def chunks(items: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def stage_lines(run: ImportRun, lines: Sequence[str], cleaner: RowCleaner) -> None:
    """Adds rows that the stage does not hold yet."""
    copy = f"COPY {stage_of(run)} ({', '.join(cleaner.columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy) as copying:
        copying.write("".join(lines))
