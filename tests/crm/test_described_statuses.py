"""Each status that the API can give is in its description, of every operation: each is provoked here, but those of the
web server, which stands before Django. The answer has the described shape, and says when to come again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.exceptions import APIException

from bounces.api import bodies
from crm import web_worker
from crm.api import throttles
from tests.builders import a_contact, a_user, an_api_key, an_import_run
from tests.crm.test_away import postgres_away
from tests.crm.test_schema import described
from tests.tools import a_tool

DESCRIPTION = described()
JSON = "application/json"
NOBODYS_ID = "987654321"


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    about: dict[str, Any]

    @property
    def statuses(self) -> set[str]:
        return set(self.about["responses"])

    @property
    def media_type(self) -> str:
        return next(iter(self.about.get("requestBody", {}).get("content", {JSON: {}})))

    @property
    def has_cursor(self) -> bool:
        return any(each["name"] == "cursor" for each in self.about.get("parameters", []))

    def ask(self, client: Client, body: bytes = b"{}", media_type: str = "", query: str = "", **extra: Any) -> Any:
        """With an id that nothing has, unless the test makes something of that id."""
        path = self.path.replace("{id}", NOBODYS_ID).replace("{key}", "nobody-s-key")
        sent = {} if self.method == "get" else {"data": body, "content_type": media_type or self.media_type}
        return getattr(client, self.method)(path + query, **sent, **extra)


def operations() -> Iterator[Operation]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, about in methods.items():
            yield Operation(method, path, about)


ALL = list(operations())
WITH_BODY = [each for each in ALL if "requestBody" in each.about]
WITH_ID = [each for each in ALL if each.method == "get" and "{id}" in each.path]
every_operation = pytest.mark.parametrize("operation", ALL, ids=lambda each: f"{each.method} {each.path}")


def a_client(secret: str = "", **headers: str) -> Client:
    headers |= {"authorization": f"Bearer {secret}"} if secret else {}
    return Client(raise_request_exception=False, headers=headers)


def check(answer: Any, status: int, operation: Operation) -> None:
    assert answer.status_code == status, answer.content[:500]
    assert str(status) in operation.statuses
    assert operation.about["responses"][str(status)]["content"].keys() == {JSON}
    told = answer.json()
    assert told["type"] in ("validation_error", "client_error", "server_error")
    assert {"code", "detail", "attr"} == set(told["errors"][0])


@every_operation
def test_no_key_and_a_key_without_the_scope(operation: Operation, db: None):
    check(operation.ask(a_client()), 401, operation)
    another = "contacts:read" if "check" in operation.path else "check"
    check(operation.ask(a_client(an_api_key(a_user("sales"), (another,))[1])), 403, operation)


@every_operation
def test_too_many_requests(operation: Operation, db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttles, "count", lambda *_: settings.API_RATE + 1)
    answer = operation.ask(a_tool().client)
    check(answer, 429, operation)
    assert int(answer.headers["Retry-After"]) > 0
    assert "Retry-After" in operation.about["responses"]["429"]["headers"]


@every_operation
def test_another_form_than_json_is_asked_for(operation: Operation, db: None):
    check(operation.ask(a_tool().client, headers={"accept": "text/html"}), 406, operation)


@pytest.mark.parametrize("operation", WITH_ID, ids=lambda each: each.path)
def test_nothing_has_this_id(operation: Operation, db: None):
    check(operation.ask(a_tool().client), 404, operation)


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda each: each.path)
def test_bodies_of_another_type_of_no_length_or_too_large(operation: Operation, db: None):
    a_contact(pk=int(NOBODYS_ID))
    an_import_run(pk=int(NOBODYS_ID))
    client = a_tool().client
    check(operation.ask(client, headers={"transfer-encoding": "chunked"}), 411, operation)
    check(operation.ask(client, media_type="text/x-nothing"), 415, operation)
    assert "413" in operation.statuses
    if operation.media_type == JSON:
        check(operation.ask(client, b" " * (bodies.JSON_CAP + 1)), 413, operation)


@pytest.mark.django_db(transaction=True)
def test_no_database(tmp_path: Path):
    client = a_tool().client
    with postgres_away(tmp_path):
        answers = [(operation, operation.ask(client)) for operation in ALL]
    for operation, answer in answers:
        check(answer, 503, operation)
        assert answer.headers["Retry-After"] == "5"
        assert "Retry-After" in operation.about["responses"]["503"]["headers"]


def test_without_redis_the_api_answers_as_ever(db: None, settings: LazySettings):
    """It only counts requests there, which then pass uncounted."""
    tool = a_tool()
    expected = [operation.ask(tool.client).status_code for operation in ALL]
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    throttles.connection.cache_clear()
    try:
        assert [operation.ask(tool.client).status_code for operation in ALL] == expected
    finally:
        throttles.connection.cache_clear()
        throttles._paused_until = 0.0


def test_what_the_web_server_refuses_is_described_for_every_operation():
    refused = {str(status) for status, *_ in web_worker.REFUSALS.values()}
    assert [operation for operation in ALL if not refused <= operation.statuses] == []


def test_every_error_of_ours_has_a_status_that_is_described_somewhere():
    ours = {each.status_code for each in subclasses(APIException) if each.__module__.split(".")[0] in OUR_APPS}
    assert ours
    assert {str(status) for status in ours} <= {status for operation in ALL for status in operation.statuses}


OUR_APPS = ("bounces", "contacts", "crm")


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


CURSORS = ("", "abc", "é", "%00", "cD0=", "cD1hYmM=", "cD0tMQ==", "bz0xJnA9MQ", "cj14", "cD0" + "OTk5" * 12, "=" * 3)


@pytest.mark.parametrize("operation", [each for each in ALL if each.has_cursor], ids=lambda each: each.path)
def test_a_cursor_that_cannot_be_read_is_refused(operation: Operation, db: None):
    client = a_tool().client
    for cursor in CURSORS:
        answer = operation.ask(client, query=f"?cursor={cursor}")
        if answer.status_code == 404:  # of a record that is not there
            assert "{id}" in operation.path
            continue
        check(answer, 400, operation)
        assert json.loads(answer.content)["errors"][0]["attr"] == "cursor"
