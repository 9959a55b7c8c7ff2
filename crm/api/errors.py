"""One shape for all errors: {"type", "errors": [{"code", "detail", "attr"}]}. In: exceptions. Out: that JSON.

`type` is validation_error (400), client_error (4xx) or server_error (5xx: ours, worth trying again).
`attr` names the field, like addresses.1.email. An exception with an attribute `extra` adds what it holds.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.types import ErrorResponse
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView


class Formatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        return {**asdict(error_response), **getattr(self.exc, "extra", {})}


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="One word for tools.")
    detail = serializers.CharField(help_text="What is wrong, for people.")
    attr = serializers.CharField(allow_null=True, help_text="The field it is about, like addresses.1.email.")


class ErrorsSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # the field hides the serializer's property


class NowhereView(APIView):
    """Any other path below /api/v1/: not found, in the API's shape."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    schema = None

    def initial(self, request: Request) -> None:
        raise NotFound(f"There is no {request.path}. Paths end with a slash; /api/v1/docs/ lists them.")
