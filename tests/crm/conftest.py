"""An admin, signed in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.builders import a_user


@pytest.fixture
def boss() -> Any:
    return a_user("admin", name="Boss")


@pytest.fixture
def signed_in(client: Client, boss: Any) -> Client:
    client.force_login(boss)
    return client
