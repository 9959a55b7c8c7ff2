"""Files and folders by `manage.py ingest`. In: paths. Out: an inbox item a file. The operator is trusted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bounces.intake.keep import Door, Kept, keep_stream
from bounces.mailfiles import walk
from bounces.values import Trust


def keep_paths(paths: list[Path], now: datetime) -> Iterator[tuple[str, Kept | OSError]]:
    """Stores each file below the paths (a folder's in name order); a file that cannot be read is answered as such."""
    for path in paths:
        for file in walk(path):
            yield str(file), keep_file(file, now)


def keep_file(path: Path, now: datetime) -> Kept | OSError:
    try:
        with path.open("rb") as stream:
            return keep_stream(stream, path.stat().st_size, path.name, command_door(now))
    except OSError as error:
        return error


def keep_piped(stream: BinaryIO, now: datetime, cap: int) -> Kept:
    """Stores what an MTA pipes in; reads at most one byte above the cap."""
    body = stream.read(cap + 1)
    return keep_stream(io.BytesIO(body), len(body), "standard input", command_door(now))


def command_door(now: datetime) -> Door:
    return Door(source="command", trust=Trust.TRUSTED, now=now)
