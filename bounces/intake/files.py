"""Files and folders by `manage.py ingest`. In: paths. Out: an inbox item a file. The operator is trusted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bounces.intake.envelopes import with_envelope
from bounces.intake.keep import Door, Kept, keep_stream
from bounces.mailfiles import walk
from bounces.models import IntakeSource
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


@dataclass(frozen=True, slots=True)
class Piped:
    """What a mail system says of the mail that it pipes in. Without any of it, the operator himself brings it."""

    source: str = ""  # the name of a source
    recipient: str = ""
    sender: str | None = None

    @property
    def is_enveloped(self) -> bool:
        return bool(self.source or self.recipient or self.sender is not None)


class NoSuchSource(LookupError):
    """The message names it."""


def keep_piped(stream: BinaryIO, now: datetime, cap: int, piped: Piped | None = None) -> Kept:
    """Stores what an MTA pipes in; reads at most one byte above the cap. Raises NoSuchSource.

    What comes with an envelope was written by strangers: it is believed as its source says, else by its token alone.
    """
    piped = piped or Piped()
    door = piped_door(piped, now) if piped.is_enveloped else command_door(now)
    body = stream.read(cap + 1)
    if piped.is_enveloped and len(body) <= cap:
        body = with_envelope(body, piped.sender, [piped.recipient] if piped.recipient else [])
    return keep_stream(io.BytesIO(body), len(body), "standard input", door)


def piped_door(piped: Piped, now: datetime) -> Door:
    if not piped.source:
        return Door(source="pipe", trust=Trust.TOKEN, now=now)
    source = IntakeSource.objects.filter(name=piped.source, is_enabled=True).first()
    if source is None:
        raise NoSuchSource(f"There is no source named “{piped.source}” that is switched on.")
    return Door(source=source.door, trust=Trust(source.trust), now=now)


def command_door(now: datetime) -> Door:
    return Door(source="command", trust=Trust.TRUSTED, now=now)
