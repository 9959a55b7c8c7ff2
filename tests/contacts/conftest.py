"""After each test that writes contacts: search finds them by what they are then, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.documents import stale_documents


@pytest.fixture(autouse=True)
def documents_are_up_to_date(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.node.get_closest_marker("django_db"):
        yield
        return
    request.getfixturevalue("_django_db_helper")  # whose end is the end of the test's transaction
    yield
    if not connection.needs_rollback:
        assert stale_documents() == []
