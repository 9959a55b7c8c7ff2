"""Mails as damage and malice make them: a byte-level mutator, the same for the same seed.

In: the bytes of a mail, a seeded `Random`, other mails to splice. Out: bytes that may be anything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

PIECES = (
    b"\x00", b"\xff\xfe", b"\r", b"\n\n", b"\r\n.\r\n", b"@", b";=", b"=?utf-8?B?", b"?=", b"<<<<", b"\xe2\x80\xae",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", b"Final-Recipient: rfc822; a@b\n", b"550 5.1.1 ",
    b"Content-Transfer-Encoding: base64\n", b"From ", b"\n--", b"&#99999999;", b"<br", b'{"notificationType":',
    b"\\ud800", b"\x1b$B", b"charset=utf-7",
)  # fmt: skip


def mutate(raw: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """A few bytes overwritten, cut out, doubled, moved, repeated, or spliced with another mail."""
    body = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        change(body, chance, others or (raw,))
    return bytes(body)


def change(body: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    at = chance.randrange(len(body) + 1)
    kind = chance.randrange(7)
    if kind == 0:
        body[at : at + 1] = bytes([chance.randrange(256)])
    elif kind == 1:
        del body[at : at + chance.choice((1, 10, 500))]
    elif kind == 2:
        body[at:at] = body[at : at + chance.choice((10, 500))]
    elif kind == 3:
        body[at:at] = chance.choice(PIECES)
    elif kind == 4:
        body[at:at] = chance.choice(PIECES) * chance.choice((10, 1_000))
    elif kind == 5:
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        body[at:at] = other[start : start + 2_000]
    else:
        del body[at:]
