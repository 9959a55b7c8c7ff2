"""The e-mail addresses of one cell, however it is dressed. In: a cell. Out: Found. Pure.

Understood: several in one cell (`; , ::: | /`, line breaks, blanks), `Ann Lee <ann@b.example>`, `mailto:`, links of
Markdown and Access, quotes, brackets, a comment behind it, full-width signs, curly apostrophes, a dot too many at the
end. Taken off and told; what is no address then stays none: nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import re2

from bounces.addresses import BadAddress, normalise_reachable
from bounces.plain_text import plain

LONGEST = 5000  # characters of a cell that are looked through
WIDE = str.maketrans({"＠": "@", "﹫": "@", "．": ".", "。": ".", "’": "'", "‘": "'", "＇": "'", "`": "'"})
MAILTO = re2.compile(r"(?i)mailto:")
QUERY = re2.compile(r"(?i)(mailto:[^\s?#<>\"']+)\?[^\s<>\"')]*")
# A word with an @ in it; what stands between words of a list, or around one, is no part of it.
AROUND = r'\s<>()\[\]{},;:|"“”„«»#'
TOKEN = re2.compile(rf"[^{AROUND}]+@[^{AROUND}@]+")
BLANKS_AROUND = re2.compile(r"^([^\s@]+)\s*@\s+([^\s@]+)$|^([^\s@]+)\s+@\s*([^\s@]+)$")
SLASHED = re.compile(r"/(?=[^/\s@]+@)")  # between two addresses
ENDS = ".,;:!?'\"*"
COMMENT = re2.compile(r"\([^)]*\)")
NO_NAME = re2.compile(r"[@<>\[\](){}#|=/\\]|https?:")
NO_WORD = re2.compile(
    r"^(?:\W*|(?:e-?mail|mail|smtp|work|home|private|primary|business|office|internet)\W*)$|[<\[#]|href"
)


@dataclass(frozen=True, slots=True)
class Found:
    """`emails` as they are kept, each once; `name` as it stands beside one; `bad`: pieces that are no address."""

    emails: list[str]
    name: str = ""
    bad: tuple[str, ...] = ()
    is_dressed: bool = False  # more than the address stood there


def addresses_in(cell: str) -> Found:
    """Raises ValueError with a sentence where there is none."""
    text = plain(cell[:LONGEST]).translate(WIDE).strip()
    if (whole := _address(text)) and text[0] != "'":
        return Found([whole], is_dressed=text.lower() != cell.strip().lower())
    if "@" not in text:
        raise ValueError(_none(cell))
    if blanks := BLANKS_AROUND.match(text):
        text = "@".join(part for part in blanks.groups() if part)
    return _taken_apart(cell, text)


def _taken_apart(cell: str, text: str) -> Found:
    text = MAILTO.sub(" ", QUERY.sub(r"\1", text))
    text = SLASHED.sub(" ", text)
    emails: dict[str, None] = {}
    bad: list[str] = []
    for found in TOKEN.finditer(text):
        token = found[0].strip(ENDS)
        if email := _address(token):
            emails[email] = None
        else:
            bad.append(token[:100])
    if not emails:
        raise ValueError(_none(cell))
    rest = _beside(text)
    name = rest if len(emails) == 1 and _is_name(text, rest) else ""
    if rest and not name and not NO_WORD.search(rest.lower()):
        bad.append(rest[:100])
    return Found(list(emails), name, tuple(bad), is_dressed=True)


def _address(text: str) -> str:
    try:
        return normalise_reachable(text)
    except BadAddress:
        return ""


def _beside(text: str) -> str:
    """What is left without the addresses, comments and punctuation."""
    rest = COMMENT.sub(" ", TOKEN.sub(" ", text)).replace("<", " ").replace(">", " ")
    return " ".join(rest.split()).strip(" \"'“”„«»,;:-|")


def _is_name(text: str, rest: str) -> bool:
    """In front of an address: “Ann Lee <ann@b.example>”. What stands behind one, or holds signs, is none."""
    is_in_front = rest != "" and text.lstrip(" \"'“„«<").startswith(rest[:10].strip("\"'"))
    return is_in_front and len(rest) <= 200 and not NO_NAME.search(rest) and not NO_WORD.search(rest.lower())


def _none(cell: str) -> str:
    try:
        normalise_reachable(plain(cell))
    except BadAddress as error:
        return f"“{cell[:254]}” is not an e-mail address: {error}"
    return f"“{cell[:254]}” is not an e-mail address."
