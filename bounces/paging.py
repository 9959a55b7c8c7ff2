"""Pages of long lists by key, never by OFFSET: the same cost at any depth, and no row twice while rows arrive.

In: a queryset, the columns that order it (the last one unique), and the cursor that a link carried.
Out: one page with the cursors of its neighbours, and counts that stop counting where people stop caring.
Source: STACK.md, "a list page at 1M": keyset 0.3 ms at any depth, OFFSET 500,000 207 ms, an exact count 118-230 ms.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
COUNT_CAP = 10_000
LARGEST = 2**63 - 1  # of a bigint


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list. Cursors are opaque texts for `?after=` and `?before=`; empty: there is no such page."""

    items: list[M]
    next_cursor: str = ""
    previous_cursor: str = ""

    @property
    def has_neighbours(self) -> bool:
        return bool(self.next_cursor or self.previous_cursor)


@dataclass(frozen=True, slots=True)
class CappedCount:
    """How many there are, or that there are more than `number`."""

    number: int
    is_capped: bool

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.is_capped else ''}"

    def __int__(self) -> int:
        return self.number

    def __bool__(self) -> bool:
        return self.number > 0


def capped_count(queryset: QuerySet[M], cap: int = COUNT_CAP) -> CappedCount:
    """Counts up to `cap`; one row more is looked at, to say whether there are more."""
    number = queryset.order_by()[: cap + 1].count()
    return CappedCount(min(number, cap), number > cap)


def page_of(
    queryset: QuerySet[M],
    order: Sequence[str],
    after: str | None = None,
    before: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[M]:
    """The page behind the cursor `after`, or the one in front of `before`, or the first.

    `order` names columns as `order_by` does (`-occurred_at`), the last of them unique. Empty values sort as in
    PostgreSQL: last going up, first going down; in the first column, with a question mark (`-name?`), last going down
    too. A cursor that cannot be read gives the first page.
    """
    keys = tuple(_Key.parse(queryset, name) for name in order)
    if before and (values := _read(before, keys)) is not None:
        backwards = tuple(key.turned() for key in keys)
        rows = _rows(queryset, backwards, values, size + 1)
        items = rows[:size][::-1]
        previous = _cursor(items[0], keys) if len(rows) > size else ""
        return Page(items, next_cursor=_cursor(items[-1], keys) if items else "", previous_cursor=previous)
    values = _read(after, keys) if after else None
    rows = _rows(queryset, keys, values, size + 1)
    items = rows[:size]
    following = _cursor(items[-1], keys) if len(rows) > size else ""
    return Page(items, next_cursor=following, previous_cursor=_cursor(items[0], keys) if values and items else "")


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    is_descending: bool
    is_nullable: bool
    is_empty_first: bool

    @classmethod
    def parse(cls, queryset: QuerySet[Any], name: str) -> _Key:
        bare = name.removeprefix("-").removesuffix("?")
        try:
            field = queryset.model._meta.get_field(bare)
            nullable = bool(getattr(getattr(field, "output_field", field), "null", False))  # of a generated one
        except FieldDoesNotExist:  # an annotation or a path through a relation
            nullable = True
        is_descending = name.startswith("-")
        return cls(bare, is_descending, nullable, is_descending and not name.endswith("?"))

    def turned(self) -> _Key:
        return _Key(self.name, not self.is_descending, self.is_nullable, not self.is_empty_first)

    @property
    def is_in_parts(self) -> bool:
        """Whether an index has this order only without the empty values, which it has at its other end."""
        return self.is_nullable and self.is_descending != self.is_empty_first

    def order(self) -> Any:
        return F(self.name).desc() if self.is_descending else F(self.name).asc()

    def equals(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def beyond(self, value: Any) -> Q:
        """Rows behind `value`."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if self.is_empty_first else Q(pk__in=[])
        behind = Q(**{f"{self.name}__{'lt' if self.is_descending else 'gt'}": value})
        has_empty_behind = self.is_nullable and not self.is_empty_first
        return behind | Q(**{f"{self.name}__isnull": True}) if has_empty_behind else behind

    def value_of(self, item: Model) -> Any:
        return reduce(lambda value, step: None if value is None else getattr(value, step), self.name.split("__"), item)


def _rows(queryset: QuerySet[M], keys: tuple[_Key, ...], values: list[Any] | None, most: int) -> list[M]:
    """The first rows behind `values`: in one query, or those with a value in the first column and those without."""
    first, rest = keys[0], keys[1:]
    if not first.is_in_parts:
        return list(_beyond(queryset, keys, values)[:most])
    is_among_empty = values is not None and values[0] is None
    given = queryset.filter(**{f"{first.name}__isnull": False})
    empty = queryset.filter(**{f"{first.name}__isnull": True})
    filled = (replace(first, is_nullable=False), *rest)
    parts = [(given, filled, None if is_among_empty else values)] if first.is_empty_first or not is_among_empty else []
    if is_among_empty or not first.is_empty_first or values is None:
        parts.append((empty, rest, values[1:] if values and is_among_empty else None))
    rows: list[M] = []
    for part, part_keys, part_values in reversed(parts) if first.is_empty_first else parts:
        if len(rows) < most:
            rows += _beyond(part, part_keys, part_values)[: most - len(rows)]
    return rows


def _beyond(queryset: QuerySet[M], keys: tuple[_Key, ...], values: list[Any] | None) -> QuerySet[M]:
    """The rows strictly behind `values`, in the order of `keys`."""
    ordered = queryset.order_by(*[key.order() for key in keys])
    if values is None:
        return ordered
    behind = Q(pk__in=[])
    so_far = Q()
    for key, value in zip(keys, values, strict=True):
        behind |= so_far & key.beyond(value)
        so_far &= key.equals(value)
    # Said once more about the first column alone: this is what lets PostgreSQL start inside the index.
    first = keys[0].beyond(values[0]) | keys[0].equals(values[0])
    try:
        return ordered.filter(first & behind)
    except (ValidationError, ValueError, TypeError, OverflowError):  # made up by hand: a word where a date belongs
        return ordered


def _cursor(item: Model, keys: tuple[_Key, ...]) -> str:
    values = [_written(key.value_of(item)) for key in keys]
    text = json.dumps(values, cls=DjangoJSONEncoder, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _written(value: Any) -> Any:
    """JSON's encoder cuts microseconds off, which would skip rows."""
    return value.isoformat() if isinstance(value, datetime) else value


def _read(cursor: str, keys: tuple[_Key, ...]) -> list[Any] | None:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == len(keys) and all(_is_column_value(value) for value in values)
    return values if fits else None


def _is_column_value(value: Any) -> bool:
    """No column holds a list; PostgreSQL refuses NUL and half a UTF-16 pair in text, and numbers that are too large."""
    if isinstance(value, str):
        return "\0" not in value and value.encode(errors="replace").decode() == value
    if isinstance(value, int | float):
        return -LARGEST <= value <= LARGEST  # NaN is in no range
    return value is None


def sort_for(request: HttpRequest, orders: Mapping[str, Sequence[str]]) -> str:
    """The key of the order that a request asks for; the first of `orders` where it names none of them."""
    asked = request.GET.get("sort", "")
    return asked if asked in orders else next(iter(orders))


def both_ways(orders: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Each order and, as `-key`, the opposite one. The first stays first."""
    both: dict[str, tuple[str, ...]] = {}
    for key, columns in orders.items():
        both[key] = tuple(columns)
        both[turned(key)] = tuple(turned(column) for column in columns)
    return both


def turned(key: str) -> str:
    return key.removeprefix("-") if key.startswith("-") else f"-{key}"


def page_for(request: HttpRequest, rows: QuerySet[M], order: Sequence[str], size: int = PAGE_SIZE) -> Page[M]:
    """The page that a request asks for."""
    return page_of(rows, order, after=request.GET.get("after"), before=request.GET.get("before"), size=size)
