"""What is said of cells that were not taken as they stand. In: faults and repairs of a row. Out: JSON for its stage.

A fault costs its cell; where a row has nothing left to be known by, or where the import is strict, it costs the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contacts.importing.columns import LONGEST_SHOWN
from contacts.importing.repairs import Repaired


class Why(StrEnum):
    """What became of a cell."""

    EMPTY = "empty"  # it held a placeholder, such as NULL
    LOST = "lost"  # it held what a program had destroyed
    REPAIRED = "repaired"  # what stood around the value was taken off
    SEVERAL = "several"  # several addresses: the first is the primary one
    UNREADABLE = "unreadable"  # a fault: left empty


@dataclass(slots=True)
class Said:
    """Of one row. Each is [header, value, sentence], of the notices with their `Why` behind."""

    problems: list[list[str]] = field(default_factory=list)
    faults: list[list[str]] = field(default_factory=list)
    notices: list[list[str]] = field(default_factory=list)

    def fault(self, header: str, value: str, sentence: str) -> None:
        self.faults.append([header, value[:LONGEST_SHOWN], sentence])

    def notice(self, header: str, value: str, sentence: str, why: Why) -> None:
        self.notices.append([header, value[:LONGEST_SHOWN], sentence, why.value])

    def repair(self, header: str, cell: str, found: Repaired) -> None:
        """What was made of a cell, where it was not taken as it stands."""
        if found.said:
            why = Why.LOST if found.is_lost else Why.REPAIRED if found.text else Why.EMPTY
            self.notice(header, cell, found.said, why)

    def settle(self, *, strict: bool, is_known: bool, header: str, sentence: str) -> None:
        """Once all cells are read: `is_known` says whether the row names somebody."""
        if strict or not is_known:
            self.problems += self.faults
        else:
            self.notices += [[*fault, Why.UNREADABLE.value] for fault in self.faults]
        if not is_known and not self.problems:
            lost = next((notice for notice in self.notices if notice[3] == Why.LOST), None)
            self.problems.append(lost[:3] if lost else [header, "", sentence])


SENTENCES: Mapping[Why, str] = {
    Why.EMPTY: "“{header}”: {cells} with a placeholder such as “{value}” (row {row}) {were} read as empty.",
    Why.LOST: "“{header}”: {cells} such as “{value}” (row {row}) {were} left empty. {sentence}",
    Why.REPAIRED: "“{header}”: {cells} such as “{value}” (row {row}) {were} cleaned up.",
    Why.SEVERAL: "“{header}”: {cells} such as “{value}” (row {row}) {hold} several addresses. The first is primary.",
    Why.UNREADABLE: "“{header}”: {cells} could not be read and {were} left empty. Row {row}: {sentence}",
}


def summed_up(why: Why, header: str, count: int, row: int, value: str, sentence: str) -> str:
    """One sentence for all cells of a column of which the same is to be said."""
    is_one = count == 1
    return SENTENCES[why].format(
        header=header[:60], cells="1 cell" if is_one else f"{count:,} cells", value=value[:60], row=row,
        were="was" if is_one else "were", hold="holds" if is_one else "hold", sentence=sentence,
    )  # fmt: skip
