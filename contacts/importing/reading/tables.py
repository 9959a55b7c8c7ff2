"""What reading gives: a Table (headers, then line after line), or a plain reason why not.

In: records of text, from whatever kind of file. Out: headers with names of their own, lines as long as the headers,
and what every kind of file is checked for: sizes, what a database cannot keep, a first row that names nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from typing import Any

import re2

from bounces.spreadsheet import restore
from contacts.importing.reading.characters import flaw_of, foreign_byte, without_halves

LARGEST_FILE = 25 * 1024 * 1024  # of a file that is read as a whole
MOST_ROWS = 100_000  # likewise
MOST_COLUMNS = 200
LONGEST_CELL = 20_000
LOOKED_AT = 20  # records, to tell a title or a first row from the header
MOST_TITLES = 5
MOST_BLANK = 1_048_576  # rows, one after the other: a sheet of Excel has so many

# An address, roughly: enough to tell that a row is about somebody.
ADDRESS = re2.compile(r"^[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]{2,}$")
# Joins the cells of a line for the checks that look at all of them at once. No text that is read holds it.
BETWEEN = "\x00"


class UnreadableFile(ValueError):
    """The file as a whole cannot be imported. The message says why, where and what to do, for people."""


class Broken(list[str]):
    """A record that cannot be read: its cells as far as they can be told, and what is wrong, for people."""

    def __init__(self, cells: Iterable[str], problem: str) -> None:
        super().__init__(cells)
        self.problem = problem


class HeadEnded(UnreadableFile):
    """No more of the file was to be read. A refusal, unless rows were found before."""


@dataclass(slots=True)
class Line:
    """One row of the file: its number there, its cells in the headers' order, what is wrong with it as a whole."""

    number: int  # as a spreadsheet shows it: the header is row 1
    cells: list[str]
    problem: str = ""


@dataclass(slots=True)
class Table:
    """`notices` says what was assumed or left out; reading the lines may add to it."""

    headers: list[str]
    lines: Iterator[Line]
    notices: list[str] = field(default_factory=list)
    rows: int = 0  # how many there are, where the file says so before they are read
    sheets: list[str] = field(default_factory=list)  # of a workbook: all of them
    is_separated: bool = False  # text whose cells a separator parts


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that is held as a whole."""

    headers: list[str]
    rows: list[list[str]]  # each as long as the headers
    numbers: list[int]
    problems: dict[int, str] = field(default_factory=dict)  # by row number: what is wrong with the row as a whole
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manner:
    """How the file is to be read, where a person says so. Empty: found out."""

    encoding: str = ""  # as Python names it
    separator: str = ""
    sheet: str = ""  # of a workbook, by name
    has_header: bool | None = None  # of a table: its first filled row names the columns, whatever it holds

    def as_json(self) -> dict[str, Any]:
        """What was said of it: empty where all is found out."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


Record = tuple[int, list[str]]  # its number, its cells (Broken where it cannot be read)
Look = Callable[[list[str]], str]
TOO_BLANK = (
    f"More than {MOST_BLANK:,} empty rows stand above row {{number}}. Delete them, or save what is below as a file of "
    "its own."
)


def table_of(
    records: Iterator[Record], notices: list[str], has_header: bool | None = None, look: Look | None = None
) -> Table:
    """Finds the header, checks it, and checks each line as it comes. Raises UnreadableFile.

    `has_header`: what a person says of the first filled row; None: found out. `look`: see `lines_of`.
    """
    first = list(islice(_filled(records), LOOKED_AT))
    if not first:
        raise UnreadableFile("The file is empty. Its first row must name the columns, such as email and first_name.")
    if has_header is False:
        return _without_header(first, records, notices, look)
    titles = 0 if has_header else _titles(first)
    if titles:
        notices.append(f"Left out above the header: {listed([_only(cells) for _, cells in first[:titles]])}.")
    number, header = first[titles]
    rest = chain(first[titles + 1 :], records)
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(f"The header has {len(header):,} columns; at most {MOST_COLUMNS} can be read.")
    if has_header is None and _is_about_somebody(header):
        notices.append(
            f"Row {number} holds an address, so it was read as a row, and the columns have no names. Say what each "
            "one means, or write a first row with names: email, first_name, company, …"
        )
        return _without_header(first[titles:], records, notices, look)
    if isinstance(header, Broken):
        raise UnreadableFile(f"Row {number} should name the columns. {header.problem}")
    headers = check_headers(header, notices)
    _tell_unnamed(headers, first[titles + 1 :], notices)
    return Table(headers, lines_of(rest, len(headers), look=look), notices)


def _without_header(first: Sequence[Record], records: Iterator[Record], notices: list[str], look: Look | None) -> Table:
    """Every row is one; the columns are called by their letters. Raises UnreadableFile."""
    width = max(len(cells) for _, cells in first)
    if width > MOST_COLUMNS:
        raise UnreadableFile(f"The first rows have up to {width:,} cells; at most {MOST_COLUMNS} can be read.")
    names = [f"Column {letters(at)}" for at in range(width)]
    return Table(names, lines_of(chain(first, records), width, look=look), notices)


def _filled(records: Iterable[Record]) -> Iterator[Record]:
    """Those that are not blank. Raises UnreadableFile where too many are."""
    blank = 0
    for number, cells in records:
        if any(cell.strip() for cell in cells) or isinstance(cells, Broken):
            blank = 0
            yield number, cells
            continue
        blank += 1
        if blank > MOST_BLANK:
            raise UnreadableFile(TOO_BLANK.format(number=number))


def lines_of(
    records: Iterable[Record], width: int, *, is_defused: bool = True, look: Look | None = None
) -> Iterator[Line]:
    """A million lines come through here: what is rare is looked for in the whole line, once. Raises UnreadableFile.

    `is_defused`: of a form that spreadsheets open, in which a quote before a formula is no part of the cell.
    `look`: at the cells of a row with a line break and an @ somewhere behind it; says what is wrong with it.
    """
    most = LONGEST_CELL + width
    strip = str.strip
    blank = 0
    for number, record in records:
        cells = list(map(strip, record))
        problem = ""
        if type(record) is Broken:
            cells, problem = _fitted(cells, width)[0], record.problem
        elif len(cells) != width:
            cells, problem = _fitted(cells, width)
        whole = BETWEEN.join(cells)
        if len(whole) < width and not problem:
            blank += 1
            if blank > MOST_BLANK:
                raise UnreadableFile(TOO_BLANK.format(number=number))
            continue
        blank = 0
        if not whole.isascii():
            try:
                whole.encode()
            except UnicodeEncodeError as error:
                cells, problem = list(map(without_halves, cells)), problem or foreign_byte(whole[error.start])
        if look and "\n" in whole and whole.find("@", whole.index("\n")) > 0:
            problem = problem or look(cells)
        if is_defused and "'" in whole:
            cells = [restore(cell) for cell in cells]
        if len(whole) > most:
            cells, problem = _cut(cells, problem)
        yield Line(number, cells, problem)


def _fitted(cells: list[str], width: int) -> tuple[list[str], str]:
    problem = ""
    if any(cells[width:]):
        more = without_halves(listed(cells[width:]))
        problem = (
            f"The row has {len(cells)} cells, the header has {width}; too many: {more}. "
            "A cell that contains the separator needs quotes around it."
        )
    return cells[:width] + [""] * (width - len(cells)), problem


def _cut(cells: list[str], problem: str) -> tuple[list[str], str]:
    """What does not fit is told, and cut off: the row is not imported."""
    for cell in cells:
        if len(cell) > LONGEST_CELL:
            problem = problem or (
                f"A cell has {len(cell):,} characters, of which at most {LONGEST_CELL:,} fit: “{cell[:60]}…”. "
                "Shorten it. Is a quote missing?"
            )
    return [cell[:LONGEST_CELL] for cell in cells], problem


def check_headers(header: Sequence[str], notices: list[str]) -> list[str]:
    """Each with a name of its own. Raises UnreadableFile."""
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(f"The header has {len(header):,} columns; at most {MOST_COLUMNS} can be read.")
    headers: list[str] = []
    doubled: list[str] = []
    for name in header:
        if flaw := flaw_of(name):
            raise UnreadableFile(f"The header {flaw}")
        plain = restore(name.strip())
        if len(plain) > LONGEST_CELL:
            raise UnreadableFile(f"The header has a cell of {len(plain):,} characters. Is a quote missing?")
        unique, times = plain, 1
        while unique and unique in headers:
            times += 1
            unique = f"{plain} ({times})"
        if unique != plain:
            doubled.append(unique)
        headers.append(unique)
    if doubled:
        notices.append(f"Several columns have the same name. The later ones are called {listed(doubled)} here.")
    return headers


def letters(at: int) -> str:
    """A column's name in a spreadsheet: A, B, … Z, AA."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name


def _titles(first: Sequence[Record]) -> int:
    """How many rows above the header are a title: one cell alone, above a row of several that names columns."""
    for titles, (_, cells) in enumerate(first[: MOST_TITLES + 1]):
        filled = sum(1 for cell in cells if cell.strip())
        if filled > 1:
            return 0 if _is_about_somebody(cells) else titles
    return 0


def _only(cells: Sequence[str]) -> str:
    return next(cell.strip() for cell in cells if cell.strip())


def _is_about_somebody(cells: Iterable[str]) -> bool:
    return any(len(cell) < 255 and "@" in cell and ADDRESS.match(without_halves(cell.strip())) for cell in cells)


def _tell_unnamed(headers: Sequence[str], records: Sequence[Record], notices: list[str]) -> None:
    unnamed = [
        letters(at)
        for at, header in enumerate(headers)
        if not header and any(cells[at : at + 1] and cells[at].strip() for _, cells in records)
    ]
    if unnamed:
        notices.append(f"Left out, because the header does not name them: columns {', '.join(unnamed[:12])}.")


def listed(names: Sequence[str]) -> str:
    """`“Mail”, “Phone”`; of many the first twelve, and how many more."""
    shown = ", ".join(f"“{name[:60]}”" for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown
