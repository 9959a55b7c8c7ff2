"""The rows of a run's file, one after the other. In: a run. Out: headers, what was assumed, and the lines.

A file is read as `reading/` reads it. What came as rows already (the admin's dataset) is kept as JSON lines.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from contacts.importing.reading import Line, Sheet, Table, UnreadableFile, form_of, read_table
from contacts.importing.stored import open_file
from contacts.models import ImportRun

ROWS = "rows"  # the form of a file that is kept as rows
SAMPLES = 500
LINES_AT_ONCE = 5000
NO_ROWS = "The file has a header but no rows below it."


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's file while it is read."""

    table: Table
    stream: io.BufferedReader

    @property
    def position(self) -> int:
        """Bytes that were read so far."""
        return self.stream.tell()


def open_run(run: ImportRun) -> Opened:
    """Raises UnreadableFile, here or while the lines are read."""
    stream = open_file(run)
    return Opened(_packed(stream) if run.form == ROWS else read_table(stream, form_of(run.name)), stream)


def first_lines(run: ImportRun) -> tuple[Table, list[Line]]:
    """The head of the file, to guess its columns by. Raises UnreadableFile where there is nothing to import."""
    table = open_run(run).table
    lines = list(islice(table.lines, SAMPLES))
    if not lines:
        raise UnreadableFile(NO_ROWS)
    return table, lines


def lines_of(sheet: Sheet) -> Iterator[Line]:
    for number, cells in zip(sheet.numbers, sheet.rows, strict=True):
        yield Line(number, cells, sheet.problems.get(number, ""))


def pack_rows(headers: Sequence[str], lines: Iterable[Line], notices: Sequence[str]) -> Iterator[bytes]:
    """A table as the bytes that are kept of it."""
    yield json.dumps({"headers": list(headers), "notices": list(notices)}).encode() + b"\n"
    piece: list[str] = []
    for line in lines:
        piece.append(json.dumps([line.number, line.problem, line.cells]) + "\n")
        if len(piece) >= LINES_AT_ONCE:
            yield "".join(piece).encode()
            piece = []
    yield "".join(piece).encode()


def _packed(stream: io.BufferedReader) -> Table:
    head = json.loads(stream.readline())
    return Table(head["headers"], _unpacked(stream), head["notices"])


def _unpacked(stream: io.BufferedReader) -> Iterator[Line]:
    for text in stream:
        number, problem, cells = json.loads(text)
        yield Line(number, cells, problem)
