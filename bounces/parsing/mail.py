"""A bounded view of one e-mail: headers, parts, texts, and the headers of the mail that was returned inside it.

In: raw bytes, whatever they are. Out: a `Mail`. Stage: parse. Sources: RFC 5322, RFC 2045 to 2047.

The stdlib's parser is not used: on hostile mail it recurses without bound (`To:((((`) and is quadratic on long
headers. What this view keeps is capped by the constants below; what lies beyond a cap is left out and said
(`caps.py`), and the rest of the mail still gets its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import re2

from bounces.lazy import lazy
from bounces.parsing.caps import met
from bounces.parsing.decoding import decode_charset, decode_transfer, decode_words, strip_markup
from bounces.patterns import Pattern

MAX_BYTES = 32 * 1024 * 1024  # of a mail; a report's own text stands before the returned mail
MAX_PARTS = 200
MAX_DEPTH = 20
MAX_HEAD_BYTES = 128 * 1024  # of one header block
MAX_HEADERS = 500
MAX_HEADER_CHARS = 8_000
MAX_TEXT_BYTES = 256 * 1024  # of one text part


NAME_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte != 0x3A)  # RFC 5322 2.2: of a header's name
MAX_NAME = 100
# Headers that lead to reports: where one of them is cut, something may be missed.
LEADING = frozenset(("content-type", "x-failed-recipients"))
TOO_MANY_PARTS = f"more than {MAX_PARTS} parts"
TOO_LONG_TEXT = f"a text of more than {MAX_TEXT_BYTES // 1024} kB"
TOO_LONG_HEADERS = f"headers of more than {MAX_HEAD_BYTES // 1024} kB"
BLANK = (b" ", b"\t")
SPACED_NAME = re2.compile(rb"(?m)^([!-9;-~]{1,100})[ \t]+:")  # RFC 5322 4.5, obsolete
ANY_HEADER = re2.compile(rb"(?m)^[!-9;-~]{1,100}:")
PARAMETERS = ("boundary", "charset")
PARAMETER = Pattern(r'(?i);\s*(boundary|charset)\*?\s*=\s*("[^"]*"|[^;\s]*)')
# The commonest first.
MAIL_HEADERS = (
    "from", "received", "to", "subject", "date", "message-id", "return-path", "content-type", "mime-version", "sender",
)  # fmt: skip
RETURNED_TYPES = frozenset(
    (
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "text/rfc822-header",
        "message/rfc822-headers",
        "message/global-headers",
    )
)


class Headers:
    """The headers of one block of bytes, by lower-case name: looked for, unfolded and decoded when asked for."""

    def __init__(self, block: bytes = b"") -> None:
        if b" :" in block or b"\t:" in block:
            block = SPACED_NAME.sub(rb"\1:", block)
        self._block = b"\n" + block + b"\n"
        self._lower = self._block.lower()
        self._found: dict[str, str] = {}  # several readers ask for the same

    def get(self, name: str) -> str:
        """The first value, or "" where there is none."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._look_for(name)
        return found

    def _look_for(self, name: str) -> str:
        marker = mark(name)
        at = self._lower.find(marker)
        if at < 0:
            return ""
        at += len(marker)
        value = self._block[at : self._end(at)]
        if name in LEADING and len(value) > MAX_HEADER_CHARS:
            met(f"a {name.title()} header of more than {MAX_HEADER_CHARS:,} characters")
        return decode_value(value)

    def values(self, name: str) -> Iterator[str]:
        marker = mark(name)
        at = self._lower.find(marker)
        for _ in range(MAX_HEADERS):
            if at < 0:
                return
            end = self._end(at + len(marker))
            yield decode_value(self._block[at + len(marker) : end])
            at = self._lower.find(marker, end)
        if at >= 0:
            met(f"more than {MAX_HEADERS:,} {name.title()} headers")

    def mentions(self, text: str) -> bool:
        """Whether a lower-case text stands anywhere in the block, whatever its case there."""
        return text.encode() in self._lower

    def _end(self, start: int) -> int:
        """Where the value ends that begins there: before the first line that does not continue it."""
        block = self._block
        end = block.find(b"\n", start)
        while block[end + 1 : end + 2] in BLANK:
            end = block.find(b"\n", end + 1)
        return end

    def __contains__(self, name: str) -> bool:
        return mark(name) in self._lower

    def __bool__(self) -> bool:
        """Whether there is any header in the block: a name, a colon."""
        colon = self._block.find(b":", 1, MAX_NAME + 2)
        if colon > 1 and not self._block[1:colon].translate(None, NAME_BYTES):  # no line break is of a name
            return True
        return ANY_HEADER.search(self._block) is not None


@cache
def mark(name: str) -> bytes:
    """How a header begins in a block. The names are those that our readers ask for."""
    return b"\n" + name.encode() + b":"


@dataclass(eq=False)
class Part:
    """A leaf of the MIME tree: its headers, its type and charset, its body as it was sent, newlines as LF."""

    headers: Headers
    content_type: str
    charset: str
    body: bytes

    @lazy
    def text(self) -> str:
        """The body decoded; HTML without its markup."""
        body = decode_transfer(self.body[: MAX_TEXT_BYTES * 2], self.headers.get("content-transfer-encoding"))
        if len(body) > MAX_TEXT_BYTES or len(self.body) > MAX_TEXT_BYTES * 2:
            met(TOO_LONG_TEXT)
        text = decode_charset(body[:MAX_TEXT_BYTES], self.charset)
        return strip_markup(text) if self.content_type == "text/html" else text


@dataclass(eq=False)
class Mail:
    """One mail. `returned`: the headers of each mail inside it, which are never taken for the mail's own.

    `inner`: the bytes of those mails, in the same order, as they were sent.
    """

    headers: Headers
    parts: tuple[Part, ...]
    returned: tuple[Headers, ...] = field(default=())
    inner: tuple[bytes, ...] = field(default=())

    @property
    def is_mail(self) -> bool:
        return any(name in self.headers for name in MAIL_HEADERS)

    @lazy
    def content_type(self) -> str:
        return parse_content_type(self.headers.get("content-type"))[0]

    @lazy
    def subject(self) -> str:
        return decode_words(self.headers.get("subject"))

    @lazy
    def text(self) -> str:
        """What a person would read: the plain texts, or where there are none the HTML ones."""
        for wanted in ("text/plain", "text/html"):
            texts = [part.text for part in self.parts if part.content_type == wanted]
            if any(text.strip() for text in texts):
                text = "\n".join(texts)
                if len(text) > MAX_TEXT_BYTES:
                    met(TOO_LONG_TEXT)
                return text[:MAX_TEXT_BYTES]
        return ""

    def parts_of(self, *content_types: str) -> list[Part]:
        return [part for part in self.parts if part.content_type in content_types]


def open_mail(raw: bytes) -> Mail:
    """Never raises. LF, CRLF and CR-only mails give the same `Mail`."""
    if len(raw) > MAX_BYTES:
        met(f"more than {MAX_BYTES // 1024 // 1024} MB")
    body = normalise_newlines(raw[:MAX_BYTES]).lstrip(b"\n")
    headers, body = split_headers(body)
    parts: list[Part] = []
    returned: list[Headers] = []
    inner_mails: list[bytes] = []
    for part in walk_parts(headers, body):
        if part.content_type in RETURNED_TYPES:
            inner = decode_transfer(part.body[:MAX_HEAD_BYTES], part.headers.get("content-transfer-encoding"))
            if len(part.body) > MAX_HEAD_BYTES and b"\n\n" not in inner:
                met(TOO_LONG_HEADERS)
            returned.append(split_headers(inner.lstrip(b"\n"))[0])
            inner_mails.append(part.body)
        else:
            parts.append(part)
    return Mail(headers, tuple(parts), tuple(returned), tuple(inner_mails))


def normalise_newlines(raw: bytes) -> bytes:
    if b"\r" not in raw:
        return raw
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def split_headers(block: bytes) -> tuple[Headers, bytes]:
    """The header block and the body behind it. A block that no header opens has none: it is all body."""
    if block.startswith(b"\n"):
        return Headers(), block[1:]
    end = block.find(b"\n\n", 0, MAX_HEAD_BYTES)
    head, body = (block[:end], block[end + 2 :]) if end >= 0 else (block[:MAX_HEAD_BYTES], b"")
    headers = Headers(head)
    if not headers:
        return headers, block
    if end < 0 and len(block) > MAX_HEAD_BYTES:
        met(TOO_LONG_HEADERS)
    return headers, body


def decode_value(value: bytes) -> str:
    """A header's value, unfolded (RFC 5322 2.2.3) and capped."""
    if len(value) > MAX_HEADER_CHARS * 2:
        value = value[: MAX_HEADER_CHARS * 2]
    if b"\n" in value:
        value = b" ".join([piece.strip() for piece in value.split(b"\n")])
    if len(value) > MAX_HEADER_CHARS:
        value = value.strip()[:MAX_HEADER_CHARS]
    return value.decode("utf-8", "replace").strip()


def walk_parts(headers: Headers, body: bytes) -> Iterator[Part]:
    """The leaves in the order of the mail, and what RETURNED_TYPES name, unopened. A loop, not a recursion."""
    stack = [(headers, body, 0)]
    seen = 0
    while stack and seen < MAX_PARTS:
        headers, body, depth = stack.pop()
        content_type, params = parse_content_type(headers.get("content-type"))
        children: list[bytes] = []
        is_multipart = content_type.startswith("multipart/")
        if is_multipart and params.get("boundary"):
            if depth < MAX_DEPTH:
                children = list(split_multipart(body, params["boundary"].encode("utf-8", "replace")))
            else:
                met(f"parts within parts, more than {MAX_DEPTH} deep")
        if not children:
            seen += 1
            # A multipart whose boundary never occurs is still text that someone wrote.
            yield Part(headers, "text/plain" if is_multipart else content_type, params.get("charset", ""), body)
            continue
        stack.extend((*split_headers(child), depth + 1) for child in reversed(children))
    if stack:
        met(TOO_MANY_PARTS)


def split_multipart(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The pieces between the boundary lines; the preamble and the epilogue are left out (RFC 2046 5.1.1)."""
    marker = b"\n--" + boundary
    position = 0 if body.startswith(marker[1:]) else body.find(marker)
    for _ in range(MAX_PARTS):
        if position < 0:
            return
        if is_end(body, position, boundary):
            return
        start = body.find(b"\n", position + 1)
        position = body.find(marker, start)
        yield body[start + 1 : position] if position >= 0 else body[start + 1 :]
    if position >= 0 and not is_end(body, position, boundary):
        met(TOO_MANY_PARTS)


def is_end(body: bytes, position: int, boundary: bytes) -> bool:
    """Whether the boundary there is the one that closes the multipart: with two dashes behind it, or nothing."""
    start = body.find(b"\n", position + 1)
    return start < 0 or body[position:start].rstrip().endswith(boundary + b"--")


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain` where none is given (RFC 2045 5.2). Of the parameters those that we read, without their quotes."""
    if not value:
        return "text/plain", {}
    if ";" not in value:
        return value.partition(" ")[0].lower() or "text/plain", {}
    content_type, *pieces = value.split(";")
    params: dict[str, str] = {}
    for piece in pieces:
        name, _, text = piece.partition("=")
        name, text = name.strip(" \t*").lower(), text.strip()
        if name in PARAMETERS and text.startswith('"') and '"' not in text[1:]:  # a quoted semicolon
            return content_type.strip().lower(), {
                found.group(1).lower(): found.group(2).strip('"') for found in PARAMETER.each(value)
            }
        if name in PARAMETERS and text:
            params.setdefault(name, text[1:].partition('"')[0] if text.startswith('"') else text.split(None, 1)[0])
    return content_type.split(None, 1)[0].lower() if content_type.strip() else "text/plain", params
