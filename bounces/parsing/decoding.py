"""What a mail's bytes say: transfer encodings, charsets, encoded words, HTML without its markup.

In: bytes or text of a part or a header. Out: text. Never raises. Stage: parse. Sources: RFC 2045 6, RFC 2047.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri

from bounces.patterns import Found, Pattern

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

ENCODED_WORD = Pattern(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
BETWEEN_WORDS = Pattern(r"\?=\s+=\?")
MARKUP = Pattern(r"(?is)<(?:style|script)\b.*?</(?:style|script)\s*>|<!--.*?-->|<[^<>]*>")
CELL_MARKUP = Pattern(r"(?i)</t[dh]\b[^<>]*>")
PREFORMATTED = Pattern(r"(?i)<pre\b|white-space:\s*pre")
LINE_MARKUP = Pattern(r"(?i)<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>")
LONG_REFERENCE = Pattern(r"&#[0-9a-fA-FxX]{9,}")  # int() refuses numbers of more than 4,300 digits


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
    """The words, a line where the markup begins one. Its own line ends are blanks, but where it is set as it stands."""
    if LINE_MARKUP.matches(text) and not PREFORMATTED.matches(text):
        text = text.replace("\n", " ")
    text = MARKUP.sub("", CELL_MARKUP.sub(" ", LINE_MARKUP.sub("\n", text)))
    return html.unescape(LONG_REFERENCE.sub("", text))
