"""A file between its preview and its confirmation. In: its bytes and who sent it. Out: the same, once more.

Kept in Redis for an hour, so that any web process can go on. It is nothing yet: should Redis be wiped, the page asks
for the file again. Names are random (128 bits), and a file is given back only to whoever sent it.
"""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django_rq
from import_export.tmp_storages import BaseStorage

KEPT_FOR = timedelta(hours=1)
KEY = "rebound:import:"


class NoLongerWaiting(LookupError):
    """The file was imported already, or its hour is over. The message is for people."""

    def __init__(self) -> None:
        super().__init__(
            "The preview is no longer valid: it was confirmed already, or an hour has passed. Upload again."
        )


@dataclass(frozen=True, slots=True)
class WaitingFile:
    name: str
    body: bytes


def keep(name: str, body: bytes, user_id: int | None) -> str:
    """Returns the token that gives the file back."""
    token = secrets.token_urlsafe(16)
    about = json.dumps({"name": name, "by": user_id}).encode()
    _redis().set(KEY + token, about + b"\n" + zlib.compress(body, 1), ex=KEPT_FOR)
    return token


def take(token: str, user_id: int | None) -> WaitingFile:
    """The file, which waits no longer: a second confirmation finds nothing. Raises NoLongerWaiting."""
    return _read(_redis().getdel(KEY + token), user_id)


def look(token: str, user_id: int | None) -> WaitingFile:
    """The file, which goes on waiting. Raises NoLongerWaiting."""
    return _read(_redis().get(KEY + token), user_id)


def forget(token: str) -> None:
    _redis().delete(KEY + token)


def _read(kept: bytes | None, user_id: int | None) -> WaitingFile:
    if kept is None:
        raise NoLongerWaiting
    about, _, body = kept.partition(b"\n")
    found = json.loads(about)
    if found["by"] != user_id:
        raise NoLongerWaiting
    return WaitingFile(found["name"], zlib.decompress(body))


def _redis() -> Any:
    return django_rq.get_connection("bulk")


class WaitingStorage(BaseStorage):
    """The same for the admin's import, as django-import-export wants it. Its default leaves files in /tmp for ever."""

    def save(self, data: bytes) -> None:
        self.name = keep("import", data, None)

    def read(self) -> bytes:
        return look(self.name, None).body

    def remove(self) -> None:
        forget(self.name)
