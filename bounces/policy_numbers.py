"""The numbers of the policy: what each means, which values make sense. The page, the admin and the model go by this.

In: numbers as people typed them. Out: what is wrong with them, by field. Pure; the database holds the same limits
(`policy_numbers_make_sense` and its neighbours). Source: DESIGN.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST = 3650  # days; counts that nobody reaches in ten years switch a rule off in disguise


@dataclass(frozen=True, slots=True)
class Number:
    """One number. `group` is the heading it stands under, `least` the smallest value that makes sense."""

    name: str
    group: str
    label: str
    explanation: str
    least: int


HARD = "Hard bounces"
ROW = "Soft bounces in a row: invalid"
WINDOW = "Many soft bounces: invalid"
RISK = "Recent soft bounces: at risk"
SILENT = "Silent addresses: caution, whatever the status"

NUMBERS: tuple[Number, ...] = (
    Number("hard_limit", HARD, "Hard bounces", "So many, the recipient’s fault, make an address invalid.", 1),
    Number(
        "reply_grace_days", HARD, "Days after a reply",
        "A hard bounce within so many days of a reply holds the address for review instead.", 0,
    ),
    Number(
        "soft_row_days", ROW, "Days in a row",
        "So many days with soft bounces, nothing delivered between them, make an address invalid …", 2,
    ),
    Number("soft_row_span_days", ROW, "Days they span", "… when the last comes so many days after the first.", 1),
    Number(
        "soft_window_count", WINDOW, "Days with soft bounces", "So many make an address invalid, however close …", 2
    ),
    Number("soft_window_days", WINDOW, "Within days", "… when all of them lie within so many days.", 1),
    Number("risk_count", RISK, "Days with soft bounces", "So many put an address at risk …", 1),
    Number(
        "risk_window_days", RISK, "Within the last days",
        "… while they lie within so many days; then the risk passes by itself.", 1,
    ),
    Number(
        "silent_count", SILENT, "Mails without an answer",
        "So many delivered mails since the last reply or click make an address silent … 6 is usual; 0 switches it off.",
        0,
    ),
    Number("silent_days", SILENT, "For days", "… when the first of them came so many days ago.", 1),
)  # fmt: skip
BY_NAME = {number.name: number for number in NUMBERS}
# Bounce days are days: a window cannot hold more of them than it has.
FIT = (("soft_window_count", "soft_window_days"), ("risk_count", "risk_window_days"))


def faults_of(values: Mapping[str, int | None]) -> dict[str, str]:
    """What is wrong, by the field's name, for people. What is missing is left to the form."""
    faults = {
        number.name: f"A number from {number.least} to {MOST:,} is needed."
        for number in NUMBERS
        if (value := values.get(number.name)) is not None and not number.least <= value <= MOST
    }
    for count, window in FIT:
        many, days = values.get(count), values.get(window)
        if many is not None and days is not None and many > days and not {count, window} & set(faults):
            faults[count] = f"{many} bounce days do not fit into {days} days: the rule would never apply."
    return faults


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that two versions do not share."""

    label: str
    before: int
    after: int


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> list[Difference]:
    return [
        Difference(f"{number.group.split(':')[0]}: {number.label.lower()}", before[number.name], after[number.name])
        for number in NUMBERS
        if before[number.name] != after[number.name]
    ]
