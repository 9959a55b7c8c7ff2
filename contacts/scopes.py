"""Which addresses a cleaning run or a what-if is about, where that follows from contacts.

In: a segment or an import, and the contacts that whoever asks sees. Out: addresses, and the scope's name for people.
A domain's addresses: `bounces/cleaning/scope.py`.
"""

from __future__ import annotations

from django.db.models import QuerySet

from bounces.models import Address
from contacts.bulk import addresses_of
from contacts.models import Contact, ImportRun
from contacts.models.imports import written_by

Scope = tuple[QuerySet[Address], str]

SHOWN = 200  # imports that a form offers, the newest


def imports() -> QuerySet[ImportRun]:
    """Those that have written contacts, the newest first."""
    newest = ImportRun.objects.filter(applied_at__isnull=False).exclude(state=ImportRun.State.UNDONE).order_by("-pk")
    return ImportRun.objects.filter(pk__in=newest.values("pk")[:SHOWN]).order_by("-pk")


def of_import(run: ImportRun, contacts: QuerySet[Contact]) -> Scope:
    """All addresses of the contacts that it created or changed. What stood there already as in the file is not told."""
    return addresses_of(contacts.filter(pk__in=written_by(run.pk))), f"Import {run.pk}: {run.name}"
