"""What is answered while PostgreSQL is away: 503 with Retry-After, for people, tools and providers alike.

In: an error that nobody has caught, as `handler500` or in the API. Out: a styled page, or JSON below /api/ and /in/.
Asks no database. Whoever sends something comes again: nothing was taken that was not committed (invariants I1, I8).
"""

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error
from drf_standardized_errors.handler import exception_handler
from rest_framework.exceptions import APIException

from bounces.views.webhooks import BELOW as PROVIDERS

# The server is gone, starting, stopping, out of connections or room, or ended our transaction: all of it passes.
AWAY = (OperationalError, InterfaceError, InternalError)
RETRY_AFTER = "5"  # seconds; PostgreSQL restarts within one or two
SENTENCE = "Rebound cannot reach its database now. Nothing was stored: send the request again in a few seconds."


class DatabaseAway(APIException):
    status_code = 503
    default_code = "unavailable"
    default_detail = SENTENCE


def answer_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: it calls this while the error is being handled."""
    if not isinstance(sys.exc_info()[1], AWAY):
        return server_error(request)
    if request.path_info.startswith("/api/"):
        error = {"code": DatabaseAway.default_code, "detail": SENTENCE, "attr": None}
        return _later(JsonResponse({"type": "server_error", "errors": [error]}, status=503))
    if request.path_info.startswith(PROVIDERS):
        response = JsonResponse({"error": SENTENCE}, status=503)
        response["Content-Length"] = str(len(response.content))  # no middleware does it there
        return _later(response)
    return _later(HttpResponse(render_to_string("503.html"), status=503))


def handle_api_error(error: Exception, context: Any) -> HttpResponse | None:
    """The shape of all errors of the API, and 503 where the database is away."""
    if not isinstance(error, AWAY):
        return exception_handler(error, context)
    response = exception_handler(DatabaseAway(), context)
    return _later(response) if response is not None else None


def _later(response: Any) -> Any:
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
