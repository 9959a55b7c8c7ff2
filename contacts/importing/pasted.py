"""A list that somebody pasted -> the bytes of a file. In: text. Out: the file that the import reads. Pure.

Cells copied from a spreadsheet, and tables with a header, stay as they are. Recipients copied from a mail client
(`Ann Lee <ann@b.example>, bob@b.example; …`, on one line or many) become a table of names and addresses, one a row: in
a mail client's list commas stand between people, and in names too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import re2

NAME = "pasted list.txt"
HEADER = ("Name", "Email")
TOO_LONG = "The pasted list is longer than 1,000,000 characters. Save it as a file, and choose that."
FIELD_OF_A_HEADER = re2.compile(r"(?i)^(?:to|cc|bcc|from|an|von|kopie|à|de|para|a)\s*:\s*")
SIGNS = frozenset(",;|")  # between people, where no quote or bracket is open
TABLE = "\t"
MOST_COMMAS = 5  # in a name; more are something else
ONE_PERSON = re2.compile(r"^([^@<>()]*)[\s<(]+(?:mailto:)?([^\s@<>()\"]+@[^\s@<>()\"?]+)(?:\?[^\s<>]*)?[>)]*$")
AROUND_A_NAME = " \t'\"“”„«»,;:-–—"
MOST = 1_000_000  # characters: somebody waits meanwhile
BULLET = re2.compile(r"^(?:[•·*‣–—-]|\d{1,5}[.)])\s+")


def file_of(text: str) -> bytes:
    """Recipients as a table, anything else as it stands."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    people = [] if TABLE in lines else [each for line in lines.split("\n") for each in _recipients(line)]
    if not people or not all("@" in person for person in people):
        return lines.encode(errors="replace")
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(_name_and_address(person) for person in people)
    return out.getvalue().encode(errors="replace")


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
