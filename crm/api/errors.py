"""One shape for all errors: {"type", "errors": [{"code", "detail", "attr"}]}. In: exceptions. Out: that JSON.

`bounces/api/problems.py` documents the shape. An exception with an attribute `extra` adds what it holds.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.types import ErrorResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.again import again_by_api
from crm.views.away import handle_api_error


def answer_error(error: Exception, context: Any) -> Any:
    """DRF's EXCEPTION_HANDLER. Where another request got in the way, the answer of a later try; else the error's."""
    try:
        found: Response | None = again_by_api(error, context)
    except Exception as later:
        return handle_api_error(later, context)
    return found or handle_api_error(error, context)


class Formatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        return {**asdict(error_response), **getattr(self.exc, "extra", {})}


class NowhereView(APIView):
    """Any other path below /api/v1/: not found, in the API's shape."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    schema = None

    def initial(self, request: Request) -> None:
        raise NotFound(f"There is no {request.path}. Paths end with a slash; /api/v1/docs/ lists them.")
