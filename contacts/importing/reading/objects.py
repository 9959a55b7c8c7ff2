"""JSON: a list of objects, or one object a line. In: a file's pieces. Out: a Table.

Read object by object. The columns are the keys of the first thousand objects; a key that comes later is told of. Behind
one that cannot be read it goes on at the next object that begins a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from contacts.importing.reading.characters import flaw_of
from contacts.importing.reading.encodings import Text
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.patience import Patience, shown_of
from contacts.importing.reading.tables import (
    Broken,
    Line,
    Manner,
    Record,
    Table,
    UnreadableFile,
    check_headers,
    lines_of,
)

LOOKED_AT = 1000  # objects whose keys become columns
LOOKED_AT_TEXT = 750_000  # characters, likewise: less than the head of a file that is looked at first (rows.py)
LONGEST_OBJECT = 1024 * 1024  # characters
# Python's own engine: it begins amid a text without a copy, and one class is linear.
BEGINS = re.compile(r"\n[ \t\r]*(?=\{)")  # an object, on a line of its own
PASSED_OVER = {"": re.compile(r"[ \t\r\n]*"), ",": re.compile(r"[ \t\r\n,]*")}
NEEDED = "A list of objects is needed: [{“email”: “…”, “first_name”: “…”}, …], or one object a line."

Found = dict[str, Any] | Broken


def read_objects(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:  # noqa: ARG001 -- one signature for all
    """Raises UnreadableFile."""
    notices = ["Rows are numbered from 1."]
    text = Text(pieces, notices, manner.encoding)
    source = _Source(iter(text))
    objects = objects_in(source)
    first: list[Found] = []
    while source.taken < LOOKED_AT_TEXT and len(first) < LOOKED_AT and (found := next(objects, None)) is not None:
        first.append(found)
    if not first:
        raise UnreadableFile("The file has no rows. " + NEEDED)
    keys = list(dict.fromkeys(key for each in first if isinstance(each, dict) for key in each))
    if all(problem_of(each, keys) for each in first):
        raise UnreadableFile(f"No row of the file can be read. {problem_of(first[0], keys)} {NEEDED}")
    if not keys:
        raise UnreadableFile(f"The objects have no keys. {NEEDED}")
    if len({key.strip() for key in keys}) < len(keys):
        raise UnreadableFile("Two keys of the objects differ in blanks alone. Name each of them once.")
    headers = check_headers(keys, notices)
    return Table(headers, _lines(chain(first, objects), keys, notices), notices)


def _lines(objects: Iterator[Found], keys: list[str], notices: list[str]) -> Iterator[Line]:
    known, late = set(keys), set[str]()
    patience = Patience(NEEDED)

    def records() -> Iterator[Record]:
        for number, each in enumerate(objects, 1):
            record = record_of(each, keys)
            if isinstance(record, Broken):
                patience.bear(number, number, record.problem)
            elif isinstance(each, dict) and not each.keys() <= known:
                new = [key for key in each if key not in known | late]
                if new and len(late) < 20:
                    late.update(new)
                    notices.append(f"Left out, because it comes first in row {number}: “{new[0][:60]}”.")
            yield number, record

    return lines_of(records(), len(keys), is_defused=False)


def problem_of(found: Found, keys: list[str]) -> str:
    record = record_of(found, keys)
    return record.problem if isinstance(record, Broken) else ""


def record_of(found: Found, keys: list[str]) -> list[str]:
    if isinstance(found, Broken):
        return found
    try:
        return [cell_of(found.get(key)) for key in keys]
    except BadCell:
        return _broken_record(found, keys)


def _broken_record(found: dict[str, Any], keys: list[str]) -> Broken:
    cells, problems = [], []
    for key in keys:
        try:
            cells.append(cell_of(found.get(key)))
        except BadCell as error:
            cells.append(error.shown)
            problems.append(f"“{key[:60]}” {error}")
    return Broken(cells, " ".join(problems))


class BadCell(ValueError):
    """A value that no cell can hold. The message says why; `shown` is what of it can be shown."""

    def __init__(self, reason: str, shown: str) -> None:
        super().__init__(reason)
        self.shown = shown_of(shown)


def cell_of(value: Any) -> str:
    """Raises BadCell."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _kept(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        # A comma behind a single one says that a semicolon in it parts nothing (`tag_lists.py`).
        return _kept(", ".join(value) + ("," if len(value) == 1 and ";" in value[0] else ""))
    if isinstance(value, dict | list):
        raise BadCell("holds an object where a plain value belongs.", _as_json(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _kept(text: str) -> str:
    if flaw := flaw_of(text):
        raise BadCell(flaw, text)
    return text


def objects_in(source: _Source) -> Iterator[Found]:
    """Each object in turn, of a list or of lines. Raises UnreadableFile where the file stops making sense for good."""
    is_list = source.next_character() == "["
    source.at += int(is_list)
    number = 0
    while (character := source.next_character(",")) and not (is_list and character == "]"):
        number += 1
        value = source.next_value(number, is_list=is_list)
        yield value if isinstance(value, dict | Broken) else Broken([], f"The row is no object: {_as_json(value)}")
    if is_list and not character:
        raise UnreadableFile(f"The file ends before its list does, after row {number}. Is it complete? {NEEDED}")
    source.at += int(is_list)
    if source.next_character():
        raise UnreadableFile(f"After the list something else follows (line {source.line}). {NEEDED}")


def _as_json(value: Any) -> str:
    try:
        return shown_of(json.dumps(value, ensure_ascii=False))
    except RecursionError:  # nested as deep as can just be read
        return "[…]"


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

    def forget(self) -> None:
        """What is read."""
        self.passed, self.text, self.at = self.line, self.text[self.at :], 0

    def next_value(self, number: int, *, is_list: bool) -> Any:
        """Broken where it cannot be read, and the next object begins a line. Raises UnreadableFile where none does."""
        while True:
            try:
                value, self.at = self.decode(self.text, self.at)
            except json.JSONDecodeError as error:
                reason, fault = error.msg, error.pos - self.at
            except (ValueError, RecursionError):
                reason, fault = "nested too deep, or a number too long", 1
            else:
                return value
            self.forget()
            # An object that begins behind the fault, or there, proves that no more text would help.
            is_whole = BEGINS.search(self.text, len(self.text[:fault].rstrip())) is not None
            if not is_whole and len(self.text) < LONGEST_OBJECT and self.more():
                continue
            end = self._end_of_broken(is_list=is_list)
            if not end or (not is_whole and len(self.text) >= LONGEST_OBJECT):
                raise UnreadableFile(
                    f"The file is not JSON: row {number} (line {self.passed}) cannot be read ({reason}). {NEEDED}"
                )
            raw, self.at = self.text[:end], end
            return Broken([], f"The row (line {self.passed}) is not JSON ({reason}). It says: {shown_of(raw)}")

    def _end_of_broken(self, *, is_list: bool) -> int:
        """Where reading can go on; 0 where it cannot."""
        if found := BEGINS.search(self.text, 1):
            return found.end()
        if not is_list:
            return len(self.text)
        # The end of the list, unless other objects stand before it.
        plain = self.text.rstrip()
        return len(plain) - 1 if plain.endswith("]") and "{" not in plain[1:] else 0
