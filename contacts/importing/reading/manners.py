"""How a file is to be read, as a person says it. In: words of a form, a command or the API. Out: a Manner.

What is left empty is found out from the file itself.
"""

from __future__ import annotations

from contacts.importing.reading.encodings import NAMES, UTF8, known_encoding
from contacts.importing.reading.separated import SAID_SEPARATORS, SEPARATORS
from contacts.importing.reading.tables import Manner, UnreadableFile

SEPARATOR_NAMES = {**SEPARATORS, **SAID_SEPARATORS}
ENCODING_NAMES = {UTF8: "Unicode (UTF-8)", **NAMES}
LONGEST_SHEET = 200
NO_SEPARATORS = "\"'\\\r\n\x00"  # they mean something else in every table of text


def manner_of(encoding: str = "", separator: str = "", sheet: str = "", has_header: bool | None = None) -> Manner:
    """Raises UnreadableFile for what no file can be read by."""
    encoding = known_encoding(encoding) if encoding.strip() else ""
    return Manner(encoding, known_separator(separator), sheet[:LONGEST_SHEET], has_header)


def known_separator(said: str) -> str:
    """The sign, which may be said by its name. Raises UnreadableFile for what parts no cells."""
    named = {name: sign for sign, name in SEPARATOR_NAMES.items()}
    separator = named.get(said.strip().lower(), said)
    if len(separator) > 1 or (separator and separator in NO_SEPARATORS):
        raise UnreadableFile(f"“{said[:20]}” parts no cells. Give one sign, or one of these words: {', '.join(named)}.")
    return separator
