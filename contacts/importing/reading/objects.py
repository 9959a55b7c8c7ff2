"""JSON: a list of objects, or one object a line. In: a file's pieces. Out: a Table.

Read object by object. The columns are the keys of the first thousand objects; a key that comes later is told of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from contacts.importing.reading.encodings import Text
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.tables import (
    Line,
    Manner,
    Table,
    UnreadableFile,
    check_headers,
    keepable,
    lines_of,
)

LOOKED_AT = 1000  # objects whose keys become columns
LOOKED_AT_TEXT = 750_000  # characters, likewise: less than the head of a file that is looked at first (rows.py)
LONGEST_OBJECT = 1024 * 1024  # characters
# Python's own engine: it begins amid a text without a copy, and one class is linear.
PASSED_OVER = {"": re.compile(r"[ \t\r\n]*"), ",": re.compile(r"[ \t\r\n,]*")}
NEEDED = "A list of objects is needed: [{“email”: “…”, “first_name”: “…”}, …], or one object a line."


def read_objects(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:  # noqa: ARG001 -- one signature for all
    """Raises UnreadableFile."""
    notices = ["Rows are numbered from 1."]
    text = Text(pieces, notices, manner.encoding)
    source = _Source(iter(text))
    objects = objects_in(source)
    first: list[dict[str, Any]] = []
    while source.taken < LOOKED_AT_TEXT and len(first) < LOOKED_AT and (found := next(objects, None)) is not None:
        first.append(found)
    if not first:
        raise UnreadableFile("The file has no rows. " + NEEDED)
    keys = list(dict.fromkeys(key for each in first for key in each))
    if not keys:
        raise UnreadableFile(f"The objects have no keys. {NEEDED}")
    if len({key.strip() for key in keys}) < len(keys):
        raise UnreadableFile("Two keys of the objects differ in blanks alone. Name each of them once.")
    headers = check_headers(keys, notices)
    lines = _lines(chain(first, objects), keys, notices)
    return Table(headers, lines, notices)


def _lines(objects: Iterator[dict[str, Any]], keys: list[str], notices: list[str]) -> Iterator[Line]:
    known, late = set(keys), set[str]()

    def records() -> Iterator[tuple[int, list[str]]]:
        for number, each in enumerate(objects, 1):
            if not each.keys() <= known and not each.keys() <= known | late and len(late) < 20:
                new = [key for key in each if key not in known | late]
                late.update(new)
                notices.append(f"Left out, because it comes first in row {number}: “{new[0][:60]}”.")
            cells = [cell_of(each.get(key), number) for key in keys]
            yield number, cells

    return lines_of(records(), len(keys), is_defused=False)


def cell_of(value: Any, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return keepable(value, f"Row {number}")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        # A comma behind a single one says that a semicolon in it parts nothing (`split_list` in columns.py).
        return keepable(", ".join(value) + ("," if len(value) == 1 and ";" in value[0] else ""), f"Row {number}")
    if isinstance(value, dict | list):
        raise UnreadableFile(f"Row {number} holds an object where a plain value belongs.")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def objects_in(source: _Source) -> Iterator[dict[str, Any]]:
    """Each object in turn, of a list or of lines. Raises UnreadableFile with where it stopped making sense."""
    is_list = source.next_character() == "["
    source.at += int(is_list)
    number = 0
    while (character := source.next_character(",")) and not (is_list and character == "]"):
        number += 1
        value = source.next_value(number)
        if not isinstance(value, dict):
            raise UnreadableFile(f"Row {number} is no object. {NEEDED}")
        yield value
    if is_list and not character:
        raise UnreadableFile(f"The file ends before its list does, after row {number}. Is it complete? {NEEDED}")
    source.at += int(is_list)
    if source.next_character():
        raise UnreadableFile(f"After the list something else follows (line {source.line}). {NEEDED}")


class _Source:
    """Text that comes in blocks, and where we are in it."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self.blocks = blocks
        self.text, self.at, self.passed = "", 0, 1
        self.taken = 0  # characters
        # NaN and Infinity are no JSON, but what tools write for a number that is not there.
        self.decode = json.JSONDecoder(parse_constant=lambda _: None).raw_decode

    @property
    def line(self) -> int:
        return self.passed + self.text.count("\n", 0, self.at)

    def more(self) -> bool:
        """Forgets what is read, and adds a block. False at the end of the file."""
        block = next(self.blocks, "")
        if block:
            self.passed = self.line
            self.text, self.at = self.text[self.at :] + block, 0
            self.taken += len(block)
        return bool(block)

    def next_character(self, also: str = "") -> str:
        """The next one that is neither a blank nor one of these; empty at the end."""
        while True:
            self.at = PASSED_OVER[also].match(self.text, self.at).end()  # type: ignore[union-attr]  # it always matches
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def next_value(self, number: int) -> Any:
        while True:
            try:
                value, self.at = self.decode(self.text, self.at)
            except json.JSONDecodeError as error:  # or the value goes on in the next block
                if len(self.text) - self.at < LONGEST_OBJECT and self.more():
                    continue
                raise UnreadableFile(_broken(number, self.line, error.msg)) from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets without end
                raise UnreadableFile(_broken(number, self.line, "nested too deep, or a number too long")) from error
            return value


def _broken(number: int, line: int, reason: str) -> str:
    return f"The file is not JSON: row {number} (line {line}) cannot be read ({reason}). {NEEDED}"
