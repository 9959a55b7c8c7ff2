"""How the people of each source could be reached: counted by a worker, kept until it is counted anew.

In: rows written by `contacts/sources.py` alone. Out: the page “Sources”.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SourceCount(models.Model):
    """One count of all sources over a period. `asked_at` without value: nobody waits for a new one."""

    days = models.PositiveSmallIntegerField(unique=True, help_text="The period, in UTC days up to the count.")
    rows = models.JSONField(default=list, editable=False, help_text="Lists, in the order of contacts/sources.py.")
    asked_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(days__gt=0), name="sourcecount_of_some_days")]

    def __str__(self) -> str:
        return f"sources over {self.days} days"
