"""What people type into pages and URLs, without characters that nobody sees (`bounces/plain_text.py`).

In: a request's query, and its form once it is known that the body may be read. Out: the same with plain texts, for
every view and form, ours and those of other packages. Passwords stay as they are typed. Views that look at an upload
before its body is read (`csrf_exempt`) clean what they keep themselves, and the API does in `bounces/api/bodies.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from bounces.plain_text import plain

KEPT = "password"  # in a field's name


class PlainPosts:
    """Stands behind CsrfViewMiddleware, which has read the form by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: Sequence[Any],  # noqa: ARG002 -- Django's signature
        kwargs: Mapping[str, Any],  # noqa: ARG002
    ) -> None:
        request.GET = plain_form(request.GET)  # type: ignore[assignment]  # a segment keeps the words of its URL
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            request.POST = plain_form(request.POST)  # type: ignore[assignment]  # as immutable as it was


def plain_form(form: QueryDict) -> QueryDict:
    """The form itself where there is nothing to change."""
    changed = {
        name: texts
        for name, values in form.lists()
        if KEPT not in name and (texts := [plain(str(value)) for value in values]) != values
    }
    if not changed:
        return form
    copy = form.copy()
    for name, texts in changed.items():
        copy.setlist(name, texts)
    copy._mutable = False  # as the first one was
    return copy
