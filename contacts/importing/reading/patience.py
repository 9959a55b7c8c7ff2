"""How rows that cannot be read are told, and how many of them. In: each of them. Out: texts, or a refusal.

A bad row costs itself alone; where most of them are bad, the file is not what it was taken for.
"""

from __future__ import annotations

from contacts.importing.reading.characters import without_halves
from contacts.importing.reading.tables import UnreadableFile

FEW = 50  # of them no share says anything; more than the records that a dialect is found by
SLACK = 16 * 1024 * 1024  # characters
LONGEST_SHOWN = 500  # characters of such a row
PICTURES = {code: 0x2400 + code for code in range(32)}  # Unicode's, of control characters


def shown_of(text: str) -> str:
    """In one line, as it can be kept."""
    plain = text.rstrip("\r\n")
    shown = without_halves(plain[:LONGEST_SHOWN].translate(PICTURES))
    return f"{shown}…" if len(plain) > LONGEST_SHOWN else shown


class Patience:
    """`tried`: what was tried to understand the file, for people."""

    def __init__(self, tried: str = "") -> None:
        self.tried = tried
        self.borne = 0
        self.again = 0  # characters that had to be read again
        self.first = ""

    def bear(self, number: int, rows: int, problem: str) -> None:
        """One more, the last of so many rows. Raises UnreadableFile where they are too many."""
        self.borne += 1
        self.first = self.first or f"Row {number}: {problem}"
        if self.borne >= FEW and self.borne * 2 > rows:
            raise UnreadableFile(
                f"Of the first {rows:,} rows {self.borne:,} cannot be read, so the file was not understood. "
                f"{self.tried} {self.first}"
            )

    def read_again(self, characters: int, passed: int) -> None:
        """What an open quote took is read again: of a file that is meant to be read once that is less than all of it.

        Raises UnreadableFile where that is too much.
        """
        self.again += characters
        if self.again > SLACK + passed:
            raise UnreadableFile(f"The file opens quotes again and again that it never closes. {self.first}")
