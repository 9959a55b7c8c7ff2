"""How many rows a file has at most, without reading them. In: its bytes, piece by piece. Out: a number.

So that a file of far too many rows is refused while it comes in, within a second for every few hundred MB, instead of
after minutes of a worker that others wait for. Line ends within quotes are none: a cell may have many lines.
"""

from __future__ import annotations

from contacts.importing.reading.kinds import Form, form_of, sniff
from contacts.importing.reading.tables import UnreadableFile

QUOTE = b'"'
CARD = b"END:VCARD"
MORE_LINES = 1000  # than rows, of headers and titles: no reason to refuse a file


class RowCount:
    """`rows`: so far. Always 0 of a workbook, which is compressed and has its own bounds, and of what is no table."""

    def __init__(self, head: bytes, name: str) -> None:
        try:
            self.form: Form | None = sniff(head, form_of(name))
        except UnreadableFile:
            self.form = None  # said by whoever reads it
        self._is_quoted = False
        self._counts = [0, 0]

    @property
    def rows(self) -> int:
        return max(self._counts)

    def add(self, piece: bytes) -> None:
        if self.form in (None, Form.XLSX, Form.ODS):
            return
        if self.form == Form.VCARD:
            self._counts[0] += piece.upper().count(CARD)
            return
        # Lines may end with either of two; of both, each counts the same. Objects may stand in one line.
        ends = (b"{",) if self.form == Form.JSON else (b"\n", b"\r")
        bare = self._without_quoted(piece)
        for place, end in enumerate(ends):
            self._counts[place] += bare.count(end)

    def _without_quoted(self, piece: bytes) -> bytes:
        parts = piece.split(QUOTE)
        bare = b"".join(parts[1 if self._is_quoted else 0 :: 2])
        if len(parts) % 2 == 0:
            self._is_quoted = not self._is_quoted
        return bare
