"""The admin's own account pages lead to ours. In: the admin site. Out: the same site without doors of its own.

Django's sign-in page of the admin asks for no second step and has no limits, and its password page has none either.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from bounces.came_from import is_ours


def close(site: AdminSite) -> None:
    """May run twice. Instance attributes, because Unfold and django-rq look the site up by itself."""
    site.login = to_sign_in  # type: ignore[method-assign]  # meant: the class stays Unfold's
    site.logout = sign_out  # type: ignore[method-assign,assignment]  # a redirect, where Django has a page
    site.password_change = to_password_change  # type: ignore[method-assign,assignment]  # the same
    site.password_change_done = to_password_change  # type: ignore[method-assign,assignment]  # the same


@never_cache
def to_sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """Never takes a password, whatever the method. Who is signed in already and no admin is told so."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    target = wanted if is_ours(request, wanted) else reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect(f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: target})}")
    if not request.user.is_staff:
        raise PermissionDenied
    return redirect(target if target != request.path else reverse("admin:index"))


@never_cache
def sign_out(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """Only a POST ends the session; a link leads to the page that asks."""
    if request.method != "POST":
        return redirect("account_logout")
    logout(request)
    return redirect("account_login")


@never_cache
def to_password_change(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    return redirect("account_change_password")
