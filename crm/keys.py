"""API keys of a user, all at once. In: a user. Out: the keys in use, or their end."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from crm.models import ApiKey, User


def active_keys(user: User) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(user=user, revoked_at__isnull=True)


def revoke_all(user: User, now: datetime) -> int:
    """Revokes every key in use; returns how many. May run twice."""
    return active_keys(user).update(revoked_at=now)
