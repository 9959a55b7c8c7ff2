"""A request that another one got in the way of runs again. In: what its view raised. Out: the answer of a later try.

What a view has read may be gone or changed when it writes (`bounces/conflicts.py`). All that it wrote was rolled back
then, and everything it does may run twice: so it does, and answers what it finds now. What fails each time is a mistake
of ours: a 500, as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from rest_framework.views import APIView

from bounces.conflicts import further_tries, is_conflict

log = structlog.get_logger(__name__)


class AgainMiddleware:
    """For pages and the admin. The API catches its own errors: `again_by_api`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        match = request.resolver_match
        if match is None or not is_conflict(error):
            return None

        def view() -> HttpResponseBase:
            for _, files in request.FILES.lists():
                for file in files:
                    file.seek(0)
            return match.func(request, *match.args, **match.kwargs)

        return _again(view, error, request.path)


def again_by_api(error: Exception, context: dict[str, Any]) -> Any:
    """The answer of a later try, or None. Rights are asked for anew, since asking may be what failed."""
    view: APIView = context["view"]
    request = context["request"]
    handler = getattr(view, str(request.method).lower(), None)
    if handler is None or not is_conflict(error):
        return None

    def answer() -> Any:
        view.initial(request, *context["args"], **context["kwargs"])
        return handler(request, *context["args"], **context["kwargs"])

    return _again(answer, error, request.path)


def _again(run: Callable[[], Any], error: Exception, path: str) -> Any:
    """None where each try meets a conflict. Raises what else a try raises."""
    for number in further_tries():
        log.warning("request_runs_again", path=path, number=number, error=type(error).__name__)
        try:
            return run()
        except Exception as later:
            if not is_conflict(later):
                raise
    return None
