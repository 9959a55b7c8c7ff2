"""Who calls. In: `Authorization: Bearer rb_…`. Out: the key's user, with the key as `request.auth`, or 401."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crm.models import ApiKey, User

# A key is used many times a second; its row is written once a minute.
USE_NOTED_EVERY = timedelta(minutes=1)
REFUSAL = "This API key is not valid. It may have been revoked, or its user deactivated."


class KeyAuthentication(BaseAuthentication):
    """The same answer for keys that are unknown, revoked, or a deactivated user's."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        digest = ApiKey.digest_of(secret.strip().decode("latin-1"))
        key = ApiKey.objects.select_related("user").filter(digest=digest).first()
        if key is None or key.revoked_at is not None or not key.user.is_active:
            raise AuthenticationFailed(REFUSAL)
        note_use(key, timezone.now())
        return key.user, key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 -- DRF's signature
        return 'Bearer realm="Rebound"'


def note_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is not None and key.last_used_at > now - USE_NOTED_EVERY:
        return
    unnoted = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now)
    ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
