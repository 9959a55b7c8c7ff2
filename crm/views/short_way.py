"""Providers' requests take a short way: they have no session, no user, no page, and must not wait for any of that.

In: a request. Out: what `bounces/views/webhooks.py` answers, where it is one of a provider; else whatever the rest of
the middleware answers. It stands behind the one that asks for https, and before all others.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bounces.views.webhooks import BELOW, take_in


def short_way(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(BELOW):
            token, _, rest = request.path_info.removeprefix(BELOW).partition("/")
            if token and not rest and request.path_info.endswith("/"):
                return take_in(request, token)
        return get_response(request)

    return answer
