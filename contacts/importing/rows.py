"""The rows of a run's file, one after the other. In: a run. Out: headers, what was assumed, and the lines, corrected.

A file is read as `reading/` reads it. What came as rows already (the admin's dataset) is kept as JSON lines.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from contacts.importing.corrections import corrections_of
from contacts.importing.mapping import SAMPLES
from contacts.importing.reading import HeadEnded, Line, Manner, Sheet, Table, UnreadableFile, form_of, read_table
from contacts.importing.stored import open_file
from contacts.models import ImportRun

ROWS = "rows"  # the form of a file that is kept as rows
HEAD = 4 * 1024 * 1024  # bytes of a text that are read for them: somebody waits, and others share their process
LINES_AT_ONCE = 5000
NO_ROWS = "The file has a header but no rows below it."


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's file while it is read."""

    table: Table
    stream: io.BufferedReader
    size: int

    def position_after(self, rows: int) -> int:
        """Bytes that were read so far; of a workbook, which is unpacked before its first row, the rows' share."""
        if self.table.rows:
            return max(1, self.size * min(rows, self.table.rows) // self.table.rows)
        return self.stream.tell()


def open_run(
    run: ImportRun, most: int | None = None, watch: Callable[[], None] | None = None, *, as_it_came: bool = False
) -> Opened:
    """With the corrections of its preview, unless `as_it_came`. Raises UnreadableFile, here or while lines are read.

    `most`: see `read_table`; `watch`: see `StoredFile`.
    """
    stream = open_file(run, watch)
    table = _packed(stream) if run.form == ROWS else read_table(stream, form_of(run.name), Manner(**run.manner), most)
    if not as_it_came and (corrections := corrections_of(run, table.headers)) is not None:
        table.lines = corrections.applied(table.lines)
    return Opened(table, stream, run.size)


def first_lines(run: ImportRun) -> tuple[Table, list[Line]]:
    """The head of the file, to guess its columns by. Raises UnreadableFile where there is nothing to import."""
    table = open_run(run, HEAD).table
    return table, head_of(table)


def head_of(table: Table) -> list[Line]:
    """The first lines of a table of which HEAD bytes are read. Raises UnreadableFile."""
    lines: list[Line] = []
    try:
        for line in islice(table.lines, SAMPLES):
            lines.append(line)
    except HeadEnded:
        if not lines:
            raise
    if not lines:
        raise UnreadableFile(NO_ROWS)
    return lines


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
