"""The static files that whitenoise serves. In: ours and the packages'. Out: whether they must be collected again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

APPS = ("crm", "contacts", "bounces")


class StaticFiles:
    """Collecting takes seconds, so it is done once per state of the sources: ours, and the packages' by their lock."""

    def __init__(self, base: Path, collected: Path) -> None:
        self._base = base
        # Beside the folder: what lies inside is served.
        self._stamp = collected.with_name("static.state")
        self._collected = collected
        self._state = self._digest()

    @property
    def are_stale(self) -> bool:
        return not self._collected.exists() or not self._stamp.exists() or self._stamp.read_text() != self._state

    def mark_fresh(self) -> None:
        self._stamp.write_text(self._state)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._sources()):
            found = path.stat()
            digest.update(os.fsencode(path) + f"{found.st_size} {found.st_mtime_ns}".encode())
        return digest.hexdigest()

    def _sources(self) -> Iterator[Path]:
        yield from self._base.glob("requirements.lock")
        for app in APPS:
            yield from (path for path in (self._base / app / "static").rglob("*") if path.is_file())
