"""Records which parameters of its query string a view reads. In: requests through the middleware. Out: their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase

RECORDER = "tests.recorded_query.record"
_read: set[str] = set()


class Recorded(QueryDict):
    def __getitem__(self, key: Any) -> Any:
        _read.add(str(key))
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        _read.add(str(key))
        return super().__contains__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        _read.add(str(key))
        return super().get(key, default)

    def getlist(self, key: Any, default: Any = None) -> Any:
        _read.add(str(key))
        return super().getlist(key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        _read.add(str(key))
        return super().pop(key, *default)


def record(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        request.GET = Recorded(request.META.get("QUERY_STRING", ""))
        return get_response(request)

    return answer


@contextmanager
def names_read() -> Iterator[set[str]]:
    """Those that are read meanwhile."""
    _read.clear()
    yield _read
