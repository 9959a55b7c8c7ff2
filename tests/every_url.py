"""Every URL of the resolver, and who opens it. The rows it is opened with: `every_kind.py`.

In: the URLconf. Out: URLs by name; a client a role. The answers that are expected stand in `every_url.toml`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.template import Template
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crm import models as crm
from tests import builders
from tests.every_kind import KINDS, of_model

SESSIONS_IN_COOKIES = "django.contrib.sessions.backends.signed_cookies"
ROLES = ("anonymous", "sales", "other", "manager", "admin")


@dataclass(frozen=True, slots=True)
class Url:
    """`name` with its namespaces; `parameters` as the pattern names them."""

    name: str
    route: str
    parameters: tuple[str, ...]


def every_url() -> list[Url]:
    return sorted(_walk(get_resolver()), key=lambda url: (url.name, url.route))


def _walk(resolver: Any, spaces: tuple[str, ...] = (), before: str = "") -> Iterator[Url]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, (*spaces, pattern.namespace) if pattern.namespace else spaces, route)
        elif isinstance(pattern, URLPattern):
            name = ":".join([*spaces, pattern.name or f"? {route}"])
            parameters = (*pattern.pattern.converters, *pattern.pattern.regex.groupindex)
            yield Url(name, route, tuple(dict.fromkeys(parameters)))


@dataclass(slots=True)
class World:
    """Who looks, and what there is to look at. Rows are nobody's where they are the emptiest, else `sales`'s."""

    users: dict[str, Any]
    rows: dict[str, list[Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, role: str, *, with_key: bool) -> Client:
        """A client of its own for each request: one of them signs out."""
        if with_key and role in self.keys:
            return Client(raise_request_exception=False, headers={"authorization": f"Bearer {self.keys[role]}"})
        client = Client(raise_request_exception=False)
        if role in self.sessions:
            client.cookies["sessionid"] = self.sessions[role]
        return client

    def of(self, kind: str) -> list[Any]:
        """The emptiest and the fullest row of a kind, then one a state where it has states."""
        if kind not in self.rows:
            self.rows[kind] = KINDS[kind](self) if kind in KINDS else of_model(kind)
        return self.rows[kind]

    def paths(self, url: Url, kind: str) -> list[str]:
        """The URL of each row of the kind; the URL itself where it has no parameters."""
        if not url.parameters:
            return [reverse(url.name)]
        rows = [each if isinstance(each, dict) else {"pk": each.pk} for each in self.of(kind)]
        return [reverse(url.name, kwargs={name: row[name] for name in url.parameters}) for row in rows]

    def ask(self, method: str, path: str, role: str, form: dict[str, str] | None = None) -> int:
        """The status of the answer. Whatever it did is rolled back."""
        is_api = path.startswith("/api/")
        body: dict[str, Any] = {"data": form} if form else {}
        if is_api and method == "post":
            body = {"data": b"{}", "content_type": "application/json"}
        with transaction.atomic():
            answer: Any = getattr(self.client(role, with_key=is_api), method)(path, **body)
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        return int(answer.status_code)

    def answers(self, method: str, paths: list[str]) -> str:
        """Of every role: `200`, or `200/404` where the emptiest and the fullest row differ."""
        first = [[str(self.ask(method, path, role)) for path in paths[:2]] for role in ROLES]
        return " ".join("/".join(dict.fromkeys(statuses)) for statuses in first)


@contextmanager
def asking_cheaply() -> Iterator[None]:
    """Thousands of requests of which only the status counts: without what else a test's request is recorded for.

    No log, which formats a traceback for each refusal; no copy of each template's context; no session to look up.
    """
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch, override_settings(SESSION_ENGINE=SESSIONS_IN_COOKIES):
        patch.setattr(Template, "_render", lambda self, context: self.nodelist.render(context))
        yield
    logging.disable(logging.NOTSET)


@contextmanager
def whole_world(kinds: Iterable[str]) -> Iterator[World]:
    """With a row of every kind, made once for a module and rolled back after it."""
    with asking_cheaply(), transaction.atomic():
        yield a_world(kinds)
        transaction.set_rollback(True)


def a_world(kinds: Iterable[str]) -> World:
    teams = [builders.a_team(), builders.a_team()]
    users = {
        "sales": builders.a_user("sales", team=teams[0]),
        "other": builders.a_user("sales", team=teams[1]),
        "manager": builders.a_user("manager"),
        "admin": builders.a_user("admin"),
    }
    world = World(users)
    for role, user in users.items():
        client = Client()
        client.force_login(user)
        world.sessions[role] = client.cookies["sessionid"].value
        world.keys[role] = builders.an_api_key(user, tuple(crm.Scope.values))[1]
    for kind in kinds:
        world.of(kind)
    return world
