"""While PostgreSQL is away: 503 with Retry-After at every page, the API and the providers' URLs, and never a 500."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.bounces.webhooks.posting import a_post, a_provider_source
from tests.builders import a_user, an_api_key

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def postgres_away(tmp_path: Path) -> Iterator[None]:
    """Nobody listens where the database was."""
    there = connection.settings_dict["HOST"], connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["HOST"], connection.settings_dict["PORT"] = str(tmp_path), ""
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"], connection.settings_dict["PORT"] = there


def a_client(**headers: str) -> Client:
    return Client(raise_request_exception=False, headers=headers)


def paths(patterns: Sequence[Any] | None = None, before: str = "/") -> Iterator[str]:
    """Every path of the resolver, with 1 for each argument."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = getattr(pattern.pattern, "_route", None)
        if route is None:
            continue  # of the admin: leave out what answers to any path
        path = before + re.sub(r"<[^>]+>", "1", route)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_page_and_no_route_of_the_api_answers_500(method: str, tmp_path: Path) -> None:
    client = a_client()
    client.force_login(a_user("admin"))
    with postgres_away(tmp_path):
        answers = {path: getattr(client, method)(path) for path in paths()}

    assert {
        path for path, answer in answers.items() if answer.status_code >= 500 and answer.status_code != 503
    } == set()
    away = [answer for answer in answers.values() if answer.status_code == 503]
    assert len(away) > 100
    assert {answer.headers.get("Retry-After") for answer in away} == {"5"}


def test_the_page_is_styled_and_says_what_to_do(tmp_path: Path) -> None:
    client = a_client()
    client.force_login(a_user("sales"))
    with postgres_away(tmp_path):
        page = client.get(reverse("contacts:list"))

    assert page.status_code == 503
    assert all(
        words in page.content.decode() for words in ("Rebound is not available", "rebound.css", "Nothing is lost")
    )


def test_a_tool_is_told_to_come_again_in_the_shape_of_all_errors(tmp_path: Path) -> None:
    _, secret = an_api_key(a_user("admin"))
    client = a_client(authorization=f"Bearer {secret}")
    with postgres_away(tmp_path):
        answer = client.get("/api/v1/contacts/")

    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["type"]) == (503, "5", "server_error")
    assert answer.json()["errors"][0]["code"] == "unavailable"


def test_a_provider_comes_again_and_is_taken_then(tmp_path: Path, settings: LazySettings) -> None:
    settings.SITE_URL = "http://testserver"
    post = a_post(a_provider_source("mailtrap"), settings.SITE_URL)
    with postgres_away(tmp_path):
        during = post.send(a_client())

    assert (during, post.send(a_client())) == (503, 200)
