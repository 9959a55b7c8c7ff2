"""How a file is laid out: the columns of the list itself, or those of another tool. In: a list, a preset, columns.

Out: headers, rows, and whether the cells are plain; or BadPreset, BadColumn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from bounces.demands import Demand
from contacts.exporting.files import pieces_of
from contacts.exporting.presets import PROTECTED, TOOL, Preset, preset_rows, presets
from contacts.exporting.subjects import SUBJECTS, BadColumn, BadFilter, choose

Rows = Iterator[Sequence[Any]]


class BadPreset(BadFilter):
    """There is no such preset for this list. The message is for people."""


@dataclass(frozen=True, slots=True)
class Layout:
    columns: dict[str, str]  # the header by key
    chosen: list[str]  # the keys that an Export keeps
    rows: Callable[[QuerySet[Any], datetime, Demand | None], Rows]
    lists: Sequence[str]  # keys whose cells hold several values
    is_plain: bool  # every cell as it is, for a tool that is no spreadsheet

    def pieces(self, form: str, rows: Rows) -> Iterator[bytes]:
        return pieces_of(form, self.columns, rows, self.lists, is_plain=self.is_plain)


def layout_of(what: str, preset: str, keys: Sequence[str]) -> Layout:
    subject = SUBJECTS[what]
    if preset in (PROTECTED, TOOL):
        columns = choose(subject, keys)
        words = list(columns)
        return Layout(
            columns,
            words,
            lambda found, now, demand: subject.rows(found, words, now, demand),
            subject.lists,
            is_plain=preset == TOOL,
        )
    if preset not in presets():
        known = ", ".join([TOOL, *presets()])
        raise BadPreset(f"There is no preset “{preset[:60]}”. There are: {known}.")
    if what != "contacts":
        raise BadPreset(f"“{preset}” is a preset for contacts. For {subject.name} there is “{TOOL}”.")
    if keys:
        raise BadColumn(f"The columns are those of {presets()[preset].name}. Choose no others, or no preset.")
    return _of_preset(presets()[preset])


def _of_preset(preset: Preset) -> Layout:
    return Layout(
        {header: header for header in preset.columns},
        [],
        lambda found, now, demand: preset_rows(preset, found, now, demand),
        (),
        is_plain=True,
    )
