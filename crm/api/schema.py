"""How OpenAPI tells of keys and errors. In: our authentication class. Out: a security scheme."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "crm.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 -- spectacular's signature
        return {"type": "http", "scheme": "bearer", "description": "An API key of yours: rb_…"}
