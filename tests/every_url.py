"""Every URL with the rows it is opened with, and how each of them answers each role.

A row of the table: the URL's name, the kind of row that stands in it, and the answers to GET and to an empty POST of
an anonymous visitor, of sales whose team owns the rows, of sales of another team, of a manager and of an admin.
`200/404` is the answer for the emptiest row (nobody's) and for the fullest. `REBOUND_SALES_SEE` is `team`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

ROLES = ("anonymous", "sales", "other", "manager", "admin")


@dataclass(frozen=True, slots=True)
class Url:
    """`name` with its namespaces, `parameters` as the pattern names them."""

    name: str
    route: str
    parameters: tuple[str, ...]


def every_url() -> list[Url]:
    return sorted(_walk(get_resolver()), key=lambda url: (url.name, url.route))


def _walk(resolver: Any, spaces: tuple[str, ...] = (), before: str = "") -> Iterator[Url]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces, route)
        elif isinstance(pattern, URLPattern):
            name = ":".join([*spaces, pattern.name or f"? {route}"])
            parameters = (*pattern.pattern.converters, *pattern.pattern.regex.groupindex)
            yield Url(name, route, tuple(dict.fromkeys(parameters)))
