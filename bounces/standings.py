"""Giving bounces another standing. In: bounces, a standing. Out: the same with their counts, and news for the policy.

Used by incidents (held, discarded) and by review. In the caller's transaction.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import Any

from django.db.models import QuerySet

from bounces.models import Bounce, Dirty
from bounces.recording.statistics import Cell, add_counts, counts_of_bounce
from bounces.values import Standing


def restand(bounces: QuerySet[Bounce], to: Standing, *, incident_id: int | None = None) -> int:
    """Gives bounces another standing; their counts go with them, and their addresses have news."""
    found = list(bounces.select_related("address").order_by("pk").select_for_update(of=("self",)))
    difference: Counter[Cell] = Counter()
    for bounce in found:
        before = copy(bounce)
        bounce.standing = to
        bounce.incident_id = incident_id or bounce.incident_id
        difference.update(counts_of_bounce(bounce, bounce.address.domain))
        difference.subtract(counts_of_bounce(before, bounce.address.domain))
    changes: dict[str, Any] = {"standing": to} | ({"incident_id": incident_id} if incident_id else {})
    Bounce.objects.filter(pk__in=[bounce.pk for bounce in found]).update(**changes)
    add_counts(difference)
    Dirty.objects.bulk_create([Dirty(address_id=pk) for pk in sorted({bounce.address_id for bounce in found})])
    return len(found)
