"""What is to be done: a person's tasks, and what happens by itself when an address changes its status.

In: rows of the pages and the admin, and of `contacts/actions.py`. Out: "My tasks", what `actions.py` does, and what it
did: `contacts/giving_back.py` goes by that.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from bounces.models import Address
from bounces.models.constraints import one_of
from contacts.models.campaigns import Campaign
from contacts.models.people import Contact, Tag


class Task(models.Model):
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="tasks")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="tasks")
    text = models.TextField()
    due_on = models.DateField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    status_change_id = models.BigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="task_says_what"),
            models.UniqueConstraint(
                fields=["contact", "status_change_id"],
                name="task_once_a_status_change",
                condition=Q(status_change_id__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["owner", "id"], name="task_open", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return self.text


class StatusAction(models.Model):
    """One thing that happens, besides marking, to the contacts whose address gets a status."""

    class Does(models.TextChoices):
        SUPPRESS = "suppress", "Suppress the address until a person lifts it"
        LEAVE_CAMPAIGNS = "leave_campaigns", "Take the contact out of running campaigns"
        TAG = "tag", "Tag the contact"
        TASK = "task", "Give the owner a task: find a new address"
        DELETE = "delete", "Delete the contact after some days"

    class Status(models.TextChoices):
        AT_RISK = "at_risk", "At risk"
        INVALID = "invalid", "Invalid"

    status = models.TextField("when an address becomes", choices=Status, default=Status.INVALID)
    does = models.TextField("then", choices=Does)
    tag = models.ForeignKey(Tag, models.CASCADE, null=True, blank=True, help_text="For “Tag the contact”.")
    days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="For “Delete”: only if no address of the contact works by then."
    )
    is_enabled = models.BooleanField("in use", default=True)

    class Meta:
        ordering = ["status", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["at_risk", "invalid"]), name="statusaction_status_known"),
            models.CheckConstraint(
                condition=Q(does__in=["suppress", "leave_campaigns", "tag", "task", "delete"]),
                name="statusaction_does_known",
            ),
            models.CheckConstraint(
                condition=Q(does="tag", tag__isnull=False) | (~Q(does="tag") & Q(tag__isnull=True)),
                name="statusaction_tag_where_it_belongs",
                violation_error_message="“Tag the contact” needs a tag; the others have none.",
            ),
            models.CheckConstraint(
                condition=Q(does="delete", status="invalid", days__isnull=False, days__gte=1)
                | (~Q(does="delete") & Q(days__isnull=True)),
                name="statusaction_days_where_they_belong",
                violation_error_message=(
                    "“Delete” is for invalid addresses, after days that you name; the others have none."
                ),
            ),
            models.UniqueConstraint(
                fields=["status", "does", "tag"],
                name="statusaction_once",
                nulls_distinct=False,
                violation_error_message="There is such an action already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.get_does_display()}"


class Deed(models.Model):
    """One thing that an action did, so that it is taken back when the address gets its status back."""

    class Ending(models.TextChoices):
        TAKEN_BACK = "taken_back", "Taken back"
        LEFT = "left", "Left for a person"

    status = models.TextField(choices=StatusAction.Status)
    does = models.TextField(choices=StatusAction.Does)
    status_change_id = models.BigIntegerField()
    address = models.ForeignKey(Address, models.CASCADE, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="deeds")
    tag = models.ForeignKey(Tag, models.CASCADE, null=True, related_name="+")
    campaign = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    suppression_id = models.BigIntegerField(null=True)
    external_id = models.TextField(default="", db_default="", help_text="Of a deleted contact: what was freed.")
    at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    ending = models.TextField(choices=Ending, default="", db_default="")

    class Meta:
        constraints = [
            one_of("does", ("suppress", "leave_campaigns", "tag", "task", "delete"), "deed_does_known"),
            one_of("ending", ("", "taken_back", "left"), "deed_ending_known"),
            models.UniqueConstraint(
                fields=["status_change_id", "does", "contact", "tag", "campaign"],
                name="deed_once_a_status_change",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["address"], name="deed_standing", condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.get_does_display()} ({self.get_status_display()})"
