"""Cells that a person corrected in an import's preview.

Written by `contacts/importing/correcting.py`; `corrections.py` applies them while the file is read. They contain
data of the file, and are deleted with it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from bounces.models.constraints import one_of


class ImportCorrection(models.Model):
    """Corrects one cell, all cells of a column with the same text, or a domain in all columns of addresses."""

    class Scope(models.TextChoices):
        ROW = "row", "One row"
        EQUAL = "equal", "All equal cells of the column"
        DOMAIN = "domain", "All addresses at a domain"

    run_id = models.BigIntegerField()
    scope = models.TextField(choices=Scope)
    column = models.TextField(help_text="The file’s header. Empty for a domain.")
    row = models.IntegerField(null=True, help_text="As the file counts, where one row is meant.")
    was = models.TextField(help_text="The text that is replaced. Empty for one row: whatever stands there.")
    value = models.TextField(help_text="The text that is read in its place.")

    class Meta:
        constraints = [
            one_of("scope", ("row", "equal", "domain"), "importcorrection_scope_known"),
            models.UniqueConstraint(
                fields=["run_id", "scope", "column", "row", "was"],
                name="importcorrection_once_a_cell",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(scope="row", row__isnull=False, was="") | (~Q(scope="row") & Q(row__isnull=True)),
                name="importcorrection_of_one_row_or_many",
            ),
        ]

    def __str__(self) -> str:
        return f"correction of import {self.run_id}"
