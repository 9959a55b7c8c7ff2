"""A tool that calls the API with a key: `a_tool("contacts:read").get("contacts/")`."""

from __future__ import annotations

from typing import Any

from django.test import Client

from crm.models import Scope
from tests.builders import a_user, an_api_key

ALL = tuple(Scope.values)


class Tool:
    """Paths are below /api/v1/; what is sent becomes JSON unless it is bytes."""

    def __init__(self, user: Any, secret: str) -> None:
        self.user = user
        self.client = Client(headers={"authorization": f"Bearer {secret}"})
        self.client.raise_request_exception = False

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", params)

    def send(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Any:
        return getattr(self.client, method)(f"/api/v1/{path}", body, content_type=content_type)

    def post(self, path: str, body: Any, content_type: str = "application/json") -> Any:
        return self.send("post", path, body, content_type)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("patch", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.send("put", path, body)


def a_tool(*scopes: str, role: str = "manager", user: Any = None) -> Tool:
    """With all scopes where none is named."""
    user = user or a_user(role)
    return Tool(user, an_api_key(user, scopes or ALL)[1])


def errors_of(response: Any) -> dict[str | None, str]:
    """The sentences by the field they are about."""
    return {error["attr"]: error["detail"] for error in response.json()["errors"]}
