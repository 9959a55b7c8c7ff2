"""What several pages do alike: find the row or answer 404, say how many there are."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from bounces.ids import id_in
from bounces.paging import page_for

__all__ = ["allow", "counted", "find", "id_in", "page_for"]

Row = TypeVar("Row", bound=Model)
LARGEST_ID = 2**63 - 1


def find(rows: QuerySet[Row], pk: int) -> Row:
    """404 for what is not there and for what this user may not see: the two look alike."""
    row = rows.filter(pk=pk).first() if pk <= LARGEST_ID else None
    if row is None:
        raise Http404
    return row


def allow(answer: bool) -> None:
    if not answer:
        raise PermissionDenied


def counted(number: Any, one: str, several: str) -> str:
    """`1 contact`, `2,013 contacts`, `10,000+ contacts`."""
    words = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{words} {one if words == '1' else several}"
