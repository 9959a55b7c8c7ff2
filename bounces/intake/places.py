"""Where the mail server listens. In: text of a setting or of the command line. Out: a `Place`, or `BadPlace`. Pure."""

from __future__ import annotations

from dataclasses import dataclass


class BadPlace(ValueError):
    """The text names no place to listen at. The message says how it is written."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen: a host and a port, or the path of a socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"{self.host}:{self.port}"


def parse_place(text: str) -> Place:
    """ "127.0.0.1:2525", "[::1]:2525", "unix:/run/rebound/lmtp". Raises BadPlace."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Place(path=text.removeprefix("unix:"))
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or not 0 <= int(port[:6]) <= 65535:
        raise BadPlace(f"“{text}” is no place to listen at: write host:port, like 127.0.0.1:2525, or unix:/path.")
    return Place(host=host.strip("[]") or "127.0.0.1", port=int(port))


def is_place(text: str) -> bool:
    try:
        parse_place(text)
    except BadPlace:
        return False
    return True
