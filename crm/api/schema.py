"""How OpenAPI tells of keys and errors. In: our authentication class, an operation. Out: parts of the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_standardized_errors.openapi import AutoSchema

ONLY_WITH_BODY = {"413", "415"}
ONLY_WITH_ID = {"404"}


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
