"""What is kept about sign-ins, and for how long. In: an attempt. Out: whose it was, by the account's own address.

What somebody types into the address field may be a password: an address that no account has is kept nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.db import connection
from django.http import HttpRequest

from crm.signin.limits import user_of

SIGN_INS_KEPT = timedelta(days=400)
FAILURES_KEPT = timedelta(days=7)
NOBODY = "(no such account)"


def account_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:  # noqa: ARG001 -- django-axes' signature
    """For django-axes. Sign-ins hand over `username` (the model's own word), attempts `email`."""
    typed = str((credentials or {}).get("email") or (credentials or {}).get("username") or "")
    user = user_of(typed) if typed else None
    return user.email if user else NOBODY


def prune(now: datetime) -> int:
    """Forgets sign-ins, failed ones, and counts that are over. Returns how many rows went. May run twice."""
    sign_ins = AccessLog.objects.filter(attempt_time__lt=now - SIGN_INS_KEPT).delete()[0]
    failures = AccessAttempt.objects.filter(attempt_time__lt=now - FAILURES_KEPT).delete()[0]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM crm_cache WHERE expires_at <= %s", [now])
        return sign_ins + failures + int(cursor.rowcount)
