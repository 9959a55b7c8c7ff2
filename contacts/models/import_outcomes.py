"""What became of rows of a file: those that changed or failed by themselves, those that did nothing in packs.

In: rows written by `contacts/importing/` alone. Out: the report of an import, row by row (`ImportOutcome`).
Of the same file imported again tens of thousands of rows repeat others: a row each would cost the log 275 bytes.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from bounces.models.constraints import one_of
from contacts.models.imports import ImportRow, RowOutcome


class ImportPack(models.Model):
    """Rows of one verdict that did nothing, and of which there is nothing to say but whom they are about."""

    VERDICTS = (ImportRow.Verdict.DUPLICATE, ImportRow.Verdict.SKIPPED)

    run_id = models.BigIntegerField()
    verdict = models.TextField(choices=ImportRow.Verdict)
    numbers = ArrayField(models.IntegerField(), help_text="Of the rows, in the file's order.")
    emails = ArrayField(models.TextField(), help_text="In the same order; empty where a row has none.")
    contact_ids = ArrayField(models.BigIntegerField(null=True), help_text="Likewise; null where there was none.")

    class Meta:
        constraints = [
            one_of("verdict", ("duplicate", "skipped"), "importpack_verdict_known"),
        ]
        indexes = [models.Index(fields=["run_id"], name="importpack_run")]

    def __str__(self) -> str:
        return f"{len(self.numbers)} rows of import {self.run_id}"


class ImportOutcome(RowOutcome):
    """All of them, one a row: a view."""

    class Meta:
        managed = False
        db_table = "contacts_importoutcome"
