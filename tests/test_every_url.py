"""Every URL answers every role as the table says, with the emptiest and the fullest row of its kind, and never by 5xx.

The table is `tests/every_url.toml`. A URL without a row there fails: add the row that the failure prints, once you have
checked that its answers are right.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from pytest_django import DjangoDbBlocker
from redis import Redis

from tests.every_kind import KINDS
from tests.every_url import ROLES, Url, World, every_url, whole_world

pytestmark = pytest.mark.django_db

TABLE = tomllib.loads((Path(__file__).parent / "every_url.toml").read_text())
URLS, ADMIN = TABLE["urls"], TABLE["admin"]
PAGES = ("changelist", "add", "change", "delete", "history")
MODELS = {model._meta.label: model for model in admin.site._registry}
OF_MODELS = {f"admin:{m._meta.app_label}_{m._meta.model_name}_{page}" for m in MODELS.values() for page in PAGES}


def stands_alone(url: Url) -> bool:
    """Whether it has a row of its own: all but the usual pages of the admin, and redirects without a name."""
    return url.name not in OF_MODELS and ":? " not in url.name


ALONE = [url for url in every_url() if stands_alone(url)]


@pytest.fixture(scope="module")
def world(private_servers: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), whole_world([*KINDS, *MODELS]) as made:
        yield made


@pytest.fixture(autouse=True)
def surroundings(settings: Any, redis: Redis) -> None:
    settings.SALES_SEE = "team"
    settings.RETURN_PATH_DOMAIN = "bounces.example"


def test_every_url_has_a_row_and_every_row_a_url():
    nameless = {url.name for url in every_url() if ":? " in url.name and not url.name.endswith("/<path:object_id>/")}
    assert nameless == {"admin:? admin/(?P<url>.*)$", "api:? api/v1/"}
    assert {url.name for url in ALONE} == set(URLS)
    assert set(MODELS) == set(ADMIN)


@pytest.mark.parametrize("url", ALONE, ids=lambda url: url.name)
def test_a_url_answers_every_role_as_the_table_says(url: Url, world: World):
    kind, _, expected = URLS.get(url.name, "?: ").partition(": ")
    paths = world.paths(url, kind)
    actual = "; ".join(world.answers(method, paths) for method in ("get", "post"))
    assert f'"{url.name}" = "{kind}: {actual}"' == f'"{url.name}" = "{kind}: {expected}"'
    for path in paths[2:]:  # one a state
        for method in ("get", "post"):
            assert world.ask(method, path, "admin") < 500, (method, path)
    assert not [status for status in actual.replace(";", "").replace("/", " ").split() if status >= "500"]


@pytest.mark.parametrize("label", sorted(MODELS))
def test_the_admin_shows_the_emptiest_and_the_fullest_row_and_writes_what_the_table_allows(label: str, world: World):
    model, allowed = MODELS[label], ADMIN.get(label, "?").split()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
    rows = [row["object_id"] for row in world.of(label)]
    lists = [reverse(f"{name}changelist")]
    pages = {page: [reverse(f"{name}{page}", args=[pk]) for pk in rows] for page in PAGES[2:]}
    for path in (*lists, *pages["change"], *pages["history"]):
        assert world.ask("get", path, "admin") == 200, path
    for page, paths in (("add", [reverse(f"{name}add")]), ("change", pages["change"]), ("delete", pages["delete"])):
        method = "get" if page == "delete" else "post"
        for path in paths:
            expected = {200, 302} if page in allowed else {403}
            assert world.ask(method, path, "admin") in expected, (page, path)
    for role in ROLES[:-1]:
        for path in (*lists, pages["change"][-1]):  # the site asks who it is before it looks for the row
            assert world.ask("get", path, role) == 302, (role, path)
