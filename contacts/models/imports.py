"""An import: the run, the file it reads, and what became of each row.

In: rows written by `contacts/importing/` alone. Out: the preview, the report, and what undo goes by.
The file lies in chunks, compressed, until its run has ended. A row of the file without an outcome changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.urls import reverse

from bounces.models.constraints import one_of


@dataclass(frozen=True, slots=True)
class ImportPace:
    """How quickly an import goes: rows a second, and the time that its present stage still takes."""

    rate: float
    left: timedelta


class ImportRun(models.Model):
    """One import, from the file to the report."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Waits for its columns"
        STAGING = "staging", "Reading"
        JUDGING = "judging", "Comparing"
        READY = "ready", "Preview ready"
        APPLYING = "applying", "Importing"
        HELD = "held", "Held after a batch"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        UNDOING = "undoing", "Taking back"
        UNDONE = "undone", "Taken back"

    RUNNING = (State.STAGING, State.JUDGING, State.APPLYING, State.UNDOING)
    ENDED = (State.DONE, State.FAILED, State.CANCELLED, State.UNDONE)
    UNDOABLE = (State.DONE, State.FAILED, State.CANCELLED)

    name = models.TextField(help_text="The file's name.")
    digest = models.BinaryField(max_length=32, editable=False, help_text="SHA-256 of the file.")
    size = models.BigIntegerField(default=0, help_text="Bytes of the file.")
    form = models.TextField(blank=True, default="", help_text="How the file is kept: as it came, or as rows.")
    manner = models.JSONField(default=dict, blank=True, help_text="How the file is read, where a person said so.")
    state = models.TextField(choices=State, default=State.UPLOADED)
    headers = models.JSONField(default=list)
    mapping = models.JSONField(default=dict, help_text="Our word of each header; headers without one are left out.")
    options = models.JSONField(default=dict, help_text="See contacts/importing/options.py.")
    notices = models.JSONField(default=list, help_text="What was assumed or left out, for people.")
    total = models.PositiveBigIntegerField(default=0, help_text="Rows read so far.")
    read_bytes = models.BigIntegerField(default=0, editable=False)
    counts = models.JSONField(default=dict, help_text="Rows by verdict, once they are judged.")
    known = models.JSONField(default=dict, help_text="Rows whose address is dead or suppressed.")
    opt_outs = models.JSONField(
        default=dict, db_default={}, help_text="Rows that must not be written to, as the file says, by reason."
    )
    health = models.JSONField(default=dict, help_text="What the list looks like.")
    quarantine = models.TextField(blank=True, default="", help_text="Why it may only be imported in small batches.")
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    release_reason = models.TextField(blank=True, default="")
    cursor = models.BigIntegerField(default=0, editable=False, help_text="The last row that is dealt with.")
    done = models.PositiveBigIntegerField(default=0, help_text="Rows of the present stage that are dealt with.")
    written = models.JSONField(default=dict, help_text="Rows that were written, by verdict.")
    made = models.JSONField(default=dict, editable=False, help_text="Tags and custom fields that it made.")
    undone = models.PositiveBigIntegerField(default=0, help_text="Contacts that went, or are as they were.")
    kept = models.PositiveBigIntegerField(default=0, help_text="Contacts that stay, because of what came since.")
    undo_reason = models.TextField(blank=True, default="")
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    pace_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Its present stage began.")
    pace_from = models.PositiveBigIntegerField(default=0, editable=False)
    worked = models.FloatField(default=0, db_default=0, editable=False, help_text="Seconds of a worker so far.")
    is_in_turn = models.BooleanField(default=False, db_default=False, editable=False)
    error = models.TextField(blank=True, default="")
    via = models.TextField(default="page", help_text="The door: page, command, admin, api.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    client_key = models.TextField(blank=True, default="", db_default="", help_text="By which a tool knows it again.")
    created_at = models.DateTimeField(db_default=Now())
    applied_at = models.DateTimeField(null=True, blank=True, help_text="The moment that all it writes carries.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of(
                "state",
                (
                    "uploaded", "staging", "judging", "ready", "applying", "held", "done", "failed", "cancelled",
                    "undoing", "undone",
                ),
                "importrun_state_known",
            ),
            one_of("form", ("", "rows"), "importrun_form_known"),
            models.UniqueConstraint(
                fields=["started_by", "client_key"], name="importrun_once_a_key", condition=~Q(client_key="")
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["applying", "held", "done", "undoing", "undone"])
                | Q(applied_at__isnull=False),
                name="importrun_knows_its_moment",
            ),
            models.CheckConstraint(
                condition=Q(quarantine="")
                | ~Q(state__in=["applying", "held", "done"])
                | (Q(released_by__isnull=False) & ~Q(release_reason="")),
                name="importrun_released_by_a_person_with_a_reason",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["state"],
                name="importrun_running",
                condition=Q(state__in=["staging", "judging", "applying", "undoing"]),
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}: {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("contacts:import_run", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.state in self.RUNNING

    @property
    def can_undo(self) -> bool:
        return self.state in self.UNDOABLE and bool(self.wrote or self.suppressed)

    @property
    def suppressed(self) -> int:
        """The number of addresses it suppressed because of opt-outs in the file."""
        return int(self.made.get("suppressed", 0))

    @property
    def wrote(self) -> int:
        """Rows that created or changed a contact."""
        return sum(self.written.values())

    @property
    def writes(self) -> int:
        """Rows that would create or change a contact."""
        return int(self.counts.get("new", 0)) + int(self.counts.get("update", 0))

    @property
    def failed_rows(self) -> int:
        return sum(int(self.counts.get(verdict, 0)) for verdict in ImportRow.FAILED)

    @property
    def progress(self) -> tuple[int, int]:
        """How much of its present stage is done, and how much there is, in rows; the whole is an estimate at first."""
        if self.state == self.State.STAGING:
            whole = int(self.total * self.size / self.read_bytes) if self.read_bytes else 0
            return self.total, max(whole, self.total)
        if self.state == self.State.UNDOING:
            return self.done, self.wrote
        return self.done, self.writes

    @property
    def percent(self) -> int:
        done, whole = self.progress
        if self.state == self.State.JUDGING:
            return 95
        part = min(done / whole, 1.0) if whole else 0.0
        return int((90 if self.state == self.State.STAGING else 100) * part)

    def pace(self, now: datetime) -> ImportPace | None:
        """None until the present stage has come some way."""
        done, whole = self.progress
        seconds = (now - self.pace_at).total_seconds() if self.pace_at else 0.0
        if not self.is_running or seconds <= 0 or done <= self.pace_from:
            return None
        rate = (done - self.pace_from) / seconds
        return ImportPace(rate, timedelta(seconds=max(whole - done, 0) / rate))


class ImportChunk(models.Model):
    """A piece of the file's bytes, compressed by zlib. Gone once the run has ended."""

    run_id = models.BigIntegerField()
    position = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run_id", "position"], name="importchunk_once")]

    def __str__(self) -> str:
        return f"chunk {self.position} of import {self.run_id}"


class RowOutcome(models.Model):
    """What became of one row of the file, unless nothing did. Plain ids: a million foreign keys cost as much again."""

    class Verdict(models.TextChoices):
        NEW = "new", "New"
        UPDATE = "update", "Updated"
        UNCHANGED = "unchanged", "Unchanged"
        SKIPPED = "skipped", "Left as it is"
        DUPLICATE = "duplicate", "Repeats another row"
        INVALID = "invalid", "Invalid"
        CONFLICT = "conflict", "Conflict"
        NOT_YOURS = "not_yours", "Somebody else’s"

    class Known(models.TextChoices):
        DEAD = "dead", "Known to bounce"
        SUPPRESSED = "suppressed", "Suppressed or held"

    FAILED = (Verdict.INVALID, Verdict.CONFLICT, Verdict.NOT_YOURS)
    WRITES = (Verdict.NEW, Verdict.UPDATE)

    pk = models.CompositePrimaryKey("run_id", "number")
    run_id = models.BigIntegerField()
    number = models.IntegerField(help_text="As the file counts: the header is row 1.")
    verdict = models.TextField(choices=Verdict)
    email = models.TextField(default="", db_default="")
    known = models.TextField(choices=Known, default="", db_default="")
    contact_id = models.BigIntegerField(null=True)
    changes = models.JSONField(null=True, help_text="Of an update, by word: what was, what is now, ids of what was.")
    was_updated_at = models.DateTimeField(null=True)
    problems = models.JSONField(null=True, help_text="Lists of column, value and sentence.")
    cells = models.JSONField(null=True, help_text="Of a row that failed: what stood there, by header.")
    kept = models.TextField(default="", db_default="", help_text="Why undo left it.")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"row {self.number} of import {self.run_id}"

    @property
    def shown_problems(self) -> list[Any]:
        return list(self.problems or [])


class ImportRow(RowOutcome):
    """Of a row that was written or failed. Of the others: `ImportPack`; of all: `ImportOutcome`."""

    class Meta:
        constraints = [
            one_of(
                "verdict",
                ("new", "update", "skipped", "duplicate", "invalid", "conflict", "not_yours"),
                "importrow_verdict_known",
            ),
        ]


def written_by(run_id: int) -> models.QuerySet[ImportRow, int | None]:
    """Ids of the contacts that an import created or changed."""
    written = ImportRow.objects.filter(run_id=run_id, verdict__in=ImportRow.WRITES, contact_id__isnull=False)
    return written.values_list("contact_id", flat=True)


class SavedMapping(models.Model):
    """Which columns mean what, kept for the next file of the same tool."""

    name = models.TextField()
    mapping = models.JSONField(default=dict, help_text="Our word by header, in lower case.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="savedmapping_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="savedmapping_name_given"),
        ]

    def __str__(self) -> str:
        return self.name
