"""What a page costs, told in its own headers: how many queries it asked, and how long the database took for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponseBase

QUERIES, DATABASE = "X-Bench-Queries", "X-Bench-Database-Ms"


def count_queries(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        number, seconds = 0, 0.0

        def watch(execute: Callable[..., Any], *given: Any) -> Any:
            nonlocal number, seconds
            begun = time.perf_counter()
            try:
                return execute(*given)
            finally:
                number += 1
                seconds += time.perf_counter() - begun

        with connection.execute_wrapper(watch):
            response = get_response(request)
        response[QUERIES], response[DATABASE] = str(number), f"{seconds * 1000:.1f}"
        return response

    return answer
