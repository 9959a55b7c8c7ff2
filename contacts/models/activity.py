"""What happened with a contact, as people read it: notes, edits, and status changes of their addresses.

In: rows of the pages, and of `contacts/announcements.py` for status changes. Out: the contact's timeline.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacts.models.people import Contact


class Activity(models.Model):
    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        CREATED = "created", "Created"
        IMPORTED = "imported", "Imported"
        EDITED = "edited", "Edited"
        STATUS_CHANGED = "status_changed", "Status changed"

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="activities", db_index=False)
    kind = models.TextField(choices=Kind)
    text = models.TextField(blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    status_change_id = models.BigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "activities"
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "status_change_id"],
                name="activity_once_a_status_change",
                condition=Q(status_change_id__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["note", "created", "imported", "edited", "status_changed"]),
                name="activity_kind_known",
            ),
            models.CheckConstraint(condition=~Q(kind="note") | ~Q(text=""), name="activity_note_says_something"),
        ]
        indexes = [models.Index(fields=["contact", "at"], name="activity_contact")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
