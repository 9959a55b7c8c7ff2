"""Cells of custom fields, read by the style of their column. In: a file's first rows, then cells. Out: values by key.

Days are read in the order that the column shows, numbers with the decimal sign that it shows; both are told where the
column does not show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contacts.importing.columns import CUSTOM, is_own_export, orders_of
from contacts.importing.number_style import Style, is_ambiguous, read_number, style_of
from contacts.importing.reading import Line
from contacts.importing.repairs import Repaired, repaired
from contacts.importing.said import Said
from contacts.importing.values import Order, read_day
from contacts.models import CustomField

Type = CustomField.Type


def custom_notices(
    headers: Sequence[str], mapping: Mapping[str, str], declared: Sequence[CustomField], first: Sequence[Line]
) -> list[str]:
    """What is to be said of how the columns of custom fields are read."""
    words = {word.removeprefix(CUSTOM): header for header, word in mapping.items() if word.startswith(CUSTOM)}
    places = [(key, list(headers).index(header)) for key, header in words.items()]
    return CustomCells(headers, places, declared, first).notices


class CustomCells:
    """`places`: key and place of each column. `declared`: all fields, those too that the import makes."""

    def __init__(
        self,
        headers: Sequence[str],
        places: Sequence[tuple[str, int]],
        declared: Sequence[CustomField],
        first: Sequence[Line],
    ) -> None:
        self.headers = headers
        self.is_ours = is_own_export(headers)
        self.place = dict(places)
        self.declared = list(declared)
        types = {each.key: each.type for each in self.declared}
        self.types = {key: types.get(key, "") for key in self.place}
        samples = {key: [line.cells[at] for line in first if line.cells[at]] for key, at in places}
        self.orders, self.notices = orders_of(
            {headers[self.place[key]]: cells for key, cells in samples.items() if self.types[key] == Type.DATE}
        )
        self.styles: Mapping[str, Style] = {
            key: style_of(cells) for key, cells in samples.items() if self.types[key] == Type.NUMBER
        }
        for key in self.styles:
            if is_ambiguous(samples[key]):
                self.notices.append(
                    f"“{headers[self.place[key]][:60]}” has numbers that can be read in two ways, such as 1,200. A "
                    "comma is read as parting thousands, a dot as the decimal sign."
                )

    def read(self, cells: Sequence[str], said: Said, *, empties: bool) -> dict[str, str]:
        given: dict[str, str] = {}
        for key, at in self.place.items():
            cell = cells[at]
            if not cell:
                if empties:
                    given[key] = ""
                continue
            found = Repaired(cell) if self.is_ours else repaired(cell, "custom")
            said.repair(self.headers[at], cell, found)
            if not found.text:
                continue
            try:
                given[key] = self._styled(key, found.text)
            except ValueError as error:
                said.fault(self.headers[at], cell, str(error))
        return given

    def _styled(self, key: str, cell: str) -> str:
        if self.types[key] == Type.DATE:
            return read_day(cell, self.orders.get(self.headers[self.place[key]], Order.DAY_FIRST))
        if self.types[key] == Type.NUMBER:
            return read_number(cell, self.styles.get(key, Style()))
        return cell
