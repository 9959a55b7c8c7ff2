"""Short forms of the database constraints that the models repeat."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Q


def one_of(field: str, values: Iterable[str], name: str) -> models.CheckConstraint:
    """The column holds one of the words of its vocabulary."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [str(value) for value in values]}), name=name)


def choices(values: Iterable[str]) -> list[tuple[str, str]]:
    """A vocabulary as Django's choices, each with its word as people read it."""
    return [(str(value), str(value).replace("_", " ").capitalize()) for value in values]
