"""Rows -> the bytes of a file, piece by piece. In: columns, rows, a form. Out: pieces of CSV, XLSX or JSON lines.

CSV and XLSX are opened by spreadsheets: a cell that one would run is defused, and restored by our import
(`bounces/spreadsheet.py`; OWASP ASVS 5.0 1.2.10). In XLSX every cell is a text by its type
too. JSON is taken literally. A plain file is for other tools, and has every cell as it is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # has no types

from bounces.spreadsheet import as_it_is, csv_lines, safe_cell

PIECE = 256 * 1024
MOST_ROWS_OF_A_SHEET = 1_048_575  # of XLSX, below its header
LONGEST_CELL = 32_767  # likewise
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson; charset=utf-8",
}
Rows = Iterator[Sequence[Any]]
# JSON lets these stand in a text; many who read line by line end a line there.
OTHER_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


class Unwritable(ValueError):
    """The form cannot hold it: refused, rather than cut. The message is for people."""


class TooManyRows(Unwritable):
    """More than a sheet holds."""

    def __init__(self) -> None:
        super().__init__(f"A sheet of XLSX holds {MOST_ROWS_OF_A_SHEET:,} rows. Choose CSV, or narrow the filter.")


class TooLongCell(Unwritable):
    """More than a cell of XLSX holds."""

    def __init__(self, row: int, column: str) -> None:
        super().__init__(
            f"Row {row} has more in “{column}” than a cell of XLSX holds ({LONGEST_CELL:,} characters). Choose CSV."
        )


def pieces_of(
    form: str, columns: Mapping[str, str], rows: Rows, lists: Collection[str] = (), *, is_plain: bool = False
) -> Iterator[bytes]:
    """`columns` are headers by key; `lists` are the keys whose cells hold several values. Raises Unwritable."""
    head = list(columns.values())
    if form == "xlsx":
        return _xlsx(head, rows, is_plain=is_plain)
    lines = _json_lines(list(columns), rows, lists) if form == "jsonl" else csv_lines(head, rows, is_plain=is_plain)
    return _joined(lines)


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE:
            yield "".join(held).encode()
            held, size = [], 0
    if held:
        yield "".join(held).encode()


def _json_lines(keys: Sequence[str], rows: Rows, lists: Collection[str]) -> Iterator[str]:
    """Lists as lists; what is empty as null."""
    for row in rows:
        given = dict(zip(keys, (_json_value(value) for value in row), strict=True))
        given |= {
            key: [each.strip() for each in (given[key] or "").split(",") if each] for key in set(lists) & given.keys()
        }
        yield json.dumps(given, ensure_ascii=False).translate(OTHER_LINE_ENDS) + "\n"


def _json_value(value: Any) -> Any:
    if value is None or value == "":
        return None
    return value if isinstance(value, int | float) else str(value)


def _xlsx(header: Sequence[str], rows: Rows, *, is_plain: bool) -> Iterator[bytes]:
    """Made on disk, row by row; read from there when it is whole."""
    cell = as_it_is if is_plain else safe_cell
    with tempfile.NamedTemporaryFile(prefix="rebound-", suffix=".xlsx") as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file.name, options) as book:
            sheet = book.add_worksheet("Export")
            bold = book.add_format({"bold": True})
            sheet.freeze_panes(1, 0)
            for at, name in enumerate(header):
                sheet.write_string(0, at, cell(name), bold)
            for number, row in enumerate(rows, 1):
                if number > MOST_ROWS_OF_A_SHEET:
                    raise TooManyRows
                for at, value in enumerate(row):
                    if text := cell(value):
                        if len(text) > LONGEST_CELL:
                            raise TooLongCell(number + 1, header[at])
                        sheet.write_string(number, at, text)
        with open(file.name, "rb") as whole:  # noqa: PTH123 -- the handle above is not where the library wrote to
            while piece := whole.read(PIECE):
                yield piece
