"""Return-path tokens (VERP): the address to which a message's bounces come back, which proves that they are about it.

In: an attempt's id, its recipient, an end, keys. Out: `b+<47 characters>`, and what such an address says. Pure.

The 47 characters are lower-case base32, because mail systems fold case: key id (8 bits), attempt id (64), expiry
(32, seconds since 1970), HMAC-SHA256 (128). With `b+` that is 49 of the 64 that RFC 5321 4.5.3.1.1 allows. The
recipient stands inside the HMAC alone: the address tells it to nobody, and a token proves nothing about anyone else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import re2

PREFIX = "b+"
LENGTH = 47
HEAD_BYTES, MAC_BYTES = 13, 16
KEY_IDS = range(256)
MOST_ATTEMPTS = 2**63 - 1  # the greatest id that the database gives
LATEST = 2**32 - 1
SHORTEST_SECRET = 32
PURPOSE = b"rebound return path\0"
MOST_DAYS = 365
DOMAIN = re2.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class TokenState(StrEnum):
    """What a return path proves about a recipient."""

    VALID = "valid"
    EXPIRED = "expired"  # ours, for this recipient, but too old
    WRONG = "wrong"  # for another recipient, altered, or made up
    UNKNOWN_KEY = "unknown_key"
    ABSENT = "absent"  # the address holds no token, or one that is damaged


@dataclass(frozen=True, slots=True)
class Keys:
    """`signing` makes new tokens; all of `secrets`, by their ids, are believed."""

    signing: int
    secrets: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Token:
    """What stands in a return path, before anyone has looked whether it is true."""

    key_id: int
    attempt_id: int
    expires_at: datetime
    head: bytes
    mac: bytes


def parse_keys(texts: Iterable[str]) -> Keys:
    """ "2:secret", "1:older secret": the first one signs. Raises ValueError with a sentence for the operator."""
    secrets: dict[int, bytes] = {}
    for place, text in enumerate(texts, 1):
        name, colon, secret = text.strip().partition(":")
        if not colon or not (name.isascii() and name.isdigit()) or int(name[:9]) not in KEY_IDS:
            raise ValueError(f"Key {place} is not written as id:secret, with an id from 0 to 255.")
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"The secret of key {name} is shorter than {SHORTEST_SECRET} characters.")
        if int(name) in secrets:
            raise ValueError(f"The id {name} is there twice: every key needs its own.")
        secrets[int(name)] = secret.encode()
    if not secrets:
        raise ValueError("There is no key.")
    return Keys(next(iter(secrets)), secrets)


def fault_in(texts: Iterable[str]) -> str:
    """What is wrong with the settings' keys, in one sentence; empty where nothing is."""
    try:
        parse_keys(texts)
    except ValueError as error:
        return str(error)
    return ""


def is_domain(text: str) -> bool:
    """Whether return paths can end in it."""
    return len(text) <= 253 and DOMAIN.fullmatch(text) is not None


def derived_keys(secret: str) -> list[str]:
    """The keys of an installation that was given none: one, out of its secret key."""
    return [f"0:{hmac.new(secret.encode(), PURPOSE, hashlib.sha256).hexdigest()}"]


def make_token(attempt_id: int, recipient: str, expires_at: datetime, keys: Keys) -> str:
    """The local part of a return path. `recipient` is normalised."""
    seconds = min(int(expires_at.timestamp()), LATEST)
    head = bytes([keys.signing]) + attempt_id.to_bytes(8, "big") + seconds.to_bytes(4, "big")
    body = head + _mac(head, recipient, keys.secrets[keys.signing])
    return PREFIX + _encode(body)


def find_token(address: str) -> Token | None:
    """The token in an address, or None where its local part holds none. Any text has an answer."""
    local = address.strip().strip("<>").partition("@")[0].lower()
    text = local.removeprefix(PREFIX)
    if text == local or len(text) != LENGTH or not text.isascii():
        return None
    try:
        body = base64.b32decode(text.upper() + "=")
    except binascii.Error:
        return None
    attempt_id = int.from_bytes(body[1:9], "big")
    # Three bits of the 47 characters carry nothing: of the eight ways to write them one is ours.
    if _encode(body) != text or not 0 < attempt_id <= MOST_ATTEMPTS:
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(body[9:HEAD_BYTES], "big"), UTC)
    return Token(body[0], attempt_id, expires_at, body[:HEAD_BYTES], body[HEAD_BYTES:])


def judge_token(token: Token | None, recipient: str, keys: Keys, now: datetime) -> TokenState:
    """What a token proves about a (normalised) recipient at a moment."""
    if token is None:
        return TokenState.ABSENT
    secret = keys.secrets.get(token.key_id)
    if secret is None:
        return TokenState.UNKNOWN_KEY
    if not hmac.compare_digest(token.mac, _mac(token.head, recipient, secret)):
        return TokenState.WRONG
    return TokenState.VALID if now < token.expires_at else TokenState.EXPIRED


def _mac(head: bytes, recipient: str, secret: bytes) -> bytes:
    message = PURPOSE + head + recipient.encode(errors="surrogatepass")
    return hmac.digest(secret, message, hashlib.sha256)[:MAC_BYTES]


def _encode(body: bytes) -> str:
    return base64.b32encode(body).decode().rstrip("=").lower()
