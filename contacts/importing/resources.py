"""ContactResource: the steps of an import in the order that django-import-export calls them.

In: a dataset (`formats.py`), who imports, and when. Out: the library's Result, with rows numbered as in the file.
A preview takes the same way and stops before it writes. Two imports wait for each other: between them, nothing else
would keep the same new person from being made twice.
"""

# ruff: noqa: ARG002 -- the hooks' signatures are the library's

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import tablib
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection
from django.utils import timezone
from import_export import resources
from import_export.fields import Field
from import_export.results import Result, RowResult

from bounces.addresses import keep_addresses
from contacts.access import User
from contacts.importing.columns import Columns, Problem, Row, clean_rows, find_columns
from contacts.importing.formats import sheet_of
from contacts.importing.matching import Changes, Matcher, Unmatched, changes_of
from contacts.importing.report import ImportReport, is_dead, unsendable
from contacts.importing.saving import Write, tell_planner, write
from contacts.models import Contact, CustomField

IMPORT_LOCK = 5_171_003  # any number that no other advisory lock of ours has
ADDRESSES_AT_ONCE = 5000
COLUMNS = (
    "email", "other_emails", "first_name", "last_name", "title", "company", "owner", "phone", "country", "tags",
    "source", "external_id",
)  # fmt: skip
WORDS_OF_COLUMN = {"email": "addresses", "other_emails": "addresses"}


class ImportedRow(RowResult):
    """One row's result: which row of the file, which address, and what it changes."""

    number = 0
    email = ""
    note = ""  # why nothing is done, where that is not plain


class ImportResult(Result):
    """Numbers its rows as the file does."""

    def __init__(self, numbers: list[int]) -> None:
        super().__init__()
        self.numbers = numbers

    def append_invalid_row(self, number: int, row: Any, validation_error: ValidationError) -> None:
        super().append_invalid_row(self.numbers[number - 1], row, validation_error)


def keep_all_addresses(rows: Sequence[Row]) -> None:
    """Makes the addresses of a file before its transaction begins, in their order, each chunk committed by itself.

    Made amid the import they would stay locked until its end, and the flow, which takes a bounce's address in order,
    would wait for it, or each for the other. An address that no contact takes up does no harm. May run twice.
    """
    emails = sorted({email for row in rows if not row.problems for email in row.fields.get("addresses", [])})
    for start in range(0, len(emails), ADDRESSES_AT_ONCE):
        keep_addresses(emails[start : start + ADDRESSES_AT_ONCE])


class ContactResource(resources.ModelResource):
    """`by=None` is the system (a command): it may write everything. `source` is that of new contacts without one."""

    class Meta:
        model = Contact
        fields = ()  # our own, below: none is a column of the table as it is
        import_id_fields = ()
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        report_skipped = True

    def __init__(
        self,
        *,
        by: User | None = None,
        owner: User | None = None,
        source: str = "",
        origin: str = "an import",
        now: datetime | None = None,
        watch: Callable[[int], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.by, self.owner, self.source, self.origin = by, owner, source, origin
        self.watch = watch or _nobody_watches
        self.now = now or timezone.now()
        self.is_preview = False
        self.rows: list[Row] = []
        self.columns = Columns({}, ())
        self.problems: list[Problem] = []
        custom = CustomField.objects.values_list("key", flat=True)
        self.fields = {column: Field(column_name=column) for column in (*COLUMNS, *custom)}

    # --- the steps, in their order ------------------------------------------------------------------

    def import_data(self, dataset: tablib.Dataset, dry_run: bool = False, **kwargs: Any) -> Result:
        """Raises UnreadableFile where the header has no column to go by."""
        sheet = sheet_of(dataset)
        self.is_preview = dry_run
        self.columns = find_columns(sheet.headers)
        self.rows = clean_rows(sheet, self.columns)
        self.notices = [*sheet.notices, *self.columns.notices]
        if not dry_run:
            keep_all_addresses(self.rows)
        return super().import_data(dataset, dry_run=dry_run, **kwargs)

    def get_result_class(self) -> Callable[[], Result]:
        return partial(ImportResult, [row.number for row in self.rows])

    @classmethod
    def get_row_result_class(cls) -> type[RowResult]:
        return ImportedRow

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        if not self.is_preview:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
        whole = [row for row in self.rows if not row.problems]
        self.matcher = Matcher(whole, self.by, lock=not self.is_preview)

    def import_row(self, row: Mapping[str, Any], instance_loader: Any, **kwargs: Any) -> RowResult:
        """One row: refused, unchanged, or kept for its batch."""
        cleaned = self.rows[kwargs["row_number"] - 1]
        result = ImportedRow()
        result.number, result.email = cleaned.number, cleaned.email
        if not cleaned.problems:
            self._judge(cleaned, result)
        if cleaned.problems:
            result.import_type = RowResult.IMPORT_TYPE_INVALID
            result.validation_error = _as_validation_error(cleaned.problems)
            self.problems += cleaned.problems
        self.watch(kwargs["row_number"])
        return result

    def bulk_create(self, using_transactions: bool, dry_run: bool, raise_errors: bool, **kwargs: Any) -> None:
        self._write(self.create_instances, kwargs["result"], raise_errors)

    def bulk_update(self, using_transactions: bool, dry_run: bool, raise_errors: bool, **kwargs: Any) -> None:
        self._write(self.update_instances, kwargs["result"], raise_errors)

    def after_import(self, dataset: tablib.Dataset, result: Result, **kwargs: Any) -> None:
        """A trigram index keeps what a bulk load adds in a list that every search reads: merged now."""
        result.resource = self  # for the admin, which is given the result alone
        if not self.is_preview and self.matcher.seen:
            with connection.cursor() as cursor:
                cursor.execute("SELECT gin_clean_pending_list('contact_search'::regclass)")

    # --- one row, one batch -------------------------------------------------------------------------

    def _judge(self, row: Row, result: ImportedRow) -> None:
        try:
            contact = self.matcher.match(row)
        except Unmatched as error:
            return self._refuse(row, error.word, str(error))
        earlier = self.matcher.earlier(row, contact)
        if earlier is not None and earlier.fields != row.fields:
            return self._refuse(
                row, "email", f"Row {earlier.number} is about the same contact and says something else."
            )
        is_new = contact is None
        contact = contact or Contact()
        changes = self._new_values(row) if is_new else changes_of(row, contact)
        if earlier is not None or not (is_new or changes):
            result.import_type = RowResult.IMPORT_TYPE_SKIP
            result.note = f"Repeats row {earlier.number}." if earlier is not None else ""
            return None
        result.import_type = RowResult.IMPORT_TYPE_NEW if is_new else RowResult.IMPORT_TYPE_UPDATE
        result.diff = self._shown(changes, is_new)
        kept = self.create_instances if is_new else self.update_instances
        kept.append(Write(row, contact, changes, is_new))
        return None

    def _new_values(self, row: Row) -> Changes:
        fields = {"owner": self.owner, "source": self.source, **row.fields}
        fields["custom"] = {key: value for key, value in row.fields.get("custom", {}).items() if value is not None}
        return {word: (None, value) for word, value in fields.items() if value}

    def _refuse(self, row: Row, word: str, sentence: str) -> None:
        column = self.columns.words.get(word) or self.columns.words.get("email", "")
        value = row.fields.get(word) if word != "email" else row.email
        row.refuse(column, str(value or ""), sentence)

    def _write(self, batch: list[Write], result: Result, raise_errors: bool) -> None:
        try:
            if batch and not self.is_preview:
                write(batch, by=self.by, origin=self.origin, now=self.now)
                if len(batch) == self._meta.batch_size:
                    tell_planner()
        except Exception as error:  # the library's contract: rolled back as a whole, and shown
            self.handle_import_error(result, error, raise_errors)
        finally:
            batch.clear()

    # --- what is shown ------------------------------------------------------------------------------

    def get_diff_headers(self) -> list[str]:
        return list(self.columns.words.values())

    def _shown(self, changes: Changes, is_new: bool) -> list[str]:
        """A cell for each column of the file: its value, or what it changes."""
        return [_cell(word, changes, is_new) for word in self.columns.words]

    def report(self, result: Result) -> ImportReport:
        """What was done, or (after a preview) what would be done."""
        written = [(row.number, row.email) for row in result.rows if row.email and (row.is_new() or row.is_update())]
        found = list(unsendable(written, self.now))
        return ImportReport(
            is_preview=self.is_preview,
            new=result.totals[RowResult.IMPORT_TYPE_NEW],
            updated=result.totals[RowResult.IMPORT_TYPE_UPDATE],
            unchanged=result.totals[RowResult.IMPORT_TYPE_SKIP],
            problems=tuple(self.problems),
            dead=tuple(each for each in found if is_dead(each)),
            suppressed=tuple(each for each in found if not is_dead(each)),
            notices=tuple(self.notices),
            fault=" ".join(str(error.error) for error in result.base_errors),
        )


def _nobody_watches(done: int) -> None:
    """Of an import that shows no progress."""


def _as_validation_error(problems: list[Problem]) -> ValidationError:
    by_column: dict[str, list[str]] = {}
    for problem in problems:
        is_said = problem.value in problem.sentence  # the empty value is in every sentence
        said = problem.sentence if is_said else f"“{problem.value}”: {problem.sentence}"
        by_column.setdefault(problem.column or NON_FIELD_ERRORS, []).append(said)
    return ValidationError(by_column)


def _cell(word: str, changes: Changes, is_new: bool) -> str:
    key = WORDS_OF_COLUMN.get(word, word)
    custom = word.removeprefix("custom.") if word.startswith("custom.") else ""
    if (custom and "custom" not in changes) or (not custom and key not in changes):
        return ""
    now, then = changes["custom" if custom else key]
    if custom:
        now, then = (now or {}).get(custom), then.get(custom)
    return _text(then) if is_new or now == then else f"{_text(now) or 'empty'} → {_text(then)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)
