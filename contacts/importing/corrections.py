"""Corrections of a preview, put in place as the file is read. In: a run, its lines. Out: the same lines, corrected.

Whatever reads the run's file reads it so, before a cell is cleaned: a stage that was lost, the rows that failed and
the report agree. Only an erasure looks at the file as it came too (`forgetting.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from contacts.importing.reading import Line
from contacts.models import ImportCorrection, ImportRun

Scope = ImportCorrection.Scope
ADDRESSED = ("email", "other_emails")  # what a domain is corrected in


@dataclass(frozen=True, slots=True)
class Corrections:
    """`rows`: by row and column; `equal`: by column and text; `domains`: by domain, in the columns of `addressed`."""

    rows: Mapping[int, Mapping[int, str]]
    equal: Mapping[int, Mapping[str, str]]
    domains: Mapping[str, str]
    addressed: Sequence[int]

    def applied(self, lines: Iterable[Line]) -> Iterator[Line]:
        equal, rows = list(self.equal.items()), self.rows
        pattern = _pattern(self.domains) if self.domains else None
        for line in lines:
            cells = line.cells
            for at, words in equal:
                found = words.get(cells[at])
                if found is not None:
                    cells[at] = found
            for at, value in rows.get(line.number, {}).items():
                cells[at] = value
            if pattern is not None:
                for at in self.addressed:
                    if "@" in cells[at]:
                        cells[at] = pattern.sub(self._with_domain, cells[at])
            yield line

    def _with_domain(self, found: re2._Match[str]) -> str:
        return f"@{self.domains[found[1].lower()]}{found[2]}"


def _pattern(domains: Iterable[str]) -> re2._Regexp[str]:
    """A domain that ends there: not `gmial.com.br`."""
    names = "|".join(re2.escape(domain) for domain in sorted(domains))
    return re2.compile(rf"(?i)@({names})(\.?(?:[^a-z0-9.-]|$))")


def corrections_of(run: ImportRun, headers: Sequence[str]) -> Corrections | None:
    """None where there are none. Columns that the file has no more are left out."""
    kept = list(ImportCorrection.objects.filter(run_id=run.pk).order_by("pk"))
    if not kept:
        return None
    place = {header: at for at, header in enumerate(headers)}
    rows: dict[int, dict[int, str]] = defaultdict(dict)
    equal: dict[int, dict[str, str]] = defaultdict(dict)
    for each in kept:
        if each.column not in place:
            continue
        if each.row is not None:
            rows[each.row][place[each.column]] = each.value
        elif each.scope == Scope.EQUAL:
            equal[place[each.column]][each.was] = each.value
    domains = {each.was: each.value for each in kept if each.scope == Scope.DOMAIN}
    addressed = [place[header] for header, word in run.mapping.items() if word in ADDRESSED and header in place]
    return Corrections(rows, equal, domains, addressed)


def keep(run: ImportRun, column: str, was: str, value: str, row: int | None) -> None:
    """Adds one of a cell that shows `was` now, whatever corrections made it so. In the caller's transaction."""
    mine = ImportCorrection.objects.filter(run_id=run.pk)
    if row is not None:
        _put(run, Scope.ROW, column, row, "", value)
        return
    mine.filter(column=column, value=was).exclude(scope=Scope.DOMAIN).update(value=value)
    _put(run, Scope.EQUAL, column, None, was, value)


def keep_domain(run: ImportRun, was: str, value: str) -> None:
    """Adds one of all addresses at a domain, or below it by an earlier correction."""
    ImportCorrection.objects.filter(run_id=run.pk, scope=Scope.DOMAIN, value=was).update(value=value)
    _put(run, Scope.DOMAIN, "", None, was, value)


def _put(run: ImportRun, scope: Scope, column: str, row: int | None, was: str, value: str) -> None:
    key: dict[str, Any] = {"run_id": run.pk, "scope": scope, "column": column, "row": row, "was": was}
    ImportCorrection.objects.update_or_create(**key, defaults={"value": value})
