"""The stage: a run's rows, cleaned, in a table of their own. In: a run. Out: rows that `judging.py` compares in sets.

Written by COPY into an unlogged table, which a crash of the database empties: then it is filled again from the stored
file. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

from contacts.importing.cells import RowCleaner
from contacts.importing.reading import Line
from contacts.models import ImportRun

CHUNK = 5_000
Row = TypeVar("Row", Line, str)
NULL = "\\N"  # of COPY's text form

COLUMNS = """
    number int NOT NULL, email text, others text[], first_name text, last_name text, title text, company text,
    owner_id bigint, phone text, country text, tags text[], source text, external_id text, custom jsonb,
    problems jsonb, cells jsonb
"""


def stage_of(run: ImportRun) -> str:
    return f"contacts_importstage_{int(run.pk)}"


def judged_of(run: ImportRun) -> str:
    return f"contacts_importjudged_{int(run.pk)}"


def found_of(run: ImportRun) -> str:
    return f"contacts_importfound_{int(run.pk)}"


def make_stage(run: ImportRun) -> None:
    """An empty one, whatever was there."""
    drop_stage(run)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE {stage_of(run)} ({COLUMNS})")


def drop_stage(run: ImportRun) -> None:
    """May run twice."""
    with connection.cursor() as cursor:
        for table in (stage_of(run), found_of(run), judged_of(run)):
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


def chunks(items: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def written(lines: Iterable[Line], cleaner: RowCleaner) -> Iterator[str]:
    """Each line, cleaned, in COPY's text form. Not while a COPY runs: the cleaner may ask the database, which is deaf
    then. One by one: lines that are held until their chunk is full cost a fifth more, for the garbage collector.
    """
    return (_written(cleaner.clean(line)) for line in lines)


def stage_lines(run: ImportRun, lines: Sequence[str], cleaner: RowCleaner) -> None:
    """Adds rows that the stage does not hold yet."""
    copy = f"COPY {stage_of(run)} ({', '.join(cleaner.columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy) as copying:
        copying.write("".join(lines))


def _written(values: list[Any]) -> str:
    """One line of COPY's text form."""
    try:
        line = "\t".join([NULL if value is None else value for value in values])
    except TypeError:  # a list is among them
        return "\t".join([NULL if value is None else _escaped(value) for value in values]) + "\n"
    is_plain = line.count("\\") == values.count(None) and line.count("\t") == len(values) - 1
    if is_plain and "\n" not in line and "\r" not in line:
        return line + "\n"
    return "\t".join([NULL if value is None else _escaped(value) for value in values]) + "\n"


def _escaped(value: Any) -> str:
    if value.__class__ is list:
        value = "{" + ",".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value) + "}"
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return str(value)
