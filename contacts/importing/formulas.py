"""Cells that a spreadsheet would take for a formula. In: a cell's text. Out: the text that stays text, and back.

Source: OWASP ASVS 5.0 1.2.10 (a single quote in front of = + - @ tab and NUL). Cells that begin with quotes and then
such a character get one quote more, so that every cell comes back as it was.
"""

from __future__ import annotations

import re

# Line breaks and the full-width forms count too: some spreadsheets skip the first and fold the second.
_RISKY = re.compile(r"'*[=+\-@\t\r\n\x00＝＋－＠]")


def defuse(cell: str) -> str:
    """For export."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def restore(cell: str) -> str:
    """For import: takes back what `defuse` did; any other cell stays as it is."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell, 1) else cell
