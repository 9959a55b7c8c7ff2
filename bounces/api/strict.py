"""Input that is taken by its letter: what nobody asked for is an error, not a silence.

A misspelt field that is ignored looks like success, and a misspelt filter answers with everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from bounces.unknown import unknown_errors


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not have. Read-only ones are let through unread, so that what was got can be put."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, Mapping) else set()
        errors: dict[str, Any] = unknown_errors(unknown, self.fields)
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if isinstance(error.detail, dict):
                errors = {**error.detail, **errors}
            raise ValidationError(errors or error.detail) from error
        if errors:
            raise ValidationError(errors)
        return value


class Text(serializers.CharField):
    """Text only: a number is not quietly written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def refuse_unknown_parameters(request: Request, known: Iterable[str]) -> None:
    """Raises ValidationError with one sentence for each parameter of the URL that nothing reads."""
    listed = list(known)
    if unknown := set(request.query_params) - set(listed):
        raise ValidationError(unknown_errors(unknown, listed))


def refuse_empty_parameters(request: Request, names: Iterable[str]) -> None:
    """Raises ValidationError for each of these parameters that is there without a value: it would filter nothing."""
    empty = [name for name in names if "" in request.query_params.getlist(name)]
    if empty:
        raise ValidationError({name: ["It has no value. Give it one, or leave the parameter out."] for name in empty})
