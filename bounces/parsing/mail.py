"""A bounded view of one e-mail: headers, parts, texts, and the headers of the mail that was returned inside it.

In: raw bytes, whatever they are. Out: a `Mail`. Stage: parse. Sources: RFC 5322, RFC 2045 to 2047.

The stdlib's parser is not used: on hostile mail it recurses without bound (`To:((((`) and is quadratic on long
headers. What this view keeps is capped by the constants below; what lies beyond a cap is left out, and the rest
of the mail still gets its answer.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import re2

from bounces.patterns import Found, Pattern

MAX_BYTES = 32 * 1024 * 1024  # of a mail; a report's own text stands before the returned mail
MAX_PARTS = 200
MAX_DEPTH = 20
MAX_HEAD_BYTES = 128 * 1024  # of one header block
MAX_HEADERS = 500
MAX_HEADER_CHARS = 8_000
MAX_TEXT_BYTES = 256 * 1024  # of one text part

# Charsets by their codec's name prefix. An allow-list, because Python also "decodes" punycode (quadratic) and idna.
CHARSETS = (
    "utf-8",
    "us-ascii",
    "iso-",
    "iso8859",
    "windows-",
    "cp",
    "koi8",
    "shift",
    "sjis",
    "euc",
    "gb",
    "big5",
    "ks_c",
)

NAME_BYTES = bytes(byte for byte in range(0x21, 0x7F) if byte != 0x3A)  # RFC 5322 2.2: of a header's name
MAX_NAME = 100
BLANK = (b" ", b"\t")
SPACED_NAME = re2.compile(rb"(?m)^([!-9;-~]{1,100})[ \t]+:")  # RFC 5322 4.5, obsolete
ANY_HEADER = re2.compile(rb"(?m)^[!-9;-~]{1,100}:")
PARAMETERS = ("boundary", "charset")
PARAMETER = Pattern(r'(?i);\s*(boundary|charset)\*?\s*=\s*("[^"]*"|[^;\s]*)')
ENCODED_WORD = Pattern(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
BETWEEN_WORDS = Pattern(r"\?=\s+=\?")
MARKUP = Pattern(r"(?is)<(?:style|script)\b.*?</(?:style|script)\s*>|<!--.*?-->|<[^<>]*>")
LINE_MARKUP = Pattern(r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>")
LONG_REFERENCE = Pattern(r"&#[0-9a-fA-FxX]{9,}")  # int() refuses numbers of more than 4,300 digits
MAIL_HEADERS = frozenset(
    (
        "from",
        "to",
        "subject",
        "date",
        "received",
        "message-id",
        "return-path",
        "content-type",
        "mime-version",
        "sender",
    )
)
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

    def get(self, name: str) -> str:
        """The first value, or "" where there is none."""
        marker = b"\n" + name.encode() + b":"
        at = self._lower.find(marker)
        return decode_value(self._block[at + len(marker) : self._end(at + len(marker))]) if at >= 0 else ""

    def values(self, name: str) -> Iterator[str]:
        marker = b"\n" + name.encode() + b":"
        at = self._lower.find(marker)
        for _ in range(MAX_HEADERS):
            if at < 0:
                return
            end = self._end(at + len(marker))
            yield decode_value(self._block[at + len(marker) : end])
            at = self._lower.find(marker, end)

    def _end(self, start: int) -> int:
        """Where the value ends that begins there: before the first line that does not continue it."""
        end = self._block.find(b"\n", start)
        while self._block[end + 1 : end + 2] in BLANK:
            end = self._block.find(b"\n", end + 1)
        return end

    def __contains__(self, name: str) -> bool:
        return b"\n" + name.encode() + b":" in self._lower

    def __bool__(self) -> bool:
        """Whether there is any header in the block: a name, a colon."""
        name, colon, _ = self._block[1:].partition(b"\n")[0].partition(b":")
        if colon and 0 < len(name) <= MAX_NAME and not name.translate(None, NAME_BYTES):
            return True
        return ANY_HEADER.search(self._block) is not None


@dataclass(frozen=True)
class Part:
    """A leaf of the MIME tree: its headers, its type, its body as it was sent, newlines as LF."""

    headers: Headers
    content_type: str
    body: bytes

    @cached_property
    def text(self) -> str:
        """The body decoded; HTML without its markup."""
        body = decode_transfer(self.body[: MAX_TEXT_BYTES * 2], self.headers.get("content-transfer-encoding"))
        _, params = parse_content_type(self.headers.get("content-type"))
        text = decode_charset(body[:MAX_TEXT_BYTES], params.get("charset", ""))
        return strip_markup(text) if self.content_type == "text/html" else text


@dataclass(frozen=True)
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

    @cached_property
    def content_type(self) -> str:
        return parse_content_type(self.headers.get("content-type"))[0]

    @cached_property
    def subject(self) -> str:
        return decode_words(self.headers.get("subject"))

    @cached_property
    def text(self) -> str:
        """What a person would read: the plain texts, or where there are none the HTML ones."""
        for wanted in ("text/plain", "text/html"):
            texts = [part.text for part in self.parts if part.content_type == wanted]
            if any(text.strip() for text in texts):
                return "\n".join(texts)[:MAX_TEXT_BYTES]
        return ""

    def parts_of(self, *content_types: str) -> list[Part]:
        return [part for part in self.parts if part.content_type in content_types]


def open_mail(raw: bytes) -> Mail:
    """Never raises. LF, CRLF and CR-only mails give the same `Mail`."""
    body = normalise_newlines(raw[:MAX_BYTES]).lstrip(b"\n")
    headers, body = split_headers(body)
    parts: list[Part] = []
    returned: list[Headers] = []
    inner_mails: list[bytes] = []
    for part_headers, content_type, part_body in walk_parts(headers, body):
        if content_type in RETURNED_TYPES:
            inner = decode_transfer(part_body[:MAX_HEAD_BYTES], part_headers.get("content-transfer-encoding"))
            returned.append(split_headers(inner.lstrip(b"\n"))[0])
            inner_mails.append(part_body)
        else:
            parts.append(Part(part_headers, content_type, part_body))
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
    return (headers, body) if headers else (headers, block)


def decode_value(value: bytes) -> str:
    """A header's value, unfolded (RFC 5322 2.2.3) and capped."""
    value = value[: MAX_HEADER_CHARS * 2]
    if b"\n" in value:
        value = b" ".join([piece.strip() for piece in value.split(b"\n")])
    return value.strip()[:MAX_HEADER_CHARS].decode("utf-8", "replace").strip()


def walk_parts(headers: Headers, body: bytes) -> Iterator[tuple[Headers, str, bytes]]:
    """The leaves in the order of the mail, and what RETURNED_TYPES name, unopened. A loop, not a recursion."""
    stack = [(headers, body, 0)]
    seen = 0
    while stack and seen < MAX_PARTS:
        headers, body, depth = stack.pop()
        content_type, params = parse_content_type(headers.get("content-type"))
        boundary = params.get("boundary", "").encode("utf-8", "replace")
        children: list[bytes] = []
        if content_type.startswith("multipart/") and boundary and depth < MAX_DEPTH:
            children = list(split_multipart(body, boundary))
        if not children:
            seen += 1
            # A multipart whose boundary never occurs is still text that someone wrote.
            yield headers, "text/plain" if content_type.startswith("multipart/") else content_type, body
            continue
        stack.extend((*split_headers(child), depth + 1) for child in reversed(children))


def split_multipart(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The pieces between the boundary lines; the preamble and the epilogue are left out (RFC 2046 5.1.1)."""
    marker = b"\n--" + boundary
    position = 0 if body.startswith(marker[1:]) else body.find(marker)
    for _ in range(MAX_PARTS):
        if position < 0:
            return
        start = body.find(b"\n", position + 1)
        if start < 0 or body[position:start].rstrip().endswith(boundary + b"--"):
            return
        position = body.find(marker, start)
        yield body[start + 1 : position] if position >= 0 else body[start + 1 :]


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


def decode_transfer(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        try:
            return base64.b64decode(body[: len(body) // 4 * 4 + 4] + b"==")
        except (binascii.Error, ValueError):
            return body
    return body


def decode_charset(body: bytes, charset: str) -> str:
    charset = charset.strip().lower()
    if charset.startswith(CHARSETS):
        try:
            return body.decode(charset, "replace")
        except (LookupError, ValueError):  # no such codec; a name with a NUL in it
            pass
    return body.decode("utf-8", "replace")


def decode_words(value: str) -> str:
    """RFC 2047 encoded words as text. The space between two of them is not text (6.2)."""
    if "=?" not in value:
        return value
    return ENCODED_WORD.sub(decode_word, BETWEEN_WORDS.sub("?==?", value))


def decode_word(found: Found) -> str:
    charset, encoding, text = (found.group(number) for number in (1, 2, 3))
    body = text.encode("ascii", "replace")
    if encoding in "bB":
        return decode_charset(decode_transfer(body, "base64"), charset)
    return decode_charset(quopri.decodestring(body, header=True), charset)


def strip_markup(text: str) -> str:
    text = MARKUP.sub("", LINE_MARKUP.sub("\n", text))
    return html.unescape(LONG_REFERENCE.sub("", text))
