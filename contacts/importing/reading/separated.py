"""CSV and TSV, in whatever dialect. In: a file's pieces. Out: a Table.

The separator is the one that makes the first lines agree; quotes are doubled or, where only that reads, escaped by a
backslash. A line that never ends is refused before it fills the memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from contacts.importing.reading.characters import without_halves
from contacts.importing.reading.encodings import Text
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.patience import Patience
from contacts.importing.reading.recipients import HEADER, NOTICE, are_recipients, people_in
from contacts.importing.reading.records import Dialect, lines_in, records_of, rows_taken, texts_in
from contacts.importing.reading.tables import ADDRESS, Broken, Manner, Table, UnreadableFile, lines_of, table_of

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# No file is searched for these, since they stand within cells too: a person may say them.
SAID_SEPARATORS = {":": "colon", "~": "tilde", "^": "caret", " ": "blank"}
SAMPLE = 64 * 1024  # characters
SAMPLED = 20  # records


ONE_CELL = (
    f"No separator was found ({', '.join(SEPARATORS.values())} were tried), so each line is one cell. If the file has "
    "several columns, say what parts them, or save it as “CSV UTF-8”."
)


def read_separated(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:
    """Raises UnreadableFile."""
    notices: list[str] = []
    text = Text(pieces, notices, manner.encoding)
    blocks = iter(text)
    head = next(blocks, "")
    _check_controls(head[:SAMPLE])
    said, head = _said(head)
    is_found_out = not (said or manner.separator) and manner.has_header is None and form == Form.CSV
    if is_found_out and are_recipients(without_halves(_whole_lines(head[:SAMPLE]))):
        return _table_of_recipients(chain([head], blocks), notices)
    separator = manner.separator or ("\t" if form == Form.TSV else said)
    dialect = find_dialect(head[:SAMPLE], separator)
    if form == Form.CSV and dialect.separator != "," and not manner.separator:
        name = SEPARATORS.get(dialect.separator, dialect.separator)
        notices.append(f"The cells are separated by a {name}.")
    if dialect.has_escapes:
        notices.append("Quotes inside cells are marked by a backslash.")
    texts = texts_in(chain([head], blocks), dialect)
    records = records_of(dialect, texts, 2 if said else 1, Patience(_tried(dialect, manner)))
    table = table_of(records, notices, manner.has_header, partial(rows_taken, separator=dialect.separator))
    table.is_separated = True
    if is_one_text(table.headers, head):
        notices.append(ONE_CELL)
    return table


def _whole_lines(sample: str) -> str:
    """Without the last one, where the sample ends amid it."""
    end = sample.rfind("\n") + 1 or sample.rfind("\r") + 1
    return sample[:end] if end and len(sample) == SAMPLE else sample


def _table_of_recipients(blocks: Iterator[str], notices: list[str]) -> Table:
    notices.append(NOTICE)
    people = people_in(lines_in(blocks, Dialect(has_old_ends=True)))
    return Table(list(HEADER), lines_of(((at, list(each)) for at, each in enumerate(people, 1)), 2), notices)


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
    lines = [line.strip() for line in without_halves(head[:SAMPLE]).splitlines()[:SAMPLED]]
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
    scored = [(*_agreement(dialect, sample), dialect) for dialect in tried]
    best = max(score for score, _, _ in scored)
    return next(replace(dialect, width=width) for score, width, dialect in scored if score == best)


def _agreement(dialect: Dialect, sample: str) -> tuple[tuple[int, int, int], int]:
    """How well a dialect fits, compared as a whole: records as long as the first one, their cells, the other records.
    And how many cells most of the records have."""
    whole = _whole_lines(sample)
    records = [record for _, record in islice(records_of(dialect, texts_in([whole], dialect)), SAMPLED) if record]
    counts = [len(record) for record in records if not isinstance(record, Broken)]
    width = Counter(counts).most_common(1)[0][0] if counts else 0
    if not counts or counts[0] == 1:
        return (0, 0, len(counts) - len(records)), width
    agreeing = counts.count(counts[0])
    return (agreeing, counts[0], agreeing - len(records)), width


def _tried(dialect: Dialect, manner: Manner) -> str:
    """What was tried to understand the file, for people."""
    names = [name for sign, name in SEPARATORS.items() if sign != dialect.separator]
    name = SEPARATORS.get(dialect.separator) or SAID_SEPARATORS.get(dialect.separator, dialect.separator)
    quotes = "behind a backslash" if dialect.has_escapes else "written twice"
    others = "" if manner.separator else f"; {', '.join(names)} were tried too, and fit less"
    return f"It was read as cells between which a {name} stands, with quotes inside them {quotes}{others}."
