"""CSV that a spreadsheet shows and does not run.

In: rows of values. Out: lines of CSV; and a cell back from such a line. Source: OWASP ASVS 5.0 1.2.10, RFC 4180 2.6.
A cell that begins with = + - @, a tab or a line break is a formula to a spreadsheet; a single quote in front makes it
text. A file of commas may be read by semicolons, as Excel does in half of Europe, or by tabs: then a cell ends at the
first of them inside it, and what follows begins one. So the quote goes in front of each sign that could come to begin
a cell. Where quotes stand there already one more is added, so that every cell can be read back as it was.

A phone number in E.164 (a plus and digits, nothing else) gets no quote: as a formula it is a number, which can call,
fetch and run nothing, and other tools read the quote as a part of the number. A plain cell (`as_it_is`) has no quote
anywhere: for tools that are no spreadsheets.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import re2

# The full-width forms count too: some spreadsheets fold them. Blanks in front are dropped by some.
SIGNS = r"[=+\-@\x00＝＋－＠]"
ENDS = r"[;|\t\r\n]"  # of a cell, to whoever reads the file by other separators
WITHIN = re2.compile(rf"""({ENDS}["\s\x0b\pZ]*)('*{SIGNS})""")
QUOTED = re2.compile(rf"""({ENDS}["\s\x0b\pZ]*)('+{SIGNS})""")
# Every cell of an export meets these. Python's own engine is quicker with them, and as linear: a class from a cell's
# beginning on, or a single character.
BEGINS = re.compile(rf"[\s']*{SIGNS}|'*[\t\r\n]")
ANY_SIGN = re.compile(r"[=+\-@\x00＝＋－＠\t\r\n]")
ANY_END = re.compile(ENDS)
PHONE = re.compile(r"\+[0-9]{5,15}")


def safe_cell(value: Any) -> str:
    """Of a file whose cells have a type and bounds of their own (XLSX): only their beginnings matter."""
    return _quoted(value, QUOTED)


def csv_cell(value: Any) -> str:
    return _quoted(value, WITHIN)


def as_it_is(value: Any) -> str:
    """For a tool that is no spreadsheet, and would read a quote as a part of the cell."""
    return "" if value is None else str(value)


def _quoted(value: Any, within: Any) -> str:
    text = as_it_is(value)
    if not ANY_SIGN.search(text) or PHONE.fullmatch(text):
        return text
    if ANY_END.search(text):
        text = within.sub(r"\1'\2", text)
    return f"'{text}" if BEGINS.match(text) else text


def restore(cell: str) -> str:
    """Takes back what `csv_cell` and `safe_cell` did; any other cell stays as it is."""
    if "'" not in cell:
        return cell
    if cell[0] == "'" and BEGINS.match(cell[1:]):
        cell = cell[1:]
    return QUOTED.sub(lambda found: f"{found[1]}{found[2][1:]}", cell) if ANY_END.search(cell) else cell


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Any]], *, is_plain: bool = False) -> Iterator[str]:
    """The lines one by one, so that a long list is streamed. Starts with a byte order mark: Excel reads UTF-8 by it.

    `is_plain`: for another tool, without quotes before formulas, and without the mark, which some take for a part of
    the first header.
    """
    cell = as_it_is if is_plain else csv_cell
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("" if is_plain else "\ufeff")
    writer.writerow([cell(name) for name in head])  # the names may be those of a file that somebody sent
    yield _take(buffer)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield _take(buffer)


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
