"""Versions of the policy: drafts that somebody tries as a what-if, and what is in force.

In: numbers that `policy_numbers.py` finds no fault with, a person. Out: Policy rows. A version is never changed: a new
one takes its place, and status changes go on naming the old one. Drafts have no version and are pruned
(`cleaning/what_if.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from bounces.models import Policy


class SameNumbers(Exception):
    """These are the numbers in force: a new version would say nothing new."""


def make_draft(numbers: Mapping[str, int], *, by: Any) -> Policy:
    """Numbers to try. Raises SameNumbers."""
    if all(numbers[name] == number for name, number in Policy.active().numbers.items()):
        raise SameNumbers("These are the numbers in force: change at least one, to see what it would move.")
    return Policy.objects.create(created_by=by, **{name: numbers[name] for name in Policy.NUMBERS})


def lock_versions() -> None:
    """Lets nobody else make a version until the transaction ends. Runs and changes may go on naming the old ones."""
    list(Policy.objects.select_for_update(no_key=True).filter(version__isnull=False).order_by("pk"))


def make_version(numbers: Mapping[str, Any], *, by: Any, note: str) -> Policy:
    """A new active version; the one before stays, read-only. Two admins at once make two, one after the other."""
    with transaction.atomic():
        lock_versions()
        newest = Policy.objects.aggregate(newest=Max("version"))["newest"] or 0
        Policy.objects.filter(is_active=True).update(is_active=False)
        given = {name: numbers[name] for name in Policy.NUMBERS}
        return Policy.objects.create(version=newest + 1, is_active=True, created_by=by, note=note, **given)
