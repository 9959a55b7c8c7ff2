"""Who may open a page: one line a view. In: a permission by Django's name. Out: a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponseBase

View = Callable[..., HttpResponseBase]


def needs(permission: str) -> Callable[[View], Any]:
    """Sends strangers to sign in; those who are signed in and may not are told so (403)."""

    def guard(view: View) -> Any:
        return login_required(permission_required(permission, raise_exception=True)(view))

    return guard
