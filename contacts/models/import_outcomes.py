"""What became of rows of a file: those that were written one by one, those that did nothing or failed in packs.

In: rows written by `contacts/importing/` alone. Out: the report of an import, row by row (`ImportOutcome`).
Of the same file imported again tens of thousands of rows repeat others or fail again: a row each would cost the log 275
bytes.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.lookups import Exact

from bounces.models.constraints import one_of
from contacts.models.imports import ImportRow, RowOutcome


class ImportPack(models.Model):
    """Rows of one verdict that wrote nothing. Of a verdict with more rows than MOST each has a row of its own: a page
    of the report would read all packs."""

    VERDICTS = (ImportRow.Verdict.DUPLICATE, ImportRow.Verdict.SKIPPED, *ImportRow.FAILED)
    MOST = 100_000

    run_id = models.BigIntegerField()
    verdict = models.TextField(choices=ImportRow.Verdict)
    numbers = ArrayField(models.IntegerField(), help_text="Of the rows, in the file's order.")
    emails = ArrayField(models.TextField(), help_text="In the same order; empty where a row has none.")
    contact_ids = ArrayField(models.BigIntegerField(null=True), help_text="Likewise; null where there was none.")
    details = models.JSONField(null=True, help_text="Likewise, pairs of problems and cells; null where none has any.")

    class Meta:
        constraints = [
            one_of(
                "verdict",
                ("duplicate", "skipped", "invalid", "conflict", "not_yours"),
                "importpack_says_of_what",
            ),
            models.CheckConstraint(  # a null is no array either, and passes
                condition=Exact(
                    models.Func("details", function="jsonb_typeof", output_field=models.TextField()), "array"
                ),
                name="importpack_details_by_row",
            ),
        ]
        indexes = [models.Index(fields=["run_id"], name="importpack_run")]

    def __str__(self) -> str:
        return f"{len(self.numbers)} rows of import {self.run_id}"


class ImportOutcome(RowOutcome):
    """All of them, one a row: a view."""

    class Meta:
        managed = False
        db_table = "contacts_importoutcome"
