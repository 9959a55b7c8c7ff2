"""How far the demo is loaded: one row, committed together with each part of the story."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

SILENT_AFTER = timedelta(seconds=60)


class DemoLoad(models.Model):
    """The one load of this database. It goes on from here after a stop, and is never begun twice."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    contacts = models.PositiveIntegerField()
    days = models.PositiveSmallIntegerField(help_text="How long the story is.")
    seed = models.IntegerField()
    told_at = models.DateTimeField(help_text="The moment at which the story ends: when the load was begun.")
    days_done = models.PositiveSmallIntegerField(default=0)
    state = models.JSONField(default=dict, help_text="What the next day of the story builds on.")
    changed_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="demoload_only_one"),
            models.CheckConstraint(
                condition=models.Q(days_done__lte=models.F("days")), name="demoload_ends_with_its_days"
            ),
        ]

    def __str__(self) -> str:
        return f"day {self.days_done} of {self.days}"

    @property
    def percent(self) -> int:
        return 100 * self.days_done // self.days

    def is_stopped(self, now: datetime) -> bool:
        """Whether nobody has gone on with it for a while."""
        return self.finished_at is None and self.changed_at < now - SILENT_AFTER
