"""CSV and TSV, in whatever dialect. In: a file's pieces. Out: a Table.

The separator is the one that makes the first lines agree; quotes are doubled or, where only that reads, escaped by a
backslash. A line that never ends is refused before it fills the memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from contacts.importing.reading.encodings import Text
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.tables import ADDRESS, Manner, Record, Table, UnreadableFile, table_of

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# No file is searched for these, since they stand within cells too: a person may say them.
SAID_SEPARATORS = {":": "colon", "~": "tilde", "^": "caret", " ": "blank"}
LONGEST_LINE = 2 * 1024 * 1024  # characters
SAMPLE = 64 * 1024  # characters
SAMPLED = 20  # records


ONE_CELL = (
    f"No separator was found ({', '.join(SEPARATORS.values())} were tried), so each line is one cell. If the file has "
    "several columns, say what parts them, or save it as “CSV UTF-8”."
)


@dataclass(frozen=True, slots=True)
class Dialect:
    separator: str = ","
    has_escapes: bool = False
    has_old_ends: bool = False  # lone carriage returns end lines

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        if self.has_escapes:
            return csv.reader(lines, delimiter=self.separator, strict=True, doublequote=False, escapechar="\\")
        return csv.reader(lines, delimiter=self.separator, strict=True)


def read_separated(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:
    """Raises UnreadableFile."""
    notices: list[str] = []
    text = Text(pieces, notices, manner.encoding)
    blocks = iter(text)
    head = next(blocks, "")
    _check_controls(head[:SAMPLE])
    said, head = _said(head)
    separator = manner.separator or ("\t" if form == Form.TSV else said)
    dialect = find_dialect(head[:SAMPLE], separator)
    if form == Form.CSV and dialect.separator != "," and not manner.separator:
        name = SEPARATORS.get(dialect.separator, dialect.separator)
        notices.append(f"The cells are separated by a {name}.")
    if dialect.has_escapes:
        notices.append("Quotes inside cells are marked by a backslash.")
    lines = lines_in(chain([head], blocks), dialect)
    table = table_of(records_of(dialect, lines, 2 if said else 1), notices, manner.has_header)
    table.is_separated = True
    if is_one_text(table.headers, head):
        notices.append(ONE_CELL)
    return table


def lines_in(blocks: Iterable[str], dialect: Dialect) -> Iterator[str]:
    """Line after line, with its end, at the speed of C: each block becomes a buffer of whole lines."""
    return chain.from_iterable(_buffers(blocks, dialect))


def _buffers(blocks: Iterable[str], dialect: Dialect) -> Iterator[io.StringIO]:
    rest = ""
    for block in blocks:
        text = rest + block
        if dialect.has_old_ends:
            # A carriage return at the end may be half of an end that goes on in the next block.
            text, held = (text[:-1], "\r") if text.endswith("\r") else (text, "")
            text = text.replace("\r\n", "\n").replace("\r", "\n") + held
        end = text.rfind("\n") + 1
        yield io.StringIO(text[:end], newline="\n")
        rest = text[end:]
        if len(rest) > LONGEST_LINE:
            raise UnreadableFile(
                f"The file has a line of more than {LONGEST_LINE:,} characters, so it is no table that can be read. "
                "Lines must end with a line break."
            )
    if rest:
        yield io.StringIO(rest.replace("\r", "\n") if dialect.has_old_ends else rest, newline="\n")


def records_of(dialect: Dialect, lines: Iterable[str], start: int = 1) -> Iterator[Record]:
    """Numbered as a spreadsheet does, empty ones too. Raises UnreadableFile."""
    reader = dialect.reader(lines)
    number = start - 1
    try:
        for number, record in enumerate(reader, start):
            yield number, record
    except csv.Error as error:
        line: int = reader.line_num  # type: ignore[attr-defined]  # a csv reader has it
        raise UnreadableFile(_broken(number + 1, line, error)) from error


def _broken(number: int, line: int, error: csv.Error) -> str:
    where = f"Row {number} (line {line}) cannot be read"
    if "field larger" in str(error):
        return f"{where}: a cell is longer than {csv.field_size_limit():,} characters. Is a closing quote missing?"
    if "unexpected end" in str(error):
        return f'{where}: a quote that opens there is never closed. Close it, or write it twice ("") to mean a quote.'
    if "new-line" in str(error):
        return f"{where}: a lone carriage return stands amid it. Put the cell that holds it into quotes."
    return (
        f'{where}: after a closing quote comes something else than a separator. Write a quote inside a cell twice ("").'
    )


def _check_controls(sample: str) -> None:
    """Text has hardly any; whatever else is called .csv has many."""
    controls = sum(1 for character in sample if character < " " and character not in "\t\r\n")
    if controls > 4 + len(sample) // 100:
        raise UnreadableFile("The file holds many control characters, so it is no text. Save it again as “CSV UTF-8”.")


def _said(head: str) -> tuple[str, str]:
    """Excel's own way to name the separator: a first line `sep=;`. Out: the separator, the text without that line."""
    if head[:4].lower() == "sep=" and len(head) > 5 and head[5] in "\r\n":
        return head[4], head[5:].lstrip("\r\n")
    return "", head


def is_one_text(headers: Sequence[str], head: str) -> bool:
    """Whether lines that should have been parted were not: a header of several names, or no line that is an address."""
    if len(headers) != 1:
        return False
    if any(sign in headers[0].rstrip(":") for sign in SAID_SEPARATORS if sign != " "):
        return True
    lines = [line.strip() for line in head[:SAMPLE].splitlines()[:SAMPLED]]
    return not any(ADDRESS.match(line.strip("\"'")) for line in lines)


def find_dialect(sample: str, separator: str = "") -> Dialect:
    """Of the first lines: what reads them, with as many cells in each line as in the first."""
    lone = sample.replace("\r\n", "")
    choices = [separator] if separator else list(SEPARATORS)
    tried = [
        Dialect(choice, has_escapes, has_old_ends)
        for has_old_ends in ([False, True] if "\r" in lone else [False])
        for has_escapes in ([False, True] if '\\"' in sample else [False])
        for choice in choices
    ]
    scored = [(_agreement(dialect, sample), dialect) for dialect in tried]
    best = max(score for score, _ in scored)
    return next(dialect for score, dialect in scored if score == best)


def _agreement(dialect: Dialect, sample: str) -> tuple[int, int, int]:
    """How well a dialect fits, compared as a whole: records as long as the first one, their cells, no mistake."""
    counts: list[int] = []
    reads = 1
    end = sample.rfind("\n") + 1 or sample.rfind("\r") + 1
    whole = sample[:end] if end and len(sample) == SAMPLE else sample
    try:
        for record in islice(dialect.reader(lines_in([whole], dialect)), SAMPLED):
            if record:
                counts.append(len(record))
    except csv.Error:
        reads = 0
    if not counts or counts[0] == 1:
        return 0, 0, reads
    agreeing = sum(1 for count in counts[1:] if count == counts[0])
    return 1 + agreeing, counts[0], reads
