"""XLSX and ODS. In: a file's pieces. Out: a Table of its first sheet with an address (or the one that a person named).

A workbook is looked at before it is opened: how much its parts unpack to, and by how much. Then a child process reads
it, with limits on memory and time that grow with the size it claims: a bomb is refused within seconds, and the process
that asked never holds more than a few hundred rows. Source: TRUST.md, "XLSX bomb".
"""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from contacts.importing.reading.characters import NUL
from contacts.importing.reading.kinds import Form
from contacts.importing.reading.tables import Manner, Record, Table, UnreadableFile, table_of

MEGABYTE = 1024 * 1024
LARGEST = 100 * MEGABYTE  # the file
LARGEST_UNPACKED = 500 * MEGABYTE  # all of its parts
HIGHEST_RATIO = 250  # of a part that unpacks to more than a megabyte; real sheets reach 20, bombs 1,000
MOST_PARTS = 5000
LARGEST_DIRECTORY = MEGABYTE
MOST_MEMORY = 1536 * MEGABYTE
LEAST_MEMORY = 384 * MEGABYTE
SECONDS = 3  # of CPU; the same again waiting, before the first row
PER_SECOND = 4 * MEGABYTE  # what is unpacked and read in one more second, on a slow machine
CELL, ROW = "\x1f", "\x1e"  # as the child parts them
ZIP64 = b"PK\x06\x07"  # where its directory lies, 20 bytes before the end
CHILD = Path(__file__).with_name("workbook_child.py")
SAVE = "Save the sheet as “CSV UTF-8” and import that."
# What other programs write into archives, by the beginning of a part's name.
NO_WORKBOOKS = {
    "word/": "This is a Word document. Copy its table into a spreadsheet and save that as “CSV UTF-8”.",
    "ppt/": "This is a presentation. Copy its table into a spreadsheet and save that as “CSV UTF-8”.",
    "Index/": "This is a Numbers or Pages document. Export it as CSV or XLSX and import that.",
}
TOO_MUCH = f"The workbook spans too many cells, or unpacks to far more than it seems to hold. {SAVE}"


def read_workbook(pieces: Iterator[bytes], form: Form, manner: Manner) -> Table:  # noqa: ARG001 -- one signature for all
    """Raises UnreadableFile, within five seconds for a workbook that claims to be small."""
    file = _spooled(pieces)
    try:
        messages = _messages(file, look_at(file), manner.sheet)
        head = next(messages)
        notices = _notices(head, manner)
        table = table_of(_records(messages), notices, manner.has_header)
        table.rows, table.sheets = head["rows"], head["sheets"]
    except BaseException:
        file.close()
        raise
    return table


def _spooled(pieces: Iterator[bytes]) -> IO[bytes]:
    """On disk, for as long as it is read: a zip archive is read from its end."""
    file = tempfile.NamedTemporaryFile(prefix="rebound-", suffix=".workbook")  # noqa: SIM115 -- closed by whoever reads it
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            file.close()
            raise UnreadableFile(f"The workbook is larger than {LARGEST // MEGABYTE} MB. {SAVE}")
        file.write(piece)
    file.flush()
    return file


def look_at(file: IO[bytes]) -> int:
    """How many bytes it unpacks to, by its own account. Raises UnreadableFile."""
    _check_directory(file)
    try:
        parts = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableFile(f"This is a damaged workbook or archive ({error}). {SAVE}") from error
    names = {part.filename for part in parts}
    for beginning, sentence in NO_WORKBOOKS.items():
        if any(name.startswith(beginning) for name in names):
            raise UnreadableFile(sentence)
    if "[Content_Types].xml" not in names and "content.xml" not in names:
        raise UnreadableFile(f"This is a zip archive, not a workbook. Unpack it, or: {SAVE[0].lower()}{SAVE[1:]}")
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile(f"The workbook has a password. {SAVE}")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > LARGEST_UNPACKED:
        raise UnreadableFile(
            f"The workbook unpacks to {unpacked // MEGABYTE:,} MB; at most {LARGEST_UNPACKED // MEGABYTE} MB are read. "
            f"{SAVE}"
        )
    if any(part.file_size > max(MEGABYTE, HIGHEST_RATIO * part.compress_size) for part in parts):
        raise UnreadableFile(TOO_MUCH)
    return unpacked


def _check_directory(file: IO[bytes]) -> None:
    """Before the archive's list of parts is read: a list of a million parts is a bomb of its own."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise UnreadableFile(f"This is a damaged workbook or archive: its end is missing. {SAVE}")
    parts, directory = struct.unpack("<HL", tail[at + 10 : at + 16])
    if tail[at - 20 : at].startswith(ZIP64):  # what it says would go before these numbers
        raise UnreadableFile(f"The archive is one of more than 4 GB, by its own account. {SAVE}")
    if parts > MOST_PARTS or directory > LARGEST_DIRECTORY:
        raise UnreadableFile(f"The archive holds {parts:,} parts, far more than a workbook has. {SAVE}")


def _messages(file: IO[bytes], unpacked: int, sheet: str) -> Iterator[Any]:
    """What the child says: what the workbook holds, then pairs of a row's number and the text of it and those after it.

    The child is gone when this ends. Raises UnreadableFile.
    """
    seconds = SECONDS + unpacked // PER_SECOND
    memory = min(LEAST_MEMORY + 4 * unpacked, MOST_MEMORY)
    packages = Path(str(find_spec("python_calamine").origin)).parent.parent  # type: ignore[union-attr]  # installed
    child = subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, "-I", str(CHILD), str(packages), file.name, sheet, str(memory), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},  # what it does not have it cannot tell
    )
    # Until it speaks; afterwards it may wait for us, and only its own seconds count.
    clock = threading.Timer(1.3 * seconds if seconds > SECONDS else seconds + 1, child.kill)
    clock.start()
    assert child.stdout is not None
    try:
        while (line := child.stdout.readline()).endswith(b"\n"):
            clock.cancel()
            message = json.loads(line)
            if isinstance(message, list):
                number, size = message
                body = child.stdout.read(size)
                if len(body) < size:
                    break  # it ended amid a row
                message = number, body.decode()
            elif "error" in message:
                raise UnreadableFile(_refusal(message))
            elif "end" in message:
                return
            yield message
        raise UnreadableFile(_end_of(child.wait()))
    finally:
        clock.cancel()
        child.kill()
        child.stdout.close()
        child.wait()
        file.close()


def _records(messages: Iterator[Any]) -> Iterator[Record]:
    for number, text in messages:
        for at, row in enumerate(text.replace("\x00", NUL).split(ROW), number):
            yield at, row.split(CELL)


def _notices(head: Any, manner: Manner) -> list[str]:
    notices = []
    others = [name for name in head["sheets"] if name != head["sheet"]]
    if others and not manner.sheet:
        listed = ", ".join(f"“{name[:60]}”" for name in others[:8])
        notices.append(f"The sheet “{head['sheet'][:60]}” is read. The workbook also has: {listed}.")
    if head["hidden"]:
        rows = f"{head['hidden']:,} rows are" if head["hidden"] > 1 else "1 row is"
        notices.append(
            f"{rows} hidden in the sheet, by a filter or by hand, and will be imported too. To leave them out, copy "
            "the visible rows into a file of their own."
        )
    if head["merged"]:
        notices.append("Cells that are merged over several rows count for each of these rows.")
    return notices


def _refusal(message: Any) -> str:
    if message["error"] == "sheet":
        names = ", ".join(f"“{name[:60]}”" for name in message["sheets"][:12])
        return f"The workbook has no such sheet. It has: {names}." if names else f"The workbook has no sheet. {SAVE}"
    return f"The workbook cannot be read ({message['reason']}). Is it damaged? {SAVE}"


def _end_of(status: int) -> str:
    """Why the child ended without an end: it came upon one of its limits."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"The workbook takes too long to read for its size. {SAVE}"
    return TOO_MUCH
