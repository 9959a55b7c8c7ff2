"""What is kept about failed sign-ins. In: an attempt. Out: whose it was, by the account's own address.

What somebody types into the address field may be a password: an address that no account has is kept nowhere.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from crm.signin.limits import user_of

NOBODY = "(no such account)"


def account_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:  # noqa: ARG001 -- django-axes' signature
    """For django-axes. Sign-ins hand over `username` (the model's own word), attempts `email`."""
    typed = str((credentials or {}).get("email") or (credentials or {}).get("username") or "")
    user = user_of(typed) if typed else None
    return user.email if user else NOBODY
