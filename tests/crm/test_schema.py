"""The OpenAPI description: valid, complete, and true, which schemathesis tries with requests of its own making."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from crm.models import Scope
from crm.wsgi import application
from tests.builders import a_bounce, a_contact, a_suppression, a_user, an_api_key, an_evidence, an_inbound_item

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def described() -> dict:
    return yaml.safe_load(OpenApiYamlRenderer().render(SchemaGenerator().get_schema(public=True)))


schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
# Eagerly, at import: `schemathesis.pytest.from_fixture` breaks on pytest 9.2.
OPENAPI = schemathesis.openapi.from_dict(described())
OPENAPI.app = application


def test_the_description_is_valid_and_has_no_gaps(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_every_route_is_described():
    routes = {
        str(pattern.pattern)
        for part in get_resolver("crm.api.urls").url_patterns
        for pattern in [part, *getattr(part, "url_patterns", [])]
    }
    paths = {
        path.removeprefix("/api/v1/").replace("{id}", "<int:pk>").replace("{key}", "<slug:key>")
        for path in described()["paths"]
    }
    assert routes - {"", "schema/", "docs/"} == paths


def test_every_method_of_every_route_needs_a_scope_and_a_permission():
    views = [
        each.callback.view_class
        for part in get_resolver("crm.api.urls").url_patterns
        for each in getattr(part, "url_patterns", [])
    ]
    assert len(views) >= 8
    for view in views:
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert methods == set(view.required_scopes) == set(view.required_permissions), view
        assert set(view.required_scopes.values()) <= set(Scope.values)


def test_strangers_may_read_the_description():
    assert yaml.safe_load(Client().get("/api/v1/schema/").content) == described()


def test_the_page_brings_everything_from_ourselves():
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200
    assert "https://" not in page.content.decode()
    assert "style-src 'self' 'unsafe-inline'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in Client().get("/accounts/login/").headers["Content-Security-Policy"]


def test_a_path_that_is_not_there_is_told_as_json():
    response = Client().post("/api/v1/contcats", {})
    assert response.status_code == 404
    assert response.json()["type"] == "client_error"


CHOSEN = [
    (path, parameter["name"])
    for path, operations in described()["paths"].items()
    for parameter in operations.get("get", {}).get("parameters", [])
    if parameter["in"] == "query" and {"enum", "format"} & set(parameter["schema"].get("items", parameter["schema"]))
]


@pytest.mark.parametrize("key", ["all"], indirect=True)
@pytest.mark.parametrize(("path", "name"), CHOSEN)
def test_a_filter_without_a_value_is_refused(path, name, key):
    address = path.replace("{id}", "0")
    response = Client().get(f"{address}?{name}=", headers={"Authorization": f"Bearer {key}"})
    assert response.status_code in (400, 404)


# --- requests made up from the description --------------------------------------------------------------
#
# 10,000 of them with --all, over every operation, three kinds of key, and both what the description allows and what it
# forbids; else a part.

READS = tuple(scope for scope in Scope.values if scope.endswith(":read") or scope == Scope.CHECK)
WRITES = tuple(scope for scope in Scope.values if scope.endswith(":write"))
KEYS = {"read": ("sales", READS), "write": ("sales", WRITES), "all": ("manager", tuple(Scope.values))}
MODES = {"allowed": GenerationMode.POSITIVE, "forbidden": GenerationMode.NEGATIVE}
OPERATIONS = [found.ok() for found in OPENAPI.get_all_operations()]
CASES = 10_000
PART = 900


@pytest.fixture
def key(db, settings, request) -> Iterator[str]:
    """In a database where something is found at id 0: schemathesis likes it, and no sequence gives it."""
    settings.API_RATE = 1_000_000
    settings.RETURN_PATH_DOMAIN = "bounces.example.com"
    role, scopes = KEYS[request.param]
    bounce = a_bounce("ada@example.org", pk=0)
    an_evidence(bounce)
    a_contact("ada@example.org", pk=0)
    an_inbound_item(pk=0)
    a_suppression("ada@example.org", pk=0)
    # As Django's own test client does: the test's transaction must outlive the requests.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield an_api_key(a_user(role), scopes)[1]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("key", KEYS, indirect=True)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_answers_are_as_described_whatever_is_asked(operation, mode, key, run_all):
    most = -(-(CASES if run_all else PART) // (len(OPERATIONS) * len(KEYS) * len(MODES)))

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=MODES[mode]))
    def check(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    try:
        check()
    except Unsatisfiable:
        assert mode == "forbidden"  # nothing is forbidden: no parameters, no body
