"""CSV that a spreadsheet shows and does not run.

In: rows of values. Out: lines of CSV; and a cell back from such a line. Source: OWASP ASVS 5.0 1.2.10: a cell that
begins with = + - @, a tab or a line break is a formula to a spreadsheet; a single quote in front makes it text. A cell
that begins with quotes and then such a character gets one quote more, so that each cell can be read back as it was.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# The full-width forms count too: some spreadsheets fold them.
FORMULA = re.compile(r"'*[=+\-@\t\r\n\x00＝＋－＠]")


def safe_cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if FORMULA.match(text) else text


def restore(cell: str) -> str:
    """Takes back what `safe_cell` did; any other cell stays as it is."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell, 1) else cell


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines one by one, so that a long list is streamed. Starts with a byte order mark: Excel reads UTF-8 by it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(head)
    yield _take(buffer)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield _take(buffer)


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
