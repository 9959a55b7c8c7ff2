"""Lists by cursor: the same cost at any depth, and no row twice while rows arrive.

In: a queryset. Out: {"next": URL, "previous": URL, "results": [...]}. Ordered by id alone, which is unique and never
changes: a tool that follows `next` sees every row that was there when it began.
"""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from bounces.ids import is_id

LIMIT = 50
MOST = 200


class ByIdUp(CursorPagination):
    """The oldest first."""

    ordering = "id"
    page_size = LIMIT
    page_size_query_param = "limit"
    max_page_size = MOST
    cursor_query_description = (
        "Where the page begins: follow `next` and `previous` instead of making one up. Without it: the first page. An "
        "empty or unreadable one is refused with 400."
    )
    page_size_query_description = f"How many results a page has: 1 to {MOST}."

    def decode_cursor(self, request: Request) -> Cursor | None:
        """DRF's, which hands any text of the cursor to the database."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise ValidationError({"cursor": [CURSOR_SENTENCE]}) from error
        if cursor is not None and not is_id(str(cursor.position)):
            raise ValidationError({"cursor": [CURSOR_SENTENCE]})
        return cursor

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get("limit", str(LIMIT))
        if not is_id(text) or not 1 <= int(text) <= MOST:
            raise ValidationError({"limit": [f"A number from 1 to {MOST} is needed."]})
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, limit = super().get_schema_operation_parameters(view)
        cursor["schema"]["minLength"] = 1
        return [cursor, {**limit, "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}}]


class ByIdDown(ByIdUp):
    """The newest first."""

    ordering = "-id"


CURSOR_SENTENCE = "This cursor cannot be read. Follow the link in `next`, or leave it out to begin again."
PARAMETERS = (ByIdUp.cursor_query_param, "limit")
