"""Which caps a mail met while it was read: what lies beyond one is left out, and may have been a report.

In: `met("more than 200 parts")`, said where something is left out. Out: of one reading all that was met, in that order.
A mail in which nothing was found, and that met a cap, is no ordinary message: the inbox quarantines it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_watched: ContextVar[dict[str, None] | None] = ContextVar("caps", default=None)


@contextmanager
def watching_caps() -> Iterator[dict[str, None]]:
    """The caps that are met meanwhile, each once."""
    found: dict[str, None] = {}
    before = _watched.set(found)
    try:
        yield found
    finally:
        _watched.reset(before)


def met(cap: str) -> None:
    """`cap` goes on from "It has …"."""
    found = _watched.get()
    if found is not None:
        found[cap] = None
