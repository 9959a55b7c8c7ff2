"""Replacing a key: every secret that is kept is sealed anew with the first one, so that the others can go.

In: the columns named `sealed_…` of all applications. Out: the same secrets under the first key, and the names of those
that no key opens any more. A secret that somebody changes meanwhile stays as they changed it. May run twice, and be
killed anywhere: each secret is one statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db.models import Model

from bounces.sealing import CannotOpen, reseal

PREFIX = "sealed_"


@dataclass(slots=True)
class Resealed:
    """How many were sealed anew, and whose cannot be opened, as people name them."""

    sealed: int = 0
    closed: list[str] = field(default_factory=list)


def reseal_all() -> Resealed:
    """Raises nothing for a secret that stays closed: the others are sealed all the same."""
    found = Resealed()
    for model, column in sealed_columns():
        for row in model._default_manager.exclude(**{column: ""}).order_by("pk").iterator():
            reseal_row(row, column, found)
    return found


def sealed_columns() -> Iterator[tuple[type[Model], str]]:
    for model in apps.get_models():
        for each in model._meta.local_concrete_fields:
            if each.name.startswith(PREFIX):
                yield model, each.name


def reseal_row(row: Model, column: str, found: Resealed) -> None:
    """Of a row as it was read, whenever that was."""
    old = getattr(row, column)
    try:
        new = reseal(old)
    except CannotOpen:
        found.closed.append(f"{row._meta.verbose_name} {row}")
        return
    # Only what was read is replaced: a secret that was typed in since is newer.
    found.sealed += type(row)._default_manager.filter(pk=row.pk, **{column: old}).update(**{column: new})
