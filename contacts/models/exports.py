"""An export: what somebody asked for, how far it is, and its file until it expires.

In: rows written by `contacts/exporting/runs.py` alone. Out: the page “My exports”, and downloads.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models.constraints import one_of

SUBJECTS = ("contacts", "bounces", "suppressions", "cleaning", "campaigns")


class Export(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Being made"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        JSONL = "jsonl", "JSON lines"

    OPEN = (State.WAITING, State.RUNNING)

    subject = models.TextField(help_text="What is exported: contacts, bounces, suppressions, cleaning, campaigns.")
    form = models.TextField(choices=Form, default=Form.CSV)
    preset = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The tool whose import reads it. Empty: ours, or a spreadsheet.",
    )
    params = models.JSONField(default=dict, help_text="The words of the filter.")
    columns = models.JSONField(default=list)
    label = models.TextField(blank=True, default="", help_text="The filter, as people read it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="exports")
    state = models.TextField(choices=State, default=State.WAITING)
    total = models.PositiveBigIntegerField(default=0, help_text="Rows that there were when it began.")
    done = models.PositiveBigIntegerField(default=0, help_text="Rows written so far.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the file so far.")
    pieces = models.PositiveIntegerField(default=0, help_text="Pieces of the file so far.")
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.TextField(blank=True, default="", help_text="Why it failed, for people.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("state", ("waiting", "running", "done", "failed", "expired"), "export_state_known"),
            one_of("form", ("csv", "xlsx", "jsonl"), "export_form_known"),
            one_of("subject", SUBJECTS, "export_subject_known"),
            models.CheckConstraint(condition=Q(preset__regex=r"^[a-z_]*$"), name="export_preset_plain"),
            models.CheckConstraint(
                condition=~Q(state="done") | (Q(finished_at__isnull=False) & Q(expires_at__isnull=False)),
                name="export_done_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["by", "id"], name="export_of_user"),
            models.Index(fields=["id"], name="export_to_do", condition=Q(state__in=["waiting", "running", "done"])),
        ]

    def __str__(self) -> str:
        return f"export {self.pk} of {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.DONE

    @property
    def percent(self) -> int:
        return min(99, int(100 * self.done / self.total)) if self.total else 0

    @property
    def file_name(self) -> str:
        kind = "-".join(filter(None, [self.subject, self.preset]))
        return f"{kind}-{self.created_at:%Y-%m-%d}-{self.pk}.{self.form}"


class ExportPiece(models.Model):
    """A piece of the file's bytes, compressed by zlib."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveIntegerField()
    body = models.BinaryField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "position"], name="exportpiece_once")]

    def __str__(self) -> str:
        return f"piece {self.position} of export {self.export_id}"
