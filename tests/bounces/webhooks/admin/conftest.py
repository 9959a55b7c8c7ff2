"""An admin, at the site that the sources' pages speak of."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.bounces.webhooks.admin.pages import SITE
from tests.builders import a_user


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(a_user("admin"))
    return client
