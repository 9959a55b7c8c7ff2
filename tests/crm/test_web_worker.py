"""What gunicorn refuses before Django sees it is told as the API tells errors."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.conf import settings


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """gunicorn as `up` starts it. Nothing here asks the database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    words = [sys.executable, "-m", "gunicorn", "--config", "python:crm.gunicorn_conf", "--workers", "1", "crm.wsgi"]
    with subprocess.Popen([*words, "--bind", f"127.0.0.1:{number}"], cwd=settings.BASE_DIR) as server:
        try:
            wait_for(number)
            yield number
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("gunicorn does not start")


@pytest.mark.parametrize(
    ("path", "header", "status", "code"),
    [
        ("/api/v1/contacts/?q=" + "x" * 9000, "x", 414, "uri_too_long"),
        ("/api/v1/contacts/", "x" * 20_000, 431, "headers_too_large"),
    ],
)
def test_what_is_too_long_is_refused_in_the_shape_of_the_api(
    port: int, path: str, header: str, status: int, code: str
) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers={"x-odd": header})
        answer = connection.getresponse()
        body = answer.read()

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    (error,) = json.loads(body)["errors"]
    assert (error["code"], error["attr"]) == (code, None)


def test_what_is_not_too_long_is_answered(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/api/v1/nowhere/?q=" + "x" * 3000)
        answer = connection.getresponse()
        body = answer.read()

    assert (answer.status, json.loads(body)["type"]) == (404, "client_error")
