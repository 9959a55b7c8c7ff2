"""Recipients as a mail client writes them -> names and addresses. In: lines of text. Out: a pair a person. Pure.

`Ann Lee <ann@b.example>, bob@b.example; …`, on one line or many: in a mail client's list commas stand between people,
and in names too. Read from files and from what somebody pastes (`contacts/importing/pasted.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import re2

HEADER = ("Name", "Email")
NOTICE = "The file is a list of addresses as a mail client writes them: each of them is a row."
FIELD_OF_A_HEADER = re2.compile(r"(?i)^(?:to|cc|bcc|from|an|von|kopie|à|de|para|a)\s*:\s*")
SIGNS = frozenset(",;|")  # between people, where no quote or bracket is open
TABLE = "\t"
MOST_COMMAS = 5  # in a name; more are something else
ONE_PERSON = re2.compile(r"^([^@<>()]*)[\s<(]+(?:mailto:)?([^\s@<>()\"]+@[^\s@<>()\"?]+)(?:\?[^\s<>]*)?[>)]*$")
AROUND_A_NAME = " \t'\"“”„«»,;:-–—"
BULLET = re2.compile(r"^(?:[•·*‣–—-]|\d{1,5}[.)])\s+")


def are_recipients(sample: str) -> bool:
    """Whether a text holds nothing but people, and somewhere several in a line, or a name in front of an address."""
    if TABLE in sample or "@" not in sample:
        return False
    lines = [list(_recipients(line)) for line in sample.splitlines()]
    people = [person for line in lines for person in line]
    is_dressed = any(len(line) > 1 or "<" in person for line in lines for person in line)
    return is_dressed and all("@" in person for person in people)


def people_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A name, which may be empty, and an address."""
    return (_name_and_address(person) for line in lines for person in _recipients(line))


def _recipients(line: str) -> Iterator[str]:
    """One text a person. A comma in a name belongs to it where an address in brackets follows; else what has no @ is a
    header, or a cell of a table, and stands alone."""
    name: list[str] = []
    for piece in _pieces(line):
        if "@" not in piece and len(name) < MOST_COMMAS:
            name.append(piece)
        elif "<" in piece:
            yield ", ".join([*name, piece])
            name = []
        else:
            yield from name
            yield from piece.split() if piece.count("@") > 1 else [piece]
            name = []
    yield from name


def _pieces(line: str) -> Iterator[str]:
    piece, is_quoted, is_bracketed = "", False, False
    for sign in line:
        if sign == '"':
            is_quoted = not is_quoted
        elif sign in "<>" and not is_quoted:
            is_bracketed = sign == "<"
        if sign in SIGNS and not is_quoted and not is_bracketed:
            if cleaned := _bare(piece):
                yield cleaned
            piece, is_quoted, is_bracketed = "", False, False
        else:
            piece += sign
    if cleaned := _bare(piece):
        yield cleaned


def _bare(piece: str) -> str:
    text = piece.strip()
    if text[:1].isalpha() and ":" not in text[:8]:  # nearly all: a pattern costs ten times as much
        return text
    return FIELD_OF_A_HEADER.sub("", BULLET.sub("", text)).strip()


def _name_and_address(person: str) -> tuple[str, str]:
    """What cannot be taken apart stands as it is in the column of addresses, where the preview tells of it."""
    found = ONE_PERSON.match(person)
    return (found[1].strip(AROUND_A_NAME), found[2]) if found else ("", person)
