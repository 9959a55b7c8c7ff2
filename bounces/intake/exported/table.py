"""A table as providers export it: CSV of any separator and encoding, or JSON; read line by line, bounded.

In: a binary stream that seeks. Out: `Line` values, the header among them where there is one. Never raises for what is
in it. A list without a header is one address a line, or several: `layout.py` tells. Lines of comments are left out.
Sources: RFC 4180, and what spreadsheets make of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO

from bounces.intake.exported.objects import begins_json, rows_of_json
from bounces.opt_outs import column_of

SEPARATORS = ",;\t|"
HEAD_BYTES = 64 * 1024  # a header of hundreds of columns fits
MOST_COLUMNS = 500
LONGEST_CELL = 100_000
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
ENCODINGS = ("cp1252", "cp1251", "cp932", "gb18030", "cp1250", "cp949", "mac_roman")  # the likeliest first
SAID = "sep="  # how Excel names the separator, above the header


@dataclass(frozen=True, slots=True)
class Line:
    """`number`: of the line in the file, from 1, where a spreadsheet shows it. `wrong`: why it cannot be read."""

    number: int
    cells: tuple[str, ...]
    wrong: str = ""


def encoding_of(head: bytes) -> str:
    """By its mark; by the zero bytes of UTF-16; else UTF-8 where it can be that, and what spreadsheets of Western
    Europe write where not."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[:2000:2].count(0), head[1:2000:2].count(0)
    if max(even, odd) > len(head[:2000]) // 3 and min(even, odd) <= len(head[:2000]) // 20:
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # the end may cut a letter
            return _encoding_of_header(head)
    return "utf-8"


def _encoding_of_header(head: bytes) -> str:
    """The one in which the header names an opt-out, so that a status in Russian or Japanese is read."""
    line = head[:4096].splitlines()[0]
    for name in ENCODINGS:
        text = line.decode(name, "ignore")
        cells = text.split(separator_of(text))
        if any(column_of(cell.strip("\"' ")) for cell in cells if not cell.isascii()):
            return name
    return ENCODINGS[0]


def first_lines(head: bytes) -> list[Line]:
    """The first lines of a file, by its beginning; empty where it is no text of lines."""
    text = head[:2000].decode(encoding_of(head), "replace").lstrip("\ufeff\r\n")
    line = text.splitlines()[0] if text.strip() else ""
    if not line.replace("\t", " ").isprintable():
        return []
    lines = list(read_lines(io.BytesIO(head)))
    is_cut = len(head) >= HEAD_BYTES and len(lines) > 1
    return lines[:-1] if is_cut else lines


def first_line(head: bytes) -> list[str]:
    """The cells of the first line of a file, by its beginning; empty where it is no text of lines."""
    lines = first_lines(head)
    return list(lines[0].cells) if lines else []


def separator_of(line: str) -> str:
    return max(SEPARATORS, key=line.count)


def read_lines(stream: IO[bytes]) -> Generator[Line]:
    """All lines but empty ones and comments, the first one too."""
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if begins_json(head):
        yield from _lines_of_json(stream)
        return
    text = io.TextIOWrapper(stream, encoding=encoding_of(head), errors="replace", newline="")
    beginning = head.decode(encoding_of(head), "replace").lstrip("\ufeff\r\n").splitlines() or [""]
    said = beginning[0].lower().startswith(SAID) and beginning[0][len(SAID) : len(SAID) + 1]
    separator = said if said and said in SEPARATORS else separator_of(beginning[0])
    rows = csv.reader(without_nul(text), delimiter=separator)
    number = 1
    try:
        while True:
            number = rows.line_num + 1
            cells = next(rows, None)
            if cells is None:
                break
            if any(cell.strip() for cell in cells) and not is_aside(cells, number):
                yield line_of(number, cells)
    except csv.Error:
        yield Line(number, (), "A quotation mark opens here and never ends: nothing below can be read.")
    finally:
        text.detach()  # the stream is its opener's to close


def _lines_of_json(stream: IO[bytes]) -> Iterator[Line]:
    for number, cells in enumerate(rows_of_json(stream.read()), start=1):
        if any(cells):
            yield line_of(number, cells)


def is_aside(cells: list[str], number: int) -> bool:
    """A comment, or what Excel says of the separator. An address may begin with #, and a column be called so."""
    first = cells[0].strip().lstrip("\ufeff")
    if number == 1 and first.lower().startswith(SAID):
        return True
    is_comment = first.startswith("//") or (first.startswith("#") and len(first) > 1)
    return is_comment and (first.startswith(("# ", "// ")) or not any("@" in cell for cell in cells))


def without_nul(text: io.TextIOWrapper) -> Iterator[str]:
    return (line.replace("\0", "") for line in text)


def line_of(number: int, cells: list[str]) -> Line:
    if len(cells) > MOST_COLUMNS:
        return Line(number, (), f"It has more than {MOST_COLUMNS} columns.")
    if any(len(cell) > LONGEST_CELL for cell in cells):
        return Line(number, (), f"A cell holds more than {LONGEST_CELL:,} characters: is a quotation mark missing?")
    return Line(number, tuple(cell.strip().lstrip("\ufeff") for cell in cells))
