"""Whether a row may be written to: unsubscribed, complained, bounced, blocked. In: cells. Out: the gravest reason.

The words are those of `bounces/opt_outs.py`. Which column says what goes by its header; of a header that it does not
know, a column that a person chose, the cells are read as those of a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bounces import opt_outs
from contacts.importing.said import Said

STATUS = "status"
GRAVEST = opt_outs.REASONS


class OptOutCells:
    """`places`: the columns that may say it, by header and place."""

    def __init__(self, places: Sequence[tuple[str, int]]) -> None:
        self.kinds = {at: opt_outs.column_of(header) or STATUS for header, at in places}
        self.headers = {at: header for header, at in places}

    def read(self, at: int, cell: str, row: dict[str, Any], said: Said) -> None:
        kind = self.kinds[at]
        reason = opt_outs.reason_in(kind, cell)
        if reason:
            _take(row, reason)
            if (when := opt_outs.at_in(cell)) is not None:
                row["opt_out_at"] = min(row.get("opt_out_at") or when.isoformat(), when.isoformat())
        elif not opt_outs.is_understood(kind, cell):
            said.fault(self.headers[at], cell, f"“{cell[:60]}” does not say whether the person may be written to.")

    def read_labels(self, row: dict[str, Any]) -> None:
        """A label such as “Unsubscribed” says it too, and stays a tag."""
        for name in row.get("tags") or ():
            if reason := _reason_of_label(name):
                _take(row, reason)


_reason_of_label = lru_cache(maxsize=5000)(opt_outs.reason_of_label)


def _take(row: dict[str, Any], reason: str) -> None:
    known = row.get("opt_out")
    if known is None or GRAVEST.index(reason) < GRAVEST.index(known):
        row["opt_out"] = reason
