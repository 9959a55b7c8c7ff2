"""The stage: a run's rows, cleaned, in a table of their own. In: a run. Out: rows that `judging.py` compares in sets.

Written by COPY into an unlogged table, which a crash of the database empties: then it is filled again from the stored
file. Addresses that look as nearly all do are accepted by one simple pattern in the database; the others are looked at
by the library. Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from contacts.importing.cells import NO_ADDRESS, STAGED, RowCleaner, clean_address
from contacts.importing.columns import LONGEST_SHOWN
from contacts.importing.reading import Line
from contacts.models import ImportRun

CHUNK = 5_000
# Short enough that no part is too long. Everything else is looked at by the library.
PLAIN_ADDRESS = r"^[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}$"
PLAIN_LENGTH = 64

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
        cursor.execute(f"ANALYZE {stage}")


def is_whole(run: ImportRun) -> bool:
    """Whether the stage still holds what was read: a crash of the database empties it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [stage_of(run)])
        if cursor.fetchone()[0] is None:
            return False
        cursor.execute(f"SELECT count(*) FROM {stage_of(run)}")  # noqa: S608 -- the name is made of a number
        return int(cursor.fetchone()[0]) == run.total


def chunks(lines: Iterator[Line], size: int = CHUNK) -> Iterator[list[Line]]:
    while chunk := list(islice(lines, size)):
        yield chunk


def stage_lines(run: ImportRun, lines: Sequence[Line], cleaner: RowCleaner) -> None:
    """Adds rows that the stage does not hold yet, their addresses in the form in which they are kept."""
    if not lines:
        return
    copy = f"COPY {stage_of(run)} ({', '.join(STAGED)}) FROM STDIN"
    # Cleaned first: it may ask the database, which is deaf while it takes a COPY.
    text = "".join([_written(cleaner.clean(line)) for line in lines])
    with connection.cursor() as cursor:
        with cursor.copy(copy) as copying:
            copying.write(text)
        _look_at_addresses(run, cursor, lines, cleaner)


def _written(values: list[Any]) -> str:
    """One line of COPY's text form."""
    return "\t".join(["\\N" if value is None else _escaped(value) for value in values]) + "\n"


def _escaped(value: Any) -> str:
    if value.__class__ is list:
        value = "{" + ",".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value) + "}"
    elif value.__class__ is int:
        return str(value)
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return str(value)


def _look_at_addresses(run: ImportRun, cursor: Any, lines: Sequence[Line], cleaner: RowCleaner) -> None:
    """Gives each address that is not plain its kept form, or its row a problem."""
    stage = stage_of(run)
    cursor.execute(
        f"SELECT number, email, external_id, problems FROM {stage} WHERE number BETWEEN %s AND %s "  # noqa: S608 -- ours
        "AND email IS NOT NULL AND NOT (length(email) <= %s AND email ~ %s) ORDER BY number",
        [lines[0].number, lines[-1].number, PLAIN_LENGTH, PLAIN_ADDRESS],
    )
    odd = cursor.fetchall()
    if not odd:
        return
    cells = {line.number: line.cells for line in lines}
    at = cleaner.headers.index(cleaner.header_of["email"])
    changes = [_looked_at(row, cells[row[0]], at, cleaner) for row in odd]
    cursor.execute(
        f"UPDATE {stage} AS s SET email = odd.email, problems = odd.problems, cells = coalesce(s.cells, odd.cells) "  # noqa: S608 -- ours
        "FROM unnest(%s::int[], %s::text[], %s::jsonb[], %s::jsonb[]) AS odd(number, email, problems, cells) "
        "WHERE s.number = odd.number",
        [list(column) for column in zip(*changes, strict=True)],
    )


def _looked_at(row: tuple[Any, ...], cells: list[str], at: int, cleaner: RowCleaner) -> tuple[Any, ...]:
    number, text, external_id, kept = row
    problems = json.loads(kept) if isinstance(kept, str) else (kept or [])
    email, sentence = clean_address(text)
    if sentence:
        problems.append([cleaner.headers[at], cells[at][:LONGEST_SHOWN], sentence])
    elif not email and not external_id:
        problems.append([cleaner.headers[at], "", NO_ADDRESS])
    if not problems:
        return number, email, None, None
    return number, email or None, json.dumps(problems), json.dumps(dict(zip(cleaner.headers, cells, strict=True)))
