"""A stored filter over contacts. In: what the contact list's filter holds. Out: the same list, again and by name.

`filter` holds words of `contacts/filters.py` (q, status, verdict, owner, tag, company, country, campaign, source),
nothing else. Rows that it names stand there by their ids: `contacts/stored_filters.py` writes and reads it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now


class Segment(models.Model):
    name = models.TextField()
    filter = models.JSONField(default=dict, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="segments")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="segment_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="segment_name_given"),
        ]

    def __str__(self) -> str:
        return self.name
