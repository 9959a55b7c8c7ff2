"""A table as providers export it: CSV of any separator and encoding, read line by line, bounded.

In: a binary stream that seeks. Out: the cells of its first line; then `Line` values. Never raises for what is in it.
Sources: RFC 4180, and what spreadsheets make of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO

SEPARATORS = ",;\t|"
HEAD_BYTES = 4096
MOST_COLUMNS = 500
LONGEST_CELL = 100_000
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


@dataclass(frozen=True, slots=True)
class Line:
    """`number`: of the line in the file, from 1, where a spreadsheet shows it. `wrong`: why it cannot be read."""

    number: int
    cells: tuple[str, ...]
    wrong: str = ""


def encoding_of(head: bytes) -> str:
    """By its mark; else UTF-8 where it can be that, and what spreadsheets of Western Europe write where not."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # the end may cut a letter
            return "cp1252"
    return "utf-8"


def first_line(head: bytes) -> list[str]:
    """The cells of the first line of a file, by its beginning; empty where it is no table of several columns."""
    text = head[:HEAD_BYTES].decode(encoding_of(head), "replace").lstrip("\ufeff\r\n")
    line = text.splitlines()[0] if text.strip() else ""
    if not line.replace("\t", " ").isprintable():
        return []
    return split_line(line, separator_of(line))[:MOST_COLUMNS]


def separator_of(line: str) -> str:
    return max(SEPARATORS, key=line.count)


def split_line(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def read_lines(stream: IO[bytes]) -> Generator[Line]:
    """All lines but empty ones, the first one too."""
    head = stream.read(HEAD_BYTES * 16)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding_of(head), errors="replace", newline="")
    separator = separator_of(head.decode(encoding_of(head), "replace").lstrip("\ufeff\r\n").partition("\n")[0])
    rows = csv.reader(without_nul(text), delimiter=separator)
    number = 1
    try:
        while True:
            number = rows.line_num + 1
            cells = next(rows, None)
            if cells is None:
                break
            if any(cell.strip() for cell in cells):
                yield line_of(number, cells)
    except csv.Error:
        yield Line(number, (), "A quotation mark opens here and never ends: nothing below can be read.")
    finally:
        text.detach()  # the stream is its opener's to close


def without_nul(text: io.TextIOWrapper) -> Iterator[str]:
    return (line.replace("\0", "") for line in text)


def line_of(number: int, cells: list[str]) -> Line:
    if len(cells) > MOST_COLUMNS:
        return Line(number, (), f"It has more than {MOST_COLUMNS} columns.")
    if any(len(cell) > LONGEST_CELL for cell in cells):
        return Line(number, (), f"A cell holds more than {LONGEST_CELL:,} characters: is a quotation mark missing?")
    return Line(number, tuple(cell.strip() for cell in cells))
