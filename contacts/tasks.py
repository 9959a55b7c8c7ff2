"""Tasks: whose they are, giving one, and having done one.

In: a user, a contact, what is to be done. Out: Task rows. A task is seen by whoever sees its contact.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import QuerySet

from contacts.access import User, can_change_contact, contacts_for
from contacts.models import Contact, Task

LONGEST = 500


def tasks_for(user: User) -> QuerySet[Task]:
    return Task.objects.filter(contact__in=contacts_for(user)).select_related("contact", "owner")


def can_change_task(user: User, task: Task) -> bool:
    """Their own, and those of contacts that they may change."""
    return task.owner_id == user.pk or can_change_contact(user, task.contact)


def give_task(contact: Contact, text: str, *, owner: User, due_on: date | None = None) -> Task:
    return Task.objects.create(contact=contact, owner_id=owner.pk, text=text.strip(), due_on=due_on)


def finish(task: Task, by: User, now: datetime) -> None:
    """The first time stands. May run twice."""
    Task.objects.filter(pk=task.pk, done_at__isnull=True).update(done_at=now, done_by=by)
    task.refresh_from_db()


def reopen(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(done_at=None, done_by=None)
    task.refresh_from_db()
