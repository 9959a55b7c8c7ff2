"""What a page costs, told in its own headers: queries, and the processor's milliseconds of Python and of PostgreSQL.

The processor's time says the same on a busy machine as on one at rest. PostgreSQL's is that of the request's session,
by Linux's account of the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponseBase

QUERIES, PYTHON, POSTGRES = "X-Bench-Queries", "X-Bench-Python-Ms", "X-Bench-Postgres-Ms"


def count_queries(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        number = 0

        def count(execute: Callable[..., Any], *given: Any) -> Any:
            nonlocal number
            number += 1
            return execute(*given)

        connection.ensure_connection()
        account = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        postgres, python = spent(account), time.thread_time()
        with connection.execute_wrapper(count):
            response = get_response(request)
        response[QUERIES] = str(number)
        response[PYTHON] = f"{(time.thread_time() - python) * 1000:.1f}"
        response[POSTGRES] = f"{spent(account) - postgres:.1f}"
        return response

    return answer


def spent(account: Path) -> float:
    """Milliseconds on a processor."""
    return int(account.read_text().split()[0]) / 1e6
