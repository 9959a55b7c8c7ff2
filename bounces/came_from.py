"""Where a page leads back to. In: a request that names it as `next`. Out: a path of ours."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def came_from(request: HttpRequest, otherwise: str) -> str:
    """The page named by `next`, where it is one of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if is_ours(request, url) else otherwise


def is_ours(request: HttpRequest, url: str) -> bool:
    """Whether a redirect may lead there. Only whole paths: Django's `redirect` takes a bare word for a view's name."""
    is_path = url.startswith("/")
    return is_path and url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
