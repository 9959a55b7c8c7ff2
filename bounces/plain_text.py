"""Characters that nobody sees and that change what others see: taken out of every text that is kept to be shown.

In: text of people, tools and files. Out: the same without them, composed (NFC, Unicode Annex 15): an é that a Mac wrote
as e and an accent is the same é. Pure. The one definition: doors (`crm/plain_posts.py`,
`bounces/api/bodies.py`, `contacts/fields.py`) and diagnostics (`bounces/parsing/text.py`) go by it.

Right-to-left overrides make `gpj.exe` look like `exe.jpg`; zero-width characters make two names of one. Joiners belong
into Persian, Hindi and emoji, so they stay behind a character outside ASCII. A NUL is not among them: doors refuse it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import re2

LINE_BREAKS = (0x09, 0x0A, 0x0D)  # tab, line feed, carriage return: they stay in texts of several lines
JOINERS = (0x200C, 0x200D)  # zero-width non-joiner and joiner
ODD_BREAKS = (0x0B, 0x0C, 0x85, 0x2028, 0x2029)  # line breaks that no form makes: they become a blank


def _controls() -> Iterable[int]:
    """C0 and C1, without NUL and the line breaks."""
    return (number for number in (*range(0x01, 0x20), *range(0x7F, 0xA0)) if number not in (*LINE_BREAKS, *ODD_BREAKS))


LOST = "\ufffd"  # what a program writes where it could not read a character
INVISIBLE = frozenset(
    [
        *_controls(),
        0xAD,  # soft hyphen
        0x61C,  # Arabic letter mark
        0x180E,  # Mongolian vowel separator
        0x200B,  # zero-width space
        *(0x200E, 0x200F),  # left-to-right and right-to-left mark
        *range(0x202A, 0x202F),  # embeddings and overrides
        *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates, deprecated format characters
        0xFEFF,  # zero-width no-break space, as a byte order mark
        *range(0xFFF9, 0xFFFC),  # interlinear annotations
        *range(0xE0000, 0xE0080),  # tags: ASCII that nobody sees
    ]
)
_GONE: dict[int, str | None] = {**dict.fromkeys(INVISIBLE), **dict.fromkeys(ODD_BREAKS, " ")}
_LONE_JOINER = re2.compile(r"(^|[\x00-\x7f])[\x{200c}\x{200d}]+")


def plain(text: str) -> str:
    """Without them, composed. Most texts are printable ASCII, and then hold none."""
    if text.isascii() and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text.translate(_GONE))
    if "\u200c" not in text and "\u200d" not in text:
        return text
    # RE2 takes no half of a character; such a text is refused further on.
    return str(_LONE_JOINER.sub(r"\1", text)) if _is_whole(text) else text


def is_plain(text: str) -> bool:
    return plain(text) == text


def refuse_lost(text: str) -> str:
    """The text, where no program has lost a character of it on the way here. Raises ValueError."""
    if LOST in text:
        raise ValueError(f"The text holds a character that was lost on the way here ({LOST}). Write it anew.")
    return text


def plain_tree(value: Any) -> Any:
    """The same of each text in a JSON value, keys too. Nested no deeper than the parser of JSON goes."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain_tree(key): plain_tree(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain_tree(each) for each in value]
    return value


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
