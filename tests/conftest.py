"""What every test may use: this run's own PostgreSQL and Valkey, and a queue to look into.

The servers start with the first test that needs a database and stop with the session, on Ctrl-C too; the
kernel stops them should pytest be killed. With DATABASE_URL and REDIS_URL set, those are used instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import django_rq
import pytest
from django.conf import settings
from redis import Redis

from crm.up import places, private


@pytest.fixture(scope="session")
def private_servers() -> Iterator[None]:
    wanted = private.wanted(settings)
    if not wanted:
        yield
        return
    with private.serving(wanted, places.prepare(wanted.var), durable=False):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(private_servers: None, django_db_modify_db_settings: None) -> None:
    """pytest-django asks for this before it makes the test database: the moment to start the servers."""


@pytest.fixture
def redis(private_servers: None) -> Iterator[Redis]:
    """An empty Redis."""
    connection = django_rq.get_connection("intake")
    connection.flushdb()
    yield connection
    connection.flushdb()
