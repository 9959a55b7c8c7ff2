"""Which caps a mail met while it was read: what lies beyond one is left out, and may have been a report.

In: `met("more than 200 parts")`, said where something is left out. Out: of one reading all that was met, in that order.
A mail in which nothing was found, and that met a cap, is no ordinary message: the inbox quarantines it.
"""

from __future__ import annotations

from contextvars import ContextVar, Token

_watched: ContextVar[dict[str, None] | None] = ContextVar("caps", default=None)


class watching_caps:  # noqa: N801 -- written as a context; a generator for one costs twice as much, twice a mail
    """The caps that are met meanwhile, each once."""

    __slots__ = ("_before",)

    def __enter__(self) -> dict[str, None]:
        found: dict[str, None] = {}
        self._before: Token[dict[str, None] | None] = _watched.set(found)
        return found

    def __exit__(self, *_: object) -> None:
        _watched.reset(self._before)


def met(cap: str) -> None:
    """`cap` goes on from "It has …"."""
    found = _watched.get()
    if found is not None:
        found[cap] = None
