"""Files that hold mails: what they are, and the messages in them, one at a time.

In: paths and binary streams. Out: `Member` values, each with the bytes of one mail, or why it was not read.
Stage: before parse; `manage.py classify`, `manage.py ingest` and the inbox's containers use it. Pure but for reading.
Sources: RFC 4155 (mbox), mboxrd escaping, Maildir, APPNOTE.TXT (zip).

Bounded: at most one mail is held at a time, none above the caller's cap; an archive is never unpacked as a whole, never
to the disk, and never beyond its cap.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

import re2

MEGABYTE = 1024 * 1024
MAX_LINE = 64 * 1024  # longer lines are read in pieces
MAX_MEMBERS = 100_000
MAX_DIRECTORY_BYTES = 32 * MEGABYTE  # of a zip's own table of contents, which is read as a whole
MAX_RATIO = 200  # mails shrink 3 to 20 times; what shrinks more, and is large, is made to harm
RATIO_FREE_BYTES = MEGABYTE
ARCHIVE_SUFFIXES = (".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".zst")

FROM_LINE = re2.compile(rb"^From \S+.*\d{2}:\d{2}.*\d{4}|^From \S+@\S+\s*$|^From (?:MAILER-DAEMON|-)\b")
HEADER_LINE = re2.compile(rb"^[!-9;-~]+[ \t]*:|^>?From ")
DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, NotImplementedError, RuntimeError,
    struct.error, lzma.LZMAError, MemoryError,
)  # fmt: skip  # what zipfile raises on damaged or unsupported members, measured on mutated archives


class FileKind(StrEnum):
    """What a file is, by its first bytes."""

    MAIL = "mail"
    MBOX = "mbox"
    ZIP = "zip"
    EMPTY = "empty"
    UNKNOWN = "unknown"  # read as a mail all the same: the reader says what is wrong with it


class BadArchive(Exception):
    """The archive as a whole cannot be read; the text says why, fit for a page."""


@dataclass(frozen=True, slots=True)
class Member:
    """One message of a file. Either `body` or `refused` (why it was not read) is there."""

    index: int
    name: str
    body: bytes | None
    refused: str = ""


def sniff(head: bytes, name: str = "") -> FileKind:
    """By the first few kilobytes. A single mail saved with its envelope (`From `) keeps its name's word: `.eml`."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n").split(b"\n", 2)
    if not head.strip():
        return FileKind.EMPTY
    if FROM_LINE.search(lines[0]) and not name.lower().endswith(".eml"):
        return FileKind.MBOX
    return FileKind.MAIL if HEADER_LINE.search(lines[0]) else FileKind.UNKNOWN


def walk(path: Path) -> Iterator[Path]:
    """The files at or below a path in the order of their names; of a Maildir its `cur` and `new`. Follows no links."""
    if not path.is_dir():
        yield path
        return
    if is_maildir(path):
        for folder in (path / "cur", path / "new"):
            yield from walk(folder)
        return
    for entry in sorted(path.iterdir()):
        if entry.is_symlink() or entry.name.startswith("."):
            continue
        yield from walk(entry)


def is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() and (path / "new").is_dir()


def open_members(stream: IO[bytes], name: str, *, mail_cap: int, archive_cap: int) -> Iterator[Member]:
    """The messages of any file. The stream must seek. Raises BadArchive for a zip that cannot be read at all."""
    kind = sniff(stream.read(4096), name)
    stream.seek(0)
    if kind is FileKind.ZIP:
        yield from open_zip(stream, mail_cap=mail_cap, archive_cap=archive_cap)
    elif kind is FileKind.MBOX:
        yield from split_mbox(stream, mail_cap)
    else:
        yield read_member(0, name, stream, mail_cap)


def read_member(index: int, name: str, stream: IO[bytes], mail_cap: int) -> Member:
    body = stream.read(mail_cap + 1)
    if len(body) > mail_cap:
        return Member(index, name, None, too_large(mail_cap))
    return Member(index, name, body)


def too_large(cap: int) -> str:
    return f"It is larger than {cap / MEGABYTE:,.0f} MB." if cap >= MEGABYTE else f"It is larger than {cap:,} bytes."


# --- mbox


def split_mbox(stream: IO[bytes], mail_cap: int) -> Iterator[Member]:
    """The messages of an mbox, as they were before their `From ` line and its escaping (mboxrd) were added."""
    index, size, empty = 0, 0, 0
    body = bytearray()
    blank_before, begun = True, False
    for line in read_lines(stream):
        if blank_before and line.startswith(b"From ") and FROM_LINE.search(line):  # a search only where it may find
            if begun:
                yield build_member(index, body, size, empty, mail_cap)
                index += 1
            body, size, empty, blank_before, begun = bytearray(), 0, 0, False, True
            continue
        begun = begun or not line.isspace()
        quoted = line.startswith(b">") and line.lstrip(b">").startswith(b"From ")
        size += len(line) - quoted
        if size <= mail_cap + 2:  # what is above the cap is counted, not held
            body += line[1:] if quoted else line
        blank_before = not line.strip(b"\r\n")
        empty = len(line) if blank_before else 0
    if begun:
        yield build_member(index, body, size, empty, mail_cap)


def build_member(index: int, body: bytearray, size: int, empty: int, mail_cap: int) -> Member:
    """`empty`: the length of the last line where it is empty. It stands before the next `From `: it is the mbox's."""
    name = f"message {index + 1}"
    if len(body) < size or size - empty > mail_cap:
        return Member(index, name, None, too_large(mail_cap))
    del body[len(body) - empty :]
    return Member(index, name, bytes(body))


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines with their ends, LF, CRLF or CR; very long ones in pieces."""
    head = stream.read(MAX_LINE)
    if b"\n" in head or b"\r" not in head:
        reader = io.BufferedReader(Joined(head, stream))
        while line := reader.readline(MAX_LINE):
            yield line
        return
    rest = b""
    while head:
        *lines, rest = (rest + head).split(b"\r")
        yield from (line + b"\r" for line in lines)
        if len(rest) > MAX_LINE:
            yield rest
            rest = b""
        head = stream.read(MAX_LINE)
    if rest:
        yield rest


class Joined(io.RawIOBase):
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer
        piece = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


# --- zip


def open_zip(stream: IO[bytes], *, mail_cap: int, archive_cap: int) -> Iterator[Member]:
    """The messages of a zip: its mails and the messages of its mboxes, in its order. Raises BadArchive."""
    index, unpacked = 0, 0
    with open_archive(stream) as archive:
        for info in archive.infolist():
            if info.filename.endswith("/") or is_hidden(info):  # zipfile's is_dir fails where the name is empty
                continue
            refused = refuse_member(info, archive_cap - unpacked)
            members = iter([Member(0, info.filename, None, refused)]) if refused else unpack(archive, info, mail_cap)
            for member in members:
                yield replace(member, index=index)
                index += 1
            unpacked += 0 if refused else info.file_size


def open_archive(stream: IO[bytes]) -> zipfile.ZipFile:
    try:
        if directory_size(stream) > MAX_DIRECTORY_BYTES:
            raise BadArchive(f"The archive holds more than {MAX_MEMBERS:,} files.")
        archive = zipfile.ZipFile(stream)
    except DAMAGED as error:
        raise BadArchive("The archive is damaged: it cannot be opened.") from error
    if len(archive.infolist()) > MAX_MEMBERS:
        raise BadArchive(f"The archive holds more than {MAX_MEMBERS:,} files.")
    return archive


def directory_size(stream: IO[bytes]) -> int:
    """The bytes of a zip's table of contents, which zipfile reads as a whole (APPNOTE 4.3.14, 4.3.16)."""
    end = stream.seek(0, io.SEEK_END)
    start = max(0, end - 65_557 - 20 - 56)
    stream.seek(start)
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    size = struct.unpack_from("<L", tail, at + 12)[0] if at >= 0 else 0
    at64 = tail.rfind(b"PK\x06\x06")
    return struct.unpack_from("<Q", tail, at64 + 40)[0] if size == 0xFFFFFFFF and at64 >= 0 else size


def is_hidden(info: zipfile.ZipInfo) -> bool:
    """A Mac's resource forks, a mail server's own files."""
    return info.filename.startswith("__MACOSX/") or PurePosixPath(info.filename).name.startswith(".")


def refuse_member(info: zipfile.ZipInfo, room: int) -> str:
    """Why a file of an archive is not read, by what the archive says of it; "" where nothing speaks against it."""
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        return "Its name points outside the archive."
    if info.flag_bits & 0x1:
        return "It is encrypted."
    if path.suffix.lower() in ARCHIVE_SUFFIXES:
        return "It is an archive within the archive."
    if info.file_size > RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return f"It unpacks to more than {MAX_RATIO} times its size."
    return "The archive unpacks to more than is allowed." if info.file_size > room else ""


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, mail_cap: int) -> Iterator[Member]:
    """A file's messages. zipfile stops at the size that the archive names, so that a lie about it is a damage."""
    try:
        with archive.open(info) as file:
            kind = sniff(file.read(4096), info.filename)
            file.seek(0)
            if kind is FileKind.ZIP:
                yield Member(0, info.filename, None, "It is an archive within the archive.")
            elif kind is FileKind.MBOX:
                for member in split_mbox(file, mail_cap):
                    yield replace(member, name=f"{info.filename}, {member.name}")
            else:
                yield read_member(0, info.filename, file, mail_cap)
    except DAMAGED:
        yield Member(0, info.filename, None, "It is damaged: it cannot be unpacked.")
