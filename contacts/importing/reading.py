"""Files -> sheets. In: the bytes of a CSV, TSV or JSON file that anyone may have made. Out: a Sheet, or UnreadableFile.

Nothing is guessed silently: what had to be assumed (an encoding, a separator) is said in the sheet's notices.
XLSX is not read here: a workbook of 4.7 kB can hold a worker for minutes (TRUST.md).
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bounces.spreadsheet import restore

LARGEST_FILE = 25 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
LONGEST_CELL = 20_000
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


class UnreadableFile(ValueError):
    """The file as a whole cannot be imported. The message says why, where and what to do, for people."""


class Form(StrEnum):
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text. `numbers` are the rows' numbers as a spreadsheet shows them: the header is row 1."""

    headers: list[str]
    rows: list[list[str]]  # each as long as the headers
    numbers: list[int]
    problems: dict[int, str] = field(default_factory=dict)  # by row number: what is wrong with the row as a whole
    notices: list[str] = field(default_factory=list)  # what was assumed or left out


def form_of(name: str) -> Form:
    """By the file's extension; whatever is not .tsv or .json is read as CSV."""
    extension = name.rpartition(".")[2].lower()
    return {"tsv": Form.TSV, "tab": Form.TSV, "json": Form.JSON}.get(extension, Form.CSV)


def read_sheet(body: bytes, form: Form = Form.CSV) -> Sheet:
    """Raises UnreadableFile."""
    if len(body) > LARGEST_FILE:
        raise UnreadableFile(
            f"The file is larger than {LARGEST_FILE // 1024 // 1024} MB. Split it and import the parts."
        )
    text, notices = _decode(body)
    if not text.strip():
        raise UnreadableFile("The file is empty. Its first row must name the columns, such as email and first_name.")
    sheet = _read_json(text) if form == Form.JSON else _read_separated(text, form)
    if not sheet.rows:
        raise UnreadableFile("The file has a header but no rows below it.")
    return Sheet(sheet.headers, sheet.rows, sheet.numbers, sheet.problems, notices + sheet.notices)


def _decode(body: bytes) -> tuple[str, list[str]]:
    if body[:4] == b"PK\x03\x04":
        raise UnreadableFile("This is a workbook or a zip archive. Save the sheet as “CSV UTF-8” and import that.")
    if body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise UnreadableFile("This is an old Excel workbook. Save the sheet as “CSV UTF-8” and import that.")
    try:
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return _without_nul(body.decode("utf-16")), []
        return _without_nul(body.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        pass
    notice = (
        "The file is not UTF-8, so it was read as Latin-1 (Windows-1252). Look at names with accents before you "
        "confirm; if they are wrong, save the file as “CSV UTF-8”."
    )
    return _without_nul(body.decode("cp1252", errors="replace")), [notice]


def _without_nul(text: str) -> str:
    at = text.find("\x00")
    if at >= 0:
        row = text.count("\n", 0, at) + 1
        raise UnreadableFile(
            f"Line {row} holds a NUL byte, so this is not a text file, or a damaged one. Save it again as “CSV UTF-8”."
        )
    return text


def _read_separated(text: str, form: Form) -> Sheet:
    separator = "\t" if form == Form.TSV else _separator_of(text)
    records = _records(text, separator)
    number, headers = next(((number, record) for number, record in records if record), (0, []))
    headers = _checked_headers(headers)
    rows: list[list[str]] = []
    numbers: list[int] = []
    problems: dict[int, str] = {}
    for number, record in records:
        if not any(cell.strip() for cell in record):
            continue
        if len(rows) == MOST_ROWS:
            raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Split it and import the parts.")
        if len(record) > len(headers) and any(cell.strip() for cell in record[len(headers) :]):
            problems[number] = (
                f"The row has {len(record)} cells, the header has {len(headers)}. "
                "A cell that contains the separator needs quotes around it."
            )
        cells = [_cell(cell, number) for cell in record[: len(headers)]]
        rows.append(cells + [""] * (len(headers) - len(cells)))
        numbers.append(number)
    notices = []
    if form == Form.CSV and separator != ",":
        notices.append(f"The cells are separated by a {SEPARATORS[separator]}.")
    return Sheet(headers, rows, numbers, problems, notices)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered from 1, empty ones too, so that the numbers are those of a spreadsheet."""
    # Line ends become one kind first: lone carriage returns (old Macs) are line ends as well.
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(_broken(number, reader.line_num, error)) from error
        yield number, record


def _broken(number: int, line: int, error: csv.Error) -> str:
    where = f"Row {number} (line {line}) cannot be read"
    if "field larger" in str(error):
        return f"{where}: a cell is longer than {csv.field_size_limit():,} characters. Is a closing quote missing?"
    if "unexpected end" in str(error):
        return f'{where}: a quote that opens there is never closed. Close it, or write it twice ("") to mean a quote.'
    return (
        f'{where}: after a closing quote comes something else than a separator. Write a quote inside a cell twice ("").'
    )


def _separator_of(text: str) -> str:
    """The separator that the header uses most."""
    header = next(line for line in text.splitlines() if line.strip())
    return max(SEPARATORS, key=header.count)


def _checked_headers(headers: list[str]) -> list[str]:
    if len(headers) > MOST_COLUMNS:
        raise UnreadableFile(f"The header has {len(headers)} columns; at most {MOST_COLUMNS} can be read.")
    return [restore(_keepable(header, "The header").strip()) for header in headers]


def _cell(cell: str, number: int) -> str:
    if len(cell) > LONGEST_CELL:
        raise UnreadableFile(
            f"Row {number} has a cell of {len(cell):,} characters; at most {LONGEST_CELL:,} fit. Is a quote missing?"
        )
    return restore(_keepable(cell, f"Row {number}").strip())


def _keepable(text: str, where: str) -> str:
    """Raises UnreadableFile for what PostgreSQL cannot keep: a NUL, or half of a character."""
    if "\x00" in text:
        raise UnreadableFile(f"{where} holds a NUL character, which cannot be kept.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UnreadableFile(f"{where} holds half of a character (a lone surrogate), which cannot be kept.")
    return text


def _read_json(text: str) -> Sheet:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError of its own
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableFile(
            f"The file is not JSON{where}. A list of objects is needed: [{{“email”: “…”}}, …]."
        ) from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise UnreadableFile("A list of objects is needed: [{“email”: “…”, “first_name”: “…”}, …].")
    if len(records) > MOST_ROWS:
        raise UnreadableFile(f"The file has more than {MOST_ROWS:,} rows. Split it and import the parts.")
    headers = _checked_headers(list(dict.fromkeys(key for record in records for key in record)))
    rows = [[_json_cell(record.get(header), n) for header in headers] for n, record in enumerate(records, 1)]
    return Sheet(headers, rows, list(range(1, len(rows) + 1)), notices=["Rows are numbered from 1."])


def _json_cell(value: Any, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return _cell(", ".join(value), number)
    if isinstance(value, dict | list):
        raise UnreadableFile(f"Row {number} holds an object where a plain value belongs.")
    return _cell(str(value), number)
