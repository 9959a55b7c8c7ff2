"""Files and folders by `manage.py ingest`, and mails that a mail system pipes into it.

In: paths, which an operator chose and who is trusted; or a stream, which strangers wrote. Out: an inbox item each.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.db import transaction

from bounces.intake.envelopes import with_envelope
from bounces.intake.keep import Door, Kept, keep_stream
from bounces.intake.seen import note_received
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
    """What a mail system says of the mail that it pipes in."""

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

    What a mail system brings was written by strangers: it is believed as its source says, else by its token alone.
    """
    piped = piped or Piped()
    source = named_source(piped.source) if piped.source else None
    door = Door(source=source.door, trust=Trust(source.trust), now=now) if source else pipe_door(now)
    body = stream.read(cap + 1)
    if piped.is_enveloped and len(body) <= cap:
        body = with_envelope(body, piped.sender, [piped.recipient] if piped.recipient else [])
    with transaction.atomic():
        kept = keep_stream(io.BytesIO(body), len(body), "standard input", door)
        if source is not None:
            note_received(source.pk, int(kept.is_new), 0, now)
    return kept


def named_source(name: str) -> IntakeSource:
    source = IntakeSource.objects.filter(name=name, is_enabled=True).first()
    if source is None:
        raise NoSuchSource(f"There is no source named “{name}” that is switched on.")
    return source


def pipe_door(now: datetime) -> Door:
    return Door(source="pipe", trust=Trust.TOKEN, now=now)


def command_door(now: datetime) -> Door:
    return Door(source="command", trust=Trust.TRUSTED, now=now)
