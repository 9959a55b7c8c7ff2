"""The file of an import, in PostgreSQL. In: its bytes, as a stream. Out: the same stream, whenever a worker asks.

Kept in compressed chunks, so that neither side ever holds it as a whole, and any process on any machine can go on.
Gone once the run has ended: what failed is kept with its rows.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from contacts.importing.reading import UnreadableFile
from contacts.importing.reading.counting import MORE_LINES, RowCount
from contacts.models import ImportChunk, ImportCorrection, ImportRun

CHUNK = 1024 * 1024


def keep_file(
    pieces: Iterable[bytes],
    name: str,
    *,
    largest: int,
    by: Any,
    via: str,
    now: datetime,
    form: str = "",
    client_key: str = "",
    is_counted: bool = True,
) -> ImportRun:
    """A run that waits for its columns. Raises UnreadableFile for a file that is too large, or has too many rows.

    `is_counted=False`: its rows are counted by the caller.
    """
    digest, size = hashlib.sha256(), 0
    count: RowCount | None = None
    with transaction.atomic():
        run = ImportRun.objects.create(
            name=plain_name(name),
            digest=b"",
            form=form,
            via=via,
            started_by=by,
            created_at=now,
            client_key=client_key,
        )
        for position, body in enumerate(_chunks(pieces)):
            digest.update(body)
            size += len(body)
            if is_counted:
                count = count or RowCount(body, name)
                count.add(body)
                if count.rows > settings.IMPORT_ROWS + MORE_LINES:
                    raise UnreadableFile(too_many_rows())
            if size > largest:
                megabytes = largest // 1024 // 1024
                raise UnreadableFile(f"The file is larger than {megabytes} MB. Split it and import the parts.")
            ImportChunk.objects.create(run_id=run.pk, position=position, body=zlib.compress(body, 1))
        run.digest, run.size = digest.digest(), size
        run.save(update_fields=["digest", "size"])
    return run


def too_many_rows() -> str:
    """What people are told."""
    return f"The file has more than {settings.IMPORT_ROWS:,} rows. Split it and import the parts."


def plain_name(name: str) -> str:
    """As PostgreSQL can hold it and a page can show it."""
    return "".join(c for c in name.encode(errors="replace").decode() if c.isprintable())[-200:] or "a file"


def _chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Of CHUNK bytes each: an upload comes in far smaller pieces, and each chunk costs the reader two statements."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        while len(gathered) >= CHUNK:
            yield bytes(gathered[:CHUNK])
            del gathered[:CHUNK]
    if gathered:
        yield bytes(gathered)


def drop_file(run_id: int) -> None:
    """With the corrections of its cells, which hold what it holds. May run twice."""
    ImportCorrection.objects.filter(run_id=run_id).delete()
    ImportChunk.objects.filter(run_id=run_id).delete()


class StoredFile(io.RawIOBase):
    """A run's file as a binary stream that can be read from the start again; one chunk is in memory at a time.

    `watch` is called before each chunk: megabytes may go by without a row.
    """

    def __init__(self, run: ImportRun, watch: Callable[[], None] | None = None) -> None:
        self.watch = watch
        self.run_id = run.pk
        self.name = run.name
        self.size = run.size
        self._piece = b""
        self._start = 0  # of the piece, within the file
        self._offset = 0  # within the piece
        self._next = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._start + self._offset

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Forward, to the start, or to the end: what readers of files ask for."""
        target = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self.size}[whence] + offset
        if target < self._start:
            self._piece, self._start, self._offset, self._next = b"", 0, 0, 0
        while self._start + len(self._piece) <= target and self._load():
            pass
        self._offset = min(max(target - self._start, 0), len(self._piece))
        return self.tell()

    def readinto(self, buffer: Any) -> int:
        if self._offset >= len(self._piece) and not self._load():
            return 0
        found = self._piece[self._offset : self._offset + len(buffer)]
        buffer[: len(found)] = found
        self._offset += len(found)
        return len(found)

    def _load(self) -> bool:
        if self.watch:
            self.watch()
        chunk = ImportChunk.objects.filter(run_id=self.run_id, position=self._next).first()
        if chunk is None:
            return False
        self._start += len(self._piece)
        self._piece, self._offset = zlib.decompress(bytes(chunk.body)), 0
        self._next += 1
        return True


def open_file(run: ImportRun, watch: Callable[[], None] | None = None) -> io.BufferedReader:
    return io.BufferedReader(StoredFile(run, watch), CHUNK)
