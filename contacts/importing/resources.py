"""ContactResource: the admin's import. In: a dataset (`formats.py`), who imports, and when. Out: the library's Result.

`import_data` is ours: the rows go through the same pipeline as those of the other doors. The result holds the first
rows, for the preview, and the counts of all. A preview stops before it writes, and leaves no run behind.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are the library's

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import tablib
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone
from import_export import resources
from import_export.fields import Field
from import_export.results import Error, InvalidRow, Result, RowResult

from contacts.access import User
from contacts.importing import runs, working
from contacts.importing.columns import WORDS
from contacts.importing.formats import TOO_MANY, SheetDataset, sheet_of
from contacts.importing.holding import held_preview
from contacts.importing.options import Options
from contacts.importing.outcomes import RowShown, preview_rows
from contacts.importing.reading import MOST_ROWS, UnreadableFile
from contacts.importing.report import ImportReport, report_of
from contacts.importing.rows import ROWS, lines_of, pack_rows
from contacts.models import Contact, CustomField, ImportRow, ImportRun

COLUMNS = WORDS
SHOWN = 100
WAITS = 30.0  # seconds for another import to end
BUSY = "Another import is going on. Wait until it is done, then confirm again."
TYPES = {
    "new": RowResult.IMPORT_TYPE_NEW,
    "update": RowResult.IMPORT_TYPE_UPDATE,
    "unchanged": RowResult.IMPORT_TYPE_SKIP,
    "duplicate": RowResult.IMPORT_TYPE_SKIP,
    "skipped": RowResult.IMPORT_TYPE_SKIP,
}


class ImportedRow(RowResult):
    """One row's result: which row of the file, which address, and what it changes."""

    number = 0
    email = ""
    note = ""  # why nothing is done, where that is not plain


class ContactResource(resources.ModelResource):
    """`by=None` is the system: it may write everything. `origin`: what the import is called."""

    class Meta:
        model = Contact
        fields = ()  # our own, below: none is a column of the table as it is
        import_id_fields = ()

    def __init__(
        self,
        *,
        by: User | None = None,
        options: Options | None = None,
        origin: str = "an import",
        now: datetime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.by, self.origin = by, origin
        options = options or Options()
        self.options = options if by is not None else replace(options, change_others=True)
        self.now = now or timezone.now()
        custom = CustomField.objects.values_list("key", flat=True)
        self.fields = {column: Field(column_name=column) for column in (*COLUMNS, *custom)}

    def import_data(self, dataset: tablib.Dataset, dry_run: bool = False, **kwargs: Any) -> Result:
        """Raises UnreadableFile where the header has no column to go by, BusyError."""
        run = self.run = self._begin(dataset)
        try:
            return self._carry(run, _words(run), dry_run)
        finally:
            if dry_run:
                forget(run)

    def _begin(self, dataset: tablib.Dataset) -> ImportRun:
        """A run of the file as it came; of a dataset that has none, of its rows."""
        if isinstance(dataset, SheetDataset) and dataset.body:
            run = self._take([dataset.body], manner=dataset.said.manner)
            runs.begin(run, dataset.mapping or run.mapping, self.options)
            return run
        sheet = sheet_of(dataset)
        run = self._take(pack_rows(sheet.headers, lines_of(sheet), sheet.notices), form=ROWS)
        runs.begin(run, run.mapping, self.options)
        return run

    def _take(self, pieces: Iterable[bytes], **given: Any) -> ImportRun:
        return runs.take_file(pieces, self.origin, by=self.by, via="admin", now=self.now, **given)

    def _carry(self, run: ImportRun, words: Any, dry_run: bool) -> Result:
        self._work(run)
        result = Result()
        result.total_rows = run.total
        result.diff_headers = list(words.values())
        with held_preview(run) as is_there:
            for row in preview_rows(run, ImportRow.Verdict.values, SHOWN, self.now) if is_there else []:
                self._append(result, row, words)
        if run.error:
            result.append_base_error(Error(RuntimeError(run.error)))
        elif not dry_run:
            self._write(run, result)
        self.reported = report_of(run, self.now)
        counts = self.reported
        result.totals[RowResult.IMPORT_TYPE_NEW] = counts.new
        result.totals[RowResult.IMPORT_TYPE_UPDATE] = counts.updated
        result.totals[RowResult.IMPORT_TYPE_SKIP] = counts.unchanged
        result.totals[RowResult.IMPORT_TYPE_INVALID] = counts.failed
        result.resource = self
        return result

    def _write(self, run: ImportRun, result: Result) -> None:
        """A quarantined list stays a preview, which a manager may let in on its page."""
        if run.quarantine:
            return
        runs.confirm(run, self.by, self.now)
        self._work(run)
        if run.error:
            result.append_base_error(Error(RuntimeError(run.error)))

    def _work(self, run: ImportRun) -> None:
        """Here and now, or by whoever is at it. Raises BusyError where another import goes on for too long."""
        until = time.monotonic() + WAITS
        while run.is_running:
            if not working.work(run.pk, lambda: self.now, _watch_rows):
                if time.monotonic() > until:
                    raise BusyError
                time.sleep(0.2)
            run.refresh_from_db()

    def _append(self, result: Result, row: RowShown, words: Any) -> None:
        if row.verdict in ImportRow.FAILED:
            cells = [row.values.get(word, "") for word in words]
            result.invalid_rows.append(InvalidRow(row.number, _as_validation_error(row), cells))
            return
        shown = ImportedRow()
        shown.number, shown.email = row.number, row.email
        shown.import_type = TYPES[row.verdict]
        shown.note = "Repeats another row." if row.verdict == "duplicate" else ""
        shown.diff = [_cell(word, row) for word in words]
        result.rows.append(shown)

    def get_diff_headers(self) -> list[str]:
        return list(self.fields)

    def report(self, result: Result) -> ImportReport:
        """What was done, or (after a preview) what would be done."""
        return self.reported


def _watch_rows(run: ImportRun) -> None:
    """A request does all the work. Raises UnreadableFile, by which the run fails."""
    if run.total > MOST_ROWS:
        raise UnreadableFile(TOO_MANY)


class BusyError(RuntimeError):
    """Another import is going on. The message is for people."""

    def __init__(self) -> None:
        super().__init__(BUSY)


def forget(run: ImportRun) -> None:
    """A preview's run, with all that it had."""
    with transaction.atomic():
        runs.forget(run)
        run.delete()


def _words(run: ImportRun) -> dict[str, str]:
    """The file's columns by what they mean, in its order; but first the one that says whom a row is about."""
    chosen = [(run.mapping[header], header) for header in run.headers if header in run.mapping]
    return dict(sorted(chosen, key=lambda each: each[0] != "email"))


def _as_validation_error(row: RowShown) -> ValidationError:
    by_column: dict[str, list[str]] = {}
    for column, value, sentence in row.problems:
        is_said = value in sentence  # the empty value is in every sentence
        by_column.setdefault(column or NON_FIELD_ERRORS, []).append(sentence if is_said else f"“{value}”: {sentence}")
    return ValidationError(by_column)


def _cell(word: str, row: RowShown) -> str:
    """A cell for each column of the file: its value, or what it changes."""
    if row.verdict == "new":
        return row.email if word == "email" else str(row.values.get(word, ""))
    key = "addresses" if word in ("email", "other_emails") else word
    change = next((each for each in row.changes if each.word == key), None)
    if change:
        return f"{change.was or 'empty'} → {change.then}"
    return row.email if word == "email" else ""
