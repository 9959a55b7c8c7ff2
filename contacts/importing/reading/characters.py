"""Characters that are none. In: text. Out: what is wrong with it, for people; the text without them.

A byte that is no text in its file's encoding arrives as a lone surrogate (PEP 383), a NUL byte too: the row that holds
it is told, and the rest goes on. PostgreSQL can keep neither.
"""

from __future__ import annotations

BYTES = 0xDC00  # a byte as a surrogate is this, and it
NUL = chr(BYTES)


def foreign_byte(surrogate: str) -> str:
    """What is wrong with a row that holds it."""
    byte = ord(surrogate) - BYTES
    if not byte:
        return "The row holds a NUL byte, so the file is damaged there. Look at its cells, and correct them."
    return (
        f"The row holds a byte ({byte:#04x}) that is no text in the file’s encoding: parts of the file were "
        "written in another one. Correct the row, and save the file as “CSV UTF-8”."
    )


def without_halves(text: str) -> str:
    """As long as the text: each half of a character becomes a question mark. RE2 takes nothing else."""
    return text.encode(errors="replace").decode()


def flaw_of(text: str) -> str:
    """Why PostgreSQL cannot keep it: a NUL, or half of a character. Empty: it can."""
    if "\x00" in text or NUL in text:
        return "holds a NUL character, which cannot be kept."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a character (a lone surrogate), which cannot be kept."
    return ""
