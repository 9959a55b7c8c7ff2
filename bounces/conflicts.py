"""Transactions that get in each other's way. In: what a database call raised. Out: whether trying again helps.

Two requests about the same rows may wait for each other in a circle, take the same unique value, or take a row away
that the other one has looked up. PostgreSQL rolls one of them back. Run again, it finds what the other one left, and
answers that: a form error, a 404, or success. `crm/again.py` does so for requests, `retried` for single functions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import ProtectedError, RestrictedError

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")

TRIES = 5
PAUSE = 0.05  # seconds before the second try; each further one waits longer
# PostgreSQL's deadlock_detected and serialization_failure; undefined_table and internal_error of a table that was
# dropped meanwhile: the stage of an import that has ended.
PASSING = frozenset({"40P01", "40001", "42P01", "XX000"})


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction may have caused it. A mistake of our own is tried again, and stays what it is."""
    if isinstance(error, IntegrityError | ProtectedError | RestrictedError | ObjectDoesNotExist):
        return True
    return isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", None) in PASSING


class ByRow(dict[int, V]):
    """What was found of rows, by id. To ask for one that is gone raises ObjectDoesNotExist, as reading it would."""

    def __missing__(self, pk: int) -> V:
        raise ObjectDoesNotExist(f"row {pk} is gone")


def further_tries() -> Iterator[int]:
    """The numbers of the tries behind the first. Waits before each: longer each time, and by chance, so that two do
    not meet again."""
    for number in range(1, TRIES):
        time.sleep(random.uniform(0.5, 1.5) * PAUSE * 2 ** (number - 1))  # noqa: S311 -- no secret
        yield number


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """For a function that is one transaction and may run twice. Within a caller's transaction it runs once: only the
    caller can begin again."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if connection.in_atomic_block or not is_conflict(error) or isinstance(error, ObjectDoesNotExist):
                raise
        for number in further_tries():
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if number == TRIES - 1 or not is_conflict(error):
                    raise
        raise AssertionError("the last try returns or raises")

    return run
