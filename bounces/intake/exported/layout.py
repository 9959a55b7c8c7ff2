"""The first lines of a file: whether it is a list of addresses, of which tool, and what its columns hold.

In: `Line` values. Out: a `Layout`, None where no column holds addresses. A column holds addresses because its name says
so and its cells do not say otherwise: `Address` may be a street. Pure; what is known is `lists.toml`, and what
opt-outs are called is `bounces/opt_outs.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bounces.intake.exported.cells import addresses_of, bare, filled_cells, is_address, share_of_addresses
from bounces.intake.exported.table import Line, first_lines
from bounces.opt_outs import column_of, is_understood, reason_in
from bounces.parsing.text import find_status

ANY = "Columns found by their names"
ADDRESSES = "Addresses alone"
# What the rows of a list tell, as a person says it. `mixed`: each row says it itself.
TELLS = {
    "mixed": "What each row says",
    "bounces": "Bounces: mails that came back",
    "complaints": "Complaints: people who pressed “spam”",
    "unsubscribes": "Unsubscribes: people who want no more mail",
    "cleaned": "Bounced in another tool: never send there, though no server's words are given",
    "suppressions": "Suppressions: never send there, for whatever reason",
}
# How providers name their files, where nothing else tells what is in them.
NAMES = (
    ("unsub", "unsubscribes"), ("optout", "unsubscribes"), ("spam", "complaints"), ("complain", "complaints"),
    ("cleaned", "cleaned"),
)  # fmt: skip
SAMPLE = 50  # lines by whose cells a column is known
ABOVE = 5  # lines that may stand above the header
MOST, NEARLY_ALL = 0.5, 0.8
MAY_BE_STREET = ("address", "to", "destination", "recipient", "contact")
REASONS = ("suppressionreason", "suppressiontype", "reason", "reasoncode", "suppressedreason", "blockreason")


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns`: where each thing stands, by its place from 0. `tells`: "" where only a person knows.

    `flags`: the columns that say of each row whether it is an opt-out, as `column_of` has them, by their place.
    """

    name: str
    tells: str
    columns: dict[str, int]
    head: tuple[str, ...]
    words: dict[str, str] = field(default_factory=dict)
    flags: dict[int, str] = field(default_factory=dict)
    file_name: str = ""
    has_head: bool = True

    @property
    def unknown(self) -> list[str]:
        """The columns of which nothing is read."""
        read = {*self.columns.values(), *self.flags}
        if not self.has_head:
            return []
        return [cell for at, cell in enumerate(self.head) if at not in read and cell]

    @property
    def says_it_itself(self) -> bool:
        return bool({"word", "left", "label"} & set(self.columns)) or bool(self.flags)

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(tells, words) for tells, words in TELLS.items() if tells != "mixed" or self.says_it_itself]

    @property
    def word_is_reason(self) -> bool:
        """Of a list of suppressions: a word there is why nobody writes to the address, not what happened to a mail."""
        return "word" in self.columns and bare(self.head[self.columns["word"]]) in REASONS

    @property
    def stored_head(self) -> tuple[str, ...]:
        """The header under which a row is kept by itself, where its cells do not show which one is the address."""
        at = self.columns["email"]
        is_named = bare(self.head[at]) in known()["any"]["email"]
        return self.head if is_named else tuple("email" if at == n else cell for n, cell in enumerate(self.head))

    @property
    def origin(self) -> str:
        """Where a suppression comes from, for people."""
        return f"{self.file_name} ({self.name})" if self.file_name else self.name


@cache
def known() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((Path(__file__).parent / "lists.toml").read_text(encoding="utf-8"))
    return found


# --- from lines


def open_list(lines: Iterator[Line], file_name: str = "") -> tuple[Layout | None, Iterator[Line]]:
    """How a list is laid out, and its rows."""
    begun = list(islice(lines, SAMPLE + ABOVE))
    layout, start = find_layout(begun, file_name)
    rows = chain(begun[start:], lines)
    if layout is not None and not layout.has_head:
        return layout, spread(layout, rows)
    return layout, rows


def is_list(head: bytes, file_name: str = "") -> bool:
    """Whether a file is one, by its beginning."""
    return find_layout(first_lines(head)[: SAMPLE + ABOVE], file_name)[0] is not None


def find_layout(lines: Sequence[Line], file_name: str = "") -> tuple[Layout | None, int]:
    """And where its rows begin. Titles may stand above the header, which then has to be proved by the cells below."""
    for start, line in enumerate(lines[: ABOVE + 1]):
        if names_addresses(line):
            return (_without_head(lines, file_name), 0) if start == 0 else (None, 0)
        sample = [below.cells for below in lines[start + 1 :]]
        layout = layout_of(line.cells, file_name, sample)
        if layout is not None and (start == 0 or share_of_addresses(sample, layout.columns["email"]) >= MOST):
            return layout, start + 1
    return None, 0


def names_addresses(line: Line) -> bool:
    return any(is_address(cell) for cell in line.cells) or bool(addresses_of(line.cells))


def _without_head(lines: Sequence[Line], file_name: str) -> Layout | None:
    """Nearly all lines name an address in the same place, or nothing but addresses."""
    good = [line for line in lines if names_addresses(line)]
    if len(good) < NEARLY_ALL * len(lines):
        return None
    cells = [line.cells for line in lines]
    width = max(len(row) for row in cells)
    at = next((at for at in range(width) if share_of_addresses(cells, at) >= NEARLY_ALL), 0)
    head = tuple("email" if at == place else f"column {place + 1}" for place in range(width))
    name = f"{tool}: addresses alone" if (tool := tool_in(file_name)) else ADDRESSES
    return Layout(
        name, told_by_name(file_name), {"email": at}, head, known()["words"], file_name=file_name, has_head=False
    )


def spread(layout: Layout, rows: Iterable[Line]) -> Iterator[Line]:
    """A line of nothing but addresses is a row each."""
    before = ("",) * layout.columns["email"]
    for line in rows:
        several = addresses_of(line.cells)
        yield from (Line(line.number, (*before, each)) for each in several)
        if not several:
            yield line


def layout_of(head: Sequence[str], file_name: str = "", sample: Sequence[Sequence[str]] = ()) -> Layout | None:
    """By a header and the rows below it."""
    places = {bare(cell): at for at, cell in reversed(list(enumerate(head)))}
    layout = _known_layout(places, head, file_name, sample)
    if layout is not None and layout.tells not in ("", "mixed"):
        return layout
    layout = layout or _any_layout(places, head, file_name, sample)
    return _with_flags(layout, sample) if layout else None


def _known_layout(
    places: dict[str, int], head: Sequence[str], file_name: str, sample: Sequence[Sequence[str]]
) -> Layout | None:
    for row in known()["lists"]:
        if all(name in places for name in row["has"]):
            columns = {thing: places[name] for thing, name in row["columns"].items() if name in places}
            if not _may_hold_addresses(columns["email"], head, sample):
                continue
            words = known()["words"] | row.get("words", {})
            tells = row["tells"] or told_by_name(file_name)
            return Layout(row["name"], tells, columns, _shown(head), words, file_name=file_name)
    return None


def _may_hold_addresses(at: int, head: Sequence[str], sample: Sequence[Sequence[str]]) -> bool:
    """Not a street, and not empty where another column has the addresses."""
    if bare(head[at]) not in MAY_BE_STREET or share_of_addresses(sample, at) >= MOST:
        return True
    return not filled_cells(sample, at) and not any(
        share_of_addresses(sample, other) >= MOST for other in range(len(head))
    )


def _any_layout(
    places: dict[str, int], head: Sequence[str], file_name: str, sample: Sequence[Sequence[str]]
) -> Layout | None:
    email = _email_column(places, head, sample)
    if email is None:
        return None
    columns = {"email": email}
    for thing, names in known()["any"].items():
        free = [] if thing in columns else [places[name] for name in names if name in places]
        free = [at for at in free if at not in columns.values()]
        fitting = (at for at in free if _fits(thing, bare(head[at]), filled_cells(sample, at)))
        if (at := next(fitting, None)) is not None:
            columns[thing] = at
    name = f"{tool}: columns found by their names" if (tool := tool_in(file_name)) else ANY
    return Layout(name, told_by_columns(columns), columns, _shown(head), known()["words"], file_name=file_name)


def _shown(head: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell.strip()[:60] for cell in head)


def _email_column(places: dict[str, int], head: Sequence[str], sample: Sequence[Sequence[str]]) -> int | None:
    """By its name and its cells; by its cells alone where nearly all are addresses; by a name that says it surely."""
    named = [places[name] for name in known()["any"]["email"] if name in places]
    for at in named:
        if share_of_addresses(sample, at) >= MOST:
            return at
    for at in range(len(head)):
        if share_of_addresses(sample, at) >= NEARLY_ALL:
            return at
    sure = (at for at in named if bare(head[at]) not in MAY_BE_STREET or not filled_cells(sample, at))
    return next(sure, None)


def _fits(thing: str, name: str, cells: Sequence[str]) -> bool:
    """Whether the cells are such as the name of the column says: a `status` is a code or a word."""
    if thing == "status":
        return not cells or any(find_status(cell) for cell in cells)
    says = sum(bare(cell) in known()["words"] or bool(reason_in("status", cell)) for cell in cells)
    if thing == "word" and name in ("type", "category", *REASONS):
        return says * 2 >= len(cells) and (bool(cells) or name != "reason")
    return True


def _with_flags(layout: Layout, sample: Sequence[Sequence[str]]) -> Layout:
    """With the columns that say of each row whether it is an opt-out, where no column of words says so."""
    if "word" in layout.columns:
        return replace(layout, tells=layout.tells or "mixed")
    read = {at for thing, at in layout.columns.items() if thing != "at"}
    flags = {
        at: column
        for at, cell in enumerate(layout.head)
        if at not in read and (column := column_of(cell)) and _says(column, filled_cells(sample, at))
    }
    if set(flags.values()) <= {"consent"} and not any(
        is_understood("status", cell) for at in flags for cell in filled_cells(sample, at)
    ):
        flags = {}
    by_name = told_by_name(layout.file_name)
    tells = (
        "mixed" if flags or {"label", "left"} & set(layout.columns) else layout.tells if layout.tells != "mixed" else ""
    )
    return replace(layout, flags=flags, tells=tells or by_name)


def _says(column: str, cells: Sequence[str]) -> bool:
    """A status of other words, such as customer, says nothing of mail."""
    return column != "status" or not cells or any(is_understood(column, cell) for cell in cells)


def told_by_columns(columns: dict[str, int]) -> str:
    if "word" in columns:
        return "mixed"
    return "bounces" if {"text", "code"} & set(columns) else ""


def told_by_name(file_name: str) -> str:
    name = bare(file_name)
    return next((tells for part, tells in NAMES if part in name), "")


def tool_in(file_name: str) -> str:
    """The tool that a file is named after."""
    name = bare(file_name)
    return next((tool for part, tool in known()["tools"].items() if part in name), "")
