"""Files -> tables of text. In: the bytes of a file that anyone may have made. Out: a Table, or UnreadableFile.

    tables.py       what comes out: headers, then line after line; caps; what every kind of file is checked for
    kinds.py        which kind of file it is, by its first bytes, then by its name
    encodings.py    bytes -> text, in whatever encoding; what had to be guessed is said
    characters.py   characters that are none, and what is said of them
    separated.py    CSV and TSV in any dialect
    records.py      their lines -> records, and what is done about those that cannot be read
    recipients.py   lists of addresses as mail clients write them
    patience.py     how many of those are told one by one, before the file is refused
    objects.py      a list of JSON objects, or one a line
    cards.py        vCards
    manners.py      how it is to be read, where a person says so
    workbooks.py    XLSX and ODS: looked at first, then read by a child process with limits (`workbook_child.py`)

A file is read piece by piece: a million lines take the memory of a few thousand. Nothing is guessed silently: what had
to be assumed (an encoding, a separator) is in the table's notices, and a person can say it otherwise (`Manner`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from contacts.importing.reading.cards import read_cards
from contacts.importing.reading.kinds import Form, form_of, sniff
from contacts.importing.reading.manners import manner_of
from contacts.importing.reading.objects import read_objects
from contacts.importing.reading.separated import SEPARATORS, read_separated
from contacts.importing.reading.tables import (
    LARGEST_FILE,
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    HeadEnded,
    Line,
    Manner,
    Sheet,
    Table,
    UnreadableFile,
)
from contacts.importing.reading.workbooks import read_workbook

__all__ = [
    "LARGEST_FILE",
    "LONGEST_CELL",
    "MOST_COLUMNS",
    "MOST_ROWS",
    "SEPARATORS",
    "Form",
    "HeadEnded",
    "Line",
    "Manner",
    "Sheet",
    "Table",
    "UnreadableFile",
    "form_of",
    "manner_of",
    "read_sheet",
    "read_table",
]

PIECE = 256 * 1024


def read_table(
    stream: BinaryIO | io.RawIOBase, form: Form = Form.CSV, manner: Manner | None = None, most: int | None = None
) -> Table:
    """The stream is read while the lines are: keep it open. Raises UnreadableFile, here or amid the lines.

    `most`: so many bytes of a text are read, then HeadEnded is raised. A workbook has bounds of its own.
    """
    manner = manner or Manner()
    pieces = _pieces(stream)
    head = next(pieces, b"")
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise UnreadableFile("The file is empty. Its first row must name the columns, such as email and first_name.")
    found = sniff(head, form)
    whole = _again(head, pieces)
    if most is not None and found not in (Form.XLSX, Form.ODS):
        whole = _up_to(most, whole)
    return _READERS[found](whole, found, manner)


def read_sheet(body: bytes, form: Form = Form.CSV, manner: Manner | None = None) -> Sheet:
    """A small file as a whole. Raises UnreadableFile."""
    if len(body) > LARGEST_FILE:
        raise UnreadableFile(
            f"The file is larger than {LARGEST_FILE // 1024 // 1024} MB. Split it and import the parts."
        )
    table = read_table(io.BytesIO(body), form, manner)
    sheet = Sheet(table.headers, [], [], notices=table.notices)
    for line in table.lines:
        if len(sheet.rows) == MOST_ROWS:
            raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Split it and import the parts.")
        sheet.rows.append(line.cells)
        sheet.numbers.append(line.number)
        if line.problem:
            sheet.problems[line.number] = line.problem
    if not sheet.rows:
        raise UnreadableFile("The file has a header but no rows below it.")
    return sheet


def _pieces(stream: BinaryIO | io.RawIOBase) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


def _again(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


def _up_to(most: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    taken = 0
    for piece in pieces:
        if taken >= most:
            megabytes = most // 1024**2
            raise HeadEnded(
                f"The first {megabytes} MB of the file hold no row. Delete what stands there, and import the rest."
            )
        taken += len(piece)
        yield piece


_READERS: dict[Form, Callable[[Iterator[bytes], Form, Manner], Table]] = {
    Form.CSV: read_separated,
    Form.TSV: read_separated,
    Form.JSON: read_objects,
    Form.VCARD: read_cards,
    Form.XLSX: read_workbook,
    Form.ODS: read_workbook,
}
