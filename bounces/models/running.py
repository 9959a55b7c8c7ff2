"""What keeps the flow moving: schedules, leases and the outbox. The truth is here; Redis only says "there is work".

In: rows of `bounces/schedule.py`, `schedule_runs.py`, `lease.py` and `outbox.py`. Out: the same.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def validate_cron(text: str) -> None:
    from croniter import CroniterError, croniter

    if not croniter.is_valid(text) or len(text.split()) != 5:
        raise ValidationError(
            "Five fields are needed: minute, hour, day, month, weekday. Nightly at two is “0 2 * * *”."
        )
    try:
        croniter(text).get_next()
    except CroniterError as error:
        raise ValidationError("There is no such day in any year.") from error


class Schedule(models.Model):
    """A task that runs by the clock (UTC). Tasks are the names in `bounces/tasks.py`."""

    name = models.TextField()
    task = models.TextField()
    cron = models.TextField(validators=[validate_cron], help_text="Minute, hour, day, month, weekday, in UTC.")
    is_enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, blank=True, help_text="Empty: worked out at the next tick.")
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="schedule_name_unique")]

    def __str__(self) -> str:
        return self.name


class ScheduleRun(models.Model):
    """One start of a schedule, written by the scheduler and by the job itself."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="runs")
    task = models.TextField()
    due_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True, help_text="When it was last put into the queue.")
    started_at = models.DateTimeField(null=True, help_text="When a worker last began it.")
    finished_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often a worker began it.")
    failed = models.BooleanField(default=False)
    outcome = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule"], condition=Q(finished_at__isnull=True), name="schedulerun_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(started_at__isnull=False),
                name="schedulerun_finished_was_begun",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} of {self.due_at:%Y-%m-%d %H:%M}"


class Lease(models.Model):
    """Who may do a thing now. `fence` grows with each holder, so that a stale one notices before it writes."""

    name = models.TextField(primary_key=True)
    holder = models.TextField()
    fence = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder}"


class Outbox(models.Model):
    """One announcement, written in the transaction of what it announces, told to its receivers afterwards."""

    topic = models.TextField()
    payload = models.JSONField()
    receiver = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="The one receiver that is still to be told. Empty: all of them.",
    )
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [models.Index(fields=["due_at"], name="outbox_due", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.topic} {self.pk}"
