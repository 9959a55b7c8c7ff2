"""CSV that a spreadsheet shows and does not run.

In: rows of values. Out: lines of CSV. Source: OWASP ASVS 1.2.10: a cell that begins with = + - @, a tab or a carriage
return is a formula to Excel; a single quote in front makes it text, and is taken off again on the way back in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


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
