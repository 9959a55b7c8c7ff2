"""The rows without which nothing works: the first policy, and the schedules of a new installation.

In: Django's word that migrations have run (or that a database was flushed). Out: those rows, where there is no policy
at all. May run any number of times; what people deleted or changed later stays so.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction


def make_first_rows(using: str, **kwargs: Any) -> None:  # noqa: ARG001  (the signal's signature)
    """Receives `post_migrate`."""
    from bounces.models import Policy, Schedule

    with transaction.atomic(using=using):
        if Policy.objects.using(using).exists():
            return
        Policy.objects.using(using).create(version=1, is_active=True, note="The defaults.")
        Schedule.objects.using(using).get_or_create(
            name="Nightly cleaning", defaults={"task": "clean_all", "cron": "0 2 * * *"}
        )
