"""Rows of a file -> lines of COPY. In: Lines and their cleaner. Out: text that the stage takes as it is.

Nearly all rows are plain: their texts are kept as they stand, and few cells need a look. Such a row takes the short
way, at less than half of what it costs to clean each column by itself; any other one the long way. Both write the same.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any

from bounces.addresses import is_plain
from contacts.importing.cells import country_in, owner_in
from contacts.importing.cleaning import OWN_COLUMN, RowCleaner, is_plain_line
from contacts.importing.reading import Line
from contacts.importing.values import is_whole_phone, read_phone

NULL = "\\N"  # of COPY's text form
LONGEST_SAFE = 15  # digits that a spreadsheet keeps
Writer = Callable[[Line], str]


def written(lines: Iterable[Line], cleaner: RowCleaner) -> Iterator[str]:
    """Each line, cleaned, in COPY's text form. Not while a COPY runs: the cleaner may ask the database, which is deaf
    then. One by one: lines that are held until their chunk is full cost a fifth more, for the garbage collector.
    """
    short = short_way(cleaner)
    return (short(line) or long_way(cleaner, line) for line in lines)


def short_way(cleaner: RowCleaner) -> Writer:
    """Writes a plain row; an empty text for any other one, which has to take the long way, as all do where a column
    needs more than its own cell.
    """
    special = dict(cleaner.special)
    if cleaner.custom or cleaner.options.empties or not {"email"} <= special.keys() <= CLEANERS.keys():
        return lambda _: ""
    places = {word: cleaner.place[OWN_COLUMN.get(word, word)] for word in special}
    sources = {cleaner.place[word]: at for word, at, _ in cleaner.texts}
    sources |= {places[word]: at for word, at in special.items()}
    cleaned = [(places[word] - 1, clean) for word, clean in CLEANERS.items() if word in places]
    ats = [sources[place] for place in sorted(sources)]
    pick: Callable[[list[str]], Iterable[str]] = itemgetter(*ats) if len(ats) > 1 else lambda cells: [cells[ats[0]]]
    rest = cleaner.columns[len(sources) + 1 :]
    tail = "\t" + _escaped_line([cleaner.tags or None if column == "tags" else None for column in rest])

    def write(line: Line) -> str:
        cells = line.cells
        if line.problem or not is_plain_line(cells):
            return ""
        parts = list(pick(cells))
        try:
            for at, clean in cleaned:
                if parts[at]:
                    parts[at] = clean(parts[at])
        except ValueError:
            return ""
        if "" in parts:
            if not parts[0]:  # the address
                return ""
            parts = [part or NULL for part in parts]
        return f"{line.number}\t" + "\t".join(parts) + tail

    return write


def long_way(cleaner: RowCleaner, line: Line) -> str:
    values = cleaner.clean(line)
    try:
        text = "\t".join([NULL if value is None else value for value in values])
    except TypeError:  # a list is among them
        return _escaped_line(values)
    is_bare = text.count("\\") == values.count(None) and text.count("\t") == len(values) - 1
    return text + "\n" if is_bare and "\n" not in text and "\r" not in text else _escaped_line(values)


def _plain_address(cell: str) -> str:
    """Of an address that the library need not look at. Raises ValueError for any other, and for one behind a quote."""
    lowered = cell.lower()
    if not is_plain(lowered) or lowered[0] == "'":
        raise ValueError(cell)
    return lowered


def _plain_id(cell: str) -> str:
    """Of an id that no spreadsheet has touched. Raises ValueError for any other."""
    if "+" in cell or cell[0] == "'" or cell[-2:] == ".0" or len(cell) > LONGEST_SAFE:
        raise ValueError(cell)
    return cell


def _owner(cell: str) -> str:
    """Raises ValueError where nobody is, too: the long way says so."""
    if not (found := owner_in(cell)):
        raise ValueError(cell)
    return found


def _whole_phone(cell: str) -> str:
    """Of a number that names its country. Raises ValueError for any other."""
    found = cell if is_whole_phone(cell) else read_phone(cell)
    if not is_whole_phone(found):
        raise ValueError(cell)
    return found


def _escaped_line(values: list[Any]) -> str:
    return "\t".join([NULL if value is None else _escaped(value) for value in values]) + "\n"


def _escaped(value: Any) -> str:
    if value.__class__ is list:
        value = "{" + ",".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value) + "}"
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return str(value)


# Phones first: those that name no country take the long way, and cost the most there.
CLEANERS: dict[str, Callable[[str], str]] = {
    "phone": _whole_phone,
    "email": _plain_address,
    "country": country_in,
    "owner": _owner,
    "external_id": _plain_id,
}
