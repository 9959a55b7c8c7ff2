"""One request of a provider, as its proof and its reading need it: a value, and how it is kept.

In: body and headers. Out: `Arrival`; bytes for the inbox and back: one line of JSON that says how it came, then the raw
body as it was. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_HEADERS = ("content-type", "svix-id", "aeg-event-type", "x-amz-sns-message-type", "x-amz-sns-message-id")


class Refused(Exception):
    """The request is not believed. The message says why, for the log and the admin; `status` is what it is answered."""

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Arrival:
    """`headers` by lower-case name; `url` is the address that was asked for, as its sender wrote it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """Raises Refused where it is missing."""
        value = self.headers.get(name, "")
        if not value:
            raise Refused(f"The header {name} is missing.")
        return value


def pack(arrival: Arrival) -> bytes:
    headers = {name: arrival.headers[name] for name in KEPT_HEADERS if name in arrival.headers}
    return json.dumps(headers).encode() + b"\n" + arrival.body


def unpack(kept: bytes) -> Arrival:
    head, _, body = kept.partition(b"\n")
    return Arrival(body=body, headers=json.loads(head))
