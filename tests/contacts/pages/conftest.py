"""Who looks at the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.builders import a_user


@pytest.fixture
def sales(client: Client) -> Any:
    user = a_user("sales", name="Sam Sales")
    client.force_login(user)
    return user


@pytest.fixture
def manager(client: Client) -> Any:
    user = a_user("manager", name="Mia Manager")
    client.force_login(user)
    return user


@pytest.fixture
def admin(client: Client) -> Any:
    user = a_user("admin", name="Bo Boss")
    client.force_login(user)
    return user
