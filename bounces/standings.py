"""Giving bounces another standing. In: bounces, a standing. Out: the same with their counts, and news for the policy.

Used by incidents (held, discarded) and by review. In the caller's transaction. A failed attempt has the standing of its
bounce, so that rates and guards leave out what does not count.
"""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import Any

from django.db.models import QuerySet

from bounces.conditions import CAME_BACK
from bounces.models import Attempt, Bounce, Dirty
from bounces.recording import lock_addresses
from bounces.recording.statistics import Cell, add_counts, counts_of_attempt, counts_of_bounce
from bounces.values import Kind, Standing


def restand(bounces: QuerySet[Bounce], to: Standing, *, incident_id: int | None = None) -> int:
    """Gives bounces another standing; their counts go with them, and their addresses have news."""
    lock_addresses(bounces.values_list("address_id", flat=True))  # as a recorder does, before attempts and bounces
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
    difference.update(_restand_attempts(found, to))
    add_counts(difference)
    Dirty.objects.bulk_create([Dirty(address_id=pk) for pk in sorted({bounce.address_id for bounce in found})])
    return len(found)


def _restand_attempts(bounces: list[Bounce], to: Standing) -> Counter[Cell]:
    """Those of failures. One with another bounce that counts has failed all the same."""
    domains = {b.attempt_id: b.address.domain for b in bounces if b.attempt_id and b.kind != Kind.DEFERRED}
    others = Bounce.objects.filter(CAME_BACK, attempt_id__in=list(domains))
    counted = set(others.values_list("attempt_id", flat=True))
    difference: Counter[Cell] = Counter()
    changed: dict[Standing, list[int]] = {}
    for attempt in Attempt.objects.filter(pk__in=list(domains), bounced_at__isnull=False).order_by("pk"):
        domain = domains[attempt.pk]
        standing = Standing.COUNTED if attempt.pk in counted else to
        changed.setdefault(standing, []).append(attempt.pk)
        difference.subtract(counts_of_attempt(attempt, domain))
        attempt.bounce_standing = standing
        difference.update(counts_of_attempt(attempt, domain))
    for standing, pks in changed.items():
        Attempt.objects.filter(pk__in=pks).update(bounce_standing=standing)
    return difference
