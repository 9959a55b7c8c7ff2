"""How OpenAPI tells of keys and errors. In: our authentication class, an operation. Out: parts of the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_standardized_errors.openapi import AutoSchema

from bounces.api.problems import ErrorsSerializer

ONLY_WITH_BODY = {"411", "413", "415"}
ONLY_WITH_ID = {"404"}
MEANING = {
    "400": "What was sent is not valid. Each error names its field.",
    "401": "There is no valid API key.",
    "403": "The key lacks the scope, or its user’s role lacks the permission.",
    "404": "There is no such record, or the key’s user may not see it.",
    "406": "The `Accept` header asks for something other than JSON.",
    "411": "The body has no `Content-Length`.",
    "413": "The body is too large.",
    "414": "The URL is longer than 4,094 bytes.",
    "415": "The body’s `Content-Type` is not one of those above.",
    "429": "Too many requests in this minute with this key.",
    "431": "The headers are too large.",
    "503": "The database is not available. Nothing was stored: send the request again.",
}
RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, description="Seconds to wait.", response=["429", "503"]
)


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "crm.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- spectacular's signature
        return {"type": "http", "scheme": "bearer", "description": "An API key of yours: rb_…"}


class StrictShape(OpenApiSerializerExtension):
    """A body with fields that nobody asked for is refused, and the description says so.

    Read-only fields may stand in a body, so that what was got can be put: they are not read.
    """

    target_class = "bounces.api.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        shape: dict[str, Any] = auto_schema._map_basic_serializer(self.target, direction)
        if direction == "request":
            unread: dict[str, Any] = {name: {} for name, field in self.target.fields.items() if field.read_only}
            shape["properties"] = {**unread, **shape.get("properties", {})}
            shape["additionalProperties"] = False
        return shape


class ApiSchema(AutoSchema):
    """Every operation has the errors that can happen to it, all of one shape."""

    def _should_add_error_response(self, responses: dict[str, Any], status_code: str) -> bool:
        if status_code in responses:
            return False
        if status_code in ONLY_WITH_BODY:
            return self.method in ("POST", "PUT", "PATCH")
        return status_code not in ONLY_WITH_ID or "{" in self.path

    def _get_error_response_serializer(self, status_code: str) -> Any:
        return OpenApiResponse(ErrorsSerializer, MEANING[status_code])

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), RETRY_AFTER]
