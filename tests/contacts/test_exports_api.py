"""Exports by the API: each list as its page shows it, to whoever may see it and asked for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from contacts.exporting import runs
from contacts.models import Export
from tests.builders import (
    a_bounce,
    a_cleaning_row,
    a_cleaning_run,
    a_contact,
    a_segment,
    a_suppression,
    a_user,
    an_address,
    days_ago,
)
from tests.contacts.exporting import begun, body, clock, new
from tests.tools import Tool, a_tool, errors_of

pytestmark = pytest.mark.django_db


def test_the_api_exports_what_fits():
    a_contact("ada@example.org", status="invalid")
    a_contact("bob@example.org")
    tool = a_tool("contacts:read", role="sales")
    asked = tool.post("exports/", {"format": "jsonl", "filter": {"status": ["invalid"]}, "columns": ["email"]})
    assert (asked.status_code, asked.json()["state"], asked.json()["file"]) == (202, "waiting", None)
    assert tool.get(f"exports/{asked.json()['id']}/file/").status_code == 409
    runs.work(clock)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    done = tool.get(f"exports/{asked.json()['id']}/").json()
    assert (done["state"], done["rows"]) == ("done", 1)
    response = tool.client.get(done["file"])
    assert body(response) == '{"email": "ada@example.org"}\n'


def test_the_api_gives_exports_to_whoever_asked():
    export = begun(a_user("sales"))
    assert a_tool("contacts:read").get(f"exports/{export.pk}/").status_code == 404
    assert a_tool("contacts:read", user=export.by).get(f"exports/{export.pk}/").status_code == 200
    assert a_tool("check").post("exports/", {}).status_code == 403


def made_by(tool: Tool, **asked: Any) -> str:
    """The file that a tool gets of what it asks for."""
    export = tool.post("exports/", asked)
    assert export.status_code == 202, export.json()
    runs.work(clock)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    return body(tool.get(f"exports/{export.json()['id']}/file/"))


def test_the_api_exports_the_other_lists_as_their_pages_do(client: Client):
    a_bounce("gone@example.org")
    a_bounce("full@example.org", kind="soft")
    a_suppression("never@example.org")
    run = a_cleaning_run()
    a_cleaning_row(run, an_address("late@example.org"))
    user = a_user("manager")
    tool = a_tool(user=user)
    client.force_login(user)
    for what, keys, query in (
        ("bounces", ["email", "kind"], {"kind": "hard"}),
        ("suppressions", ["target", "reason"], {}),
        ("cleaning", ["email", "to"], {"run": run.pk}),
    ):
        page = body(new(client, f"?{urlencode({'what': what, **query})}", columns=keys))
        assert page.count("\r\n") == 2
        assert made_by(tool, what=what, columns=keys, filter=query) == page


def test_the_api_exports_a_segment():
    a_contact("ada@example.org", country="GB")
    a_contact("bob@example.org")
    segment = a_segment("British", country=["GB"])
    filed = made_by(a_tool(), filter={"segment": segment.pk}, columns=["email"])
    assert filed == "email\r\nada@example.org\r\n"


def test_all_suppressions_are_those_of_any_state():
    a_suppression("never@example.org")
    a_suppression("once@example.org", expires_at=days_ago(1))
    tool = a_tool()
    assert "once@" not in made_by(tool, what="suppressions")
    assert "once@" in made_by(tool, what="suppressions", filter={"state": ""})


@pytest.mark.parametrize(
    ("what", "scope", "role", "status"),
    [
        ("bounces", "bounces:read", "sales", 202),
        ("bounces", "contacts:read", "manager", 403),
        ("contacts", "bounces:read", "manager", 403),
        ("cleaning", "bounces:read", "sales", 202),
        ("cleaning", "contacts:read", "manager", 403),
        ("suppressions", "suppressions:read", "manager", 202),
        ("suppressions", "suppressions:read", "sales", 403),
        ("suppressions", "bounces:read", "manager", 403),
    ],
)
def test_each_list_needs_its_scope_and_its_permission(what: str, scope: str, role: str, status: int):
    query = {"run": a_cleaning_run().pk} if what == "cleaning" else {}
    user = a_user(role)
    assert a_tool(scope, user=user).post("exports/", {"what": what, "filter": query}).status_code == status
    export = begun(user)
    Export.objects.update(subject=what)
    for path in (f"exports/{export.pk}/", f"exports/{export.pk}/file/"):
        assert (a_tool(scope, user=user).get(path).status_code == 403) == (status == 403)


def test_nobody_learns_of_an_export_without_a_key(client: Client):
    export = begun(a_user("sales"))
    assert client.post("/api/v1/exports/", {"what": "bounces"}, content_type="application/json").status_code == 401
    assert client.get(f"/api/v1/exports/{export.pk}/").status_code == 401


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"what": "users"}, "what"),
        ({"what": ["bounces"]}, "what"),
        ({"what": "bounces", "filter": {"status": ["invalid"]}}, "filter"),
        ({"what": "bounces", "filter": {"kind": ["hard", "soft"]}}, "filter"),
        ({"what": "bounces", "filter": {"kind": "nonsense"}}, "filter"),
        ({"what": "bounces", "columns": ["first_name"]}, "columns"),
        ({"what": "cleaning"}, "filter"),
        ({"what": "cleaning", "filter": {"run": 99}}, "filter"),
        ({"filter": {"status": ["nonsense"]}}, "filter"),
        ({"filter": {"password": ["x"]}}, "filter"),
        ({"filter": {"status": {"is": "invalid"}}}, "filter"),
        ({"filter": {"status": None}}, "filter"),
        ({"filter": {"tag": []}}, "filter"),
        ({"filter": {"tag": [["vip"]]}}, "filter"),
        ({"columns": ["password"]}, "columns"),
        ({"colums": ["email"]}, "colums"),
        ({"format": "exe"}, "format"),
    ],
)
def test_the_api_says_what_is_wrong(asked: dict[str, Any], attr: str):
    response = a_tool("contacts:read", "bounces:read").post("exports/", asked)
    assert (response.status_code, list(errors_of(response))) == (400, [attr])


def test_the_api_exports_for_another_tool():
    a_contact("ada@example.org", phone="+4930901820")
    tool = a_tool("contacts:read")
    asked = tool.post("exports/", {"preset": "hubspot"})
    assert (asked.status_code, asked.json()["preset"]) == (202, "hubspot")
    runs.work(clock)
    assert b"".join(runs.body_of(Export.objects.get())).startswith(b"Record ID,First Name")


def test_the_api_names_what_is_wrong_with_a_preset():
    tool = a_tool("contacts:read", "bounces:read")
    assert "preset" in errors_of(tool.post("exports/", {"preset": "pigeon"}))
    assert "preset" in errors_of(tool.post("exports/", {"preset": "hubspot", "what": "bounces"}))
    assert "columns" in errors_of(tool.post("exports/", {"preset": "hubspot", "columns": ["email"]}))


def test_the_api_exports_campaigns():
    asked = a_tool("contacts:read").post("exports/", {"what": "campaigns", "filter": {"state": "running"}})
    assert (asked.status_code, asked.json()["filter"]) == (202, {"state": "running"})
