"""What keeps the flow moving: schedules, leases and the outbox. The truth is here; Redis only says "there is work".

In: rows of `bounces/schedule.py`, `bounces/lease.py` and `bounces/outbox.py`. Out: the same.
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
    """A task that runs by the clock (UTC). Tasks are the names in `bounces/schedule.py`."""

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
