"""Companies and tags by their names, in any case; made where they are missing, and race-safe.

Names are compared as the database lower-cases them, because its unique indexes do so.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Value
from django.db.models.functions import Lower

from contacts.models import Company, Tag


def company_named(name: str) -> Company | None:
    """None for no name."""
    if not name:
        return None
    known = Company.objects.annotate(lower=Lower("name")).filter(lower=Lower(Value(name)))
    if not known.exists():
        Company.objects.bulk_create([Company(name=name)], ignore_conflicts=True)
    return known.get()


def tags_named(names: Iterable[str], *, make: bool = True) -> list[Tag]:
    """Without `make`, only those that exist."""
    wanted = list(names)
    known = Tag.objects.annotate(lower=Lower("name")).filter(lower__in=[Lower(Value(name)) for name in wanted])
    found: list[Tag] = list(known.all()) if wanted else []
    if make and len(found) < len(wanted):
        # Sorted, so that two who make tags never wait in a circle.
        Tag.objects.bulk_create([Tag(name=name) for name in sorted(wanted, key=str.lower)], ignore_conflicts=True)
        found = list(known.all())
    return found
