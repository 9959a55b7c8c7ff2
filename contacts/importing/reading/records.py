"""Text -> records. In: blocks of text, a dialect. Out: the cells of each record, numbered as a spreadsheet does.

Nearly all of a file is read at the speed of C, a text of whole lines at a time. Where one breaks, or a record goes on
in the next, its records are looked at one by one: what cannot be read is a Broken one, and reading goes on behind it.
A quote that is never closed takes what follows into its cell: there reading goes on at the first line that has as many
cells as the others do, so that one quote costs one row.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, islice

import re2

from contacts.importing.reading.characters import without_halves
from contacts.importing.reading.patience import Patience, shown_of
from contacts.importing.reading.tables import ADDRESS, Broken, Record, UnreadableFile, letters

LONGEST_LINE = 2 * 1024 * 1024  # characters
LONGEST_RECORD = 256 * 1024  # likewise, of those that cannot be read otherwise than line by line
LONGEST_FAULT = 60  # characters of the cell at fault that are shown
ESCAPED = re2.compile(r"(?s)\\.")


@dataclass(frozen=True, slots=True)
class Dialect:
    separator: str = ","
    has_escapes: bool = False
    has_old_ends: bool = False  # lone carriage returns end lines
    width: int = 0  # cells that most records have; 0: nobody knows

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> Iterator[list[str]]:
        escape = "\\" if self.has_escapes else None
        return csv.reader(lines, delimiter=self.separator, strict=strict, escapechar=escape)


def lines_in(blocks: Iterable[str], dialect: Dialect) -> Iterator[str]:
    """Line after line, with its end, at the speed of C."""
    return chain.from_iterable(map(_lines, texts_in(blocks, dialect)))


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="\n")


def texts_in(blocks: Iterable[str], dialect: Dialect) -> Iterator[str]:
    """Each block as a text of whole lines. Raises UnreadableFile for a line that does not end."""
    rest = ""
    for block in blocks:
        text = rest + block
        if dialect.has_old_ends:
            # A carriage return at the end may be half of an end that goes on in the next block.
            text, held = (text[:-1], "\r") if text.endswith("\r") else (text, "")
            text = text.replace("\r\n", "\n").replace("\r", "\n") + held
        end = text.rfind("\n") + 1
        yield text[:end]
        rest = text[end:]
        if len(rest) > LONGEST_LINE:
            raise UnreadableFile(
                f"The file has a line of more than {LONGEST_LINE:,} characters, so it is no table that can be read. "
                "Lines must end with a line break."
            )
    if rest:
        yield rest.replace("\r", "\n") if dialect.has_old_ends else rest


def records_of(
    dialect: Dialect, texts: Iterator[str], start: int = 1, patience: Patience | None = None
) -> Iterator[Record]:
    """Empty ones too; `start` is the first line's number. Raises UnreadableFile where most of them are broken."""
    slow = _OneByOne(dialect, texts, start, patience or Patience())
    for text in texts:
        slow.passed += len(text)
        while text:
            numbers = count(slow.number)
            reader = dialect.reader(_lines(text))
            try:
                yield from zip(numbers, reader, strict=False)
            except csv.Error:
                text = yield from slow.records_after(next(numbers) - 1 - slow.number, text)
            else:
                slow.number = next(numbers) - 1
                slow.line += reader.line_num  # type: ignore[attr-defined]  # a csv reader has it
                text = ""


class _OneByOne:
    """The slow way: it knows the lines of the record that is read, so that they can be read again."""

    def __init__(self, dialect: Dialect, texts: Iterator[str], start: int, patience: Patience) -> None:
        self.dialect, self.texts, self.patience = dialect, texts, patience
        self.first = self.number = self.line = start  # of the next record
        self.ahead: deque[str] = deque()  # lines
        self.taken: list[str] = []  # lines of the record that is read
        self.size = 0  # characters, likewise
        self.passed = 0  # characters of the texts so far
        self.is_broken = False  # something is, of the text that is read

    def records_after(self, good: int, text: str) -> Generator[Record, None, str]:
        """Of a text those that come after so many good ones, and what goes on from it. Out: what is left, unread."""
        lines = _lines(text)
        reader = self.dialect.reader(lines)
        deque(islice(reader, good), maxlen=0)
        passed: int = reader.line_num  # type: ignore[attr-defined]  # a csv reader has it
        self.number, self.line = self.number + good, self.line + passed
        self.ahead.extend(lines)  # those behind
        while self.ahead:
            yield self.number, self._next()
            self.number, self.line = self.number + 1, self.line + len(self.taken)
            if not self.is_broken:  # it only went on in the next text
                break
        rest = "".join(self.ahead)
        self.ahead.clear()
        return rest

    def _next(self) -> list[str]:
        self.taken, self.size = [], 0
        try:
            return next(self.dialect.reader(self), [])
        except csv.Error as error:
            if "new-line" in str(error) and self._has_split():
                return self._next()
            return self._broken(str(error))

    def _has_split(self) -> bool:
        """Files are joined whose lines end differently: a line whose parts are records is as many lines."""
        lines = [f"{line}\n" for line in self.taken[0].rstrip("\r\n").split("\r")]
        if self.dialect.width < 2 or len(self.taken) > 1 or not all(map(self._is_whole, lines)):
            return False
        self.is_broken = True  # others may follow
        self.ahead.extendleft(reversed(lines))
        return True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line of the record."""
        if self.size > LONGEST_RECORD:
            raise csv.Error("unexpected end")
        if not self.ahead:
            self._go_on()
        line = self.ahead.popleft()
        self.taken.append(line)
        self.size += len(line)
        return line

    def _go_on(self) -> None:
        text = next(self.texts)
        self.ahead.extend(_lines(text))
        self.passed += len(text)
        self.is_broken = False

    def _broken(self, error: str) -> Broken:
        self.is_broken = True
        back = self.taken[self._reach(error) :]
        del self.taken[len(self.taken) - len(back) :]
        self.ahead.extendleft(reversed(back))
        broken = Broken(cells_told(self.taken, self.dialect), self._problem(error))
        self.patience.bear(self.number, self.number - self.first + 1, broken.problem)
        self.patience.read_again(sum(map(len, back)), self.passed)
        return broken

    def _reach(self, error: str) -> int:
        """How many of the lines belong to it: up to the first that looks like a record of its own."""
        at = next((at for at, line in enumerate(self.taken) if at and self._is_whole(line)), len(self.taken))
        # What seemed to close the quote opens a cell of another record.
        return max(1, min(at, len(self.taken) - 1)) if "expected after" in error else at

    def _is_whole(self, line: str) -> bool:
        width = self.dialect.width
        if line.count(self.dialect.separator) < width - 1:
            return False
        try:
            return len(next(self.dialect.reader([line]))) == width or not width
        except csv.Error:
            return False

    def _problem(self, error: str) -> str:
        raw = "".join(self.taken)
        last = self.line + len(self.taken) - 1
        where = f"lines {self.line} to {last}" if last > self.line else f"line {self.line}"
        return f"The row ({where}) cannot be read: {_reason(error, raw, self.dialect)} It says: {shown_of(raw)}"


def cells_told(lines: list[str], dialect: Dialect) -> list[str]:
    """Of a broken record: as a reader without rules sees them, or where that finds too few, with quotes that mean
    nothing."""
    text = [line.rstrip("\r\n").replace("\r", " ") + "\n" for line in lines]
    try:
        cells = next(dialect.reader(text, strict=False), [])
    except csv.Error:  # too long
        cells = [shown_of(lines[0])]
    plain = [cell.strip('"') for cell in text[0].rstrip("\n").split(dialect.separator)]
    return plain if len(cells) < dialect.width == len(plain) and len(lines) == 1 else cells


def _reason(error: str, raw: str, dialect: Dialect) -> str:
    if "field larger" in error:
        return f"a cell is longer than {csv.field_size_limit():,} characters. Is a closing quote missing?"
    if "new-line" in error:
        return "a lone carriage return stands amid it. Put the cell that holds it into quotes."
    place, cell, is_open = cell_at_fault(raw.rstrip("\r\n"), dialect)
    shown = shown_of(cell.partition("\n")[0][:LONGEST_FAULT])
    where = f" in column {letters(place)}, at “{shown}”," if cell else ""
    if "unexpected end" in error or is_open:
        return f'a quote that opens{where} is never closed. Close it, or write it twice ("") to mean a quote.'
    return (
        f"after a closing quote{where} comes something else than a separator. "
        'Write a quote inside a cell twice (""), or leave out those around it.'
    )


def cell_at_fault(raw: str, dialect: Dialect) -> tuple[int, str, bool]:
    """The first cell whose quotes do not end where a cell ends: its place, the text from there on, whether they never
    end. Nothing where that cannot be told."""
    plain = ESCAPED.sub("__", without_halves(raw)) if dialect.has_escapes else raw
    at = place = 0
    while 0 <= at < len(plain):
        if plain[at] != '"':
            end = plain.find(dialect.separator, at)
        else:
            end = plain.find('"', at + 1)
            while end >= 0 and plain[end + 1 : end + 2] == '"':
                end = plain.find('"', end + 2)
            if end < 0 or plain[end + 1 : end + 2] not in ("", dialect.separator):
                return place, raw[at:], end < 0
            end += 1
        at, place = end + 1 if end >= 0 else -1, place + 1
    return 0, "", False


def rows_taken(cells: list[str], separator: str) -> str:
    """What is wrong with a row, where rows stand inside its cell: a quote that opens by mistake may meet one that seems
    to close it. Those rows are not read; but they do not go in silence."""
    for place, cell in enumerate(cells):
        if "\n" not in cell or "@" not in cell:
            continue
        *lines, last = cell.split("\n")[1:]
        taken = [line for line in lines if _is_about_somebody(line, separator, len(cells) - 1)]
        taken += [last] if _is_about_somebody(last, separator, place) else []
        if taken:
            further = cell.count("\n")
            return (
                f"A quote that opens in column {letters(place)} is closed {further:,} "
                f"{'line' if further == 1 else 'lines'} further on. "
                f"What stands between looks like rows, and was not read: “{shown_of(taken[0])}”. Close the quote where "
                'its cell ends, or write it twice ("") to mean a quote.'
            )
    return ""


def _is_about_somebody(line: str, separator: str, separators: int) -> bool:
    """Whether it is parted as a row, and holds an address and something else."""
    if not separators or line.count(separator) != separators:
        return False
    parts = [part.strip('"\r') for part in line.split(separator)]
    if any(part.startswith(" ") for part in parts):  # as behind a comma in a sentence
        return False
    addresses = sum(1 for part in parts if ADDRESS.match(part))
    return 0 < addresses < sum(1 for part in parts if part)
