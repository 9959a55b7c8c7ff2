"""Keys: made on a page, seen once, refused when revoked; each acts as its user and never with more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm.api import throttles
from crm.models import ApiKey, Scope
from crm.scopes import PERMISSIONS
from tests.builders import a_user, an_api_key
from tests.tools import Tool, a_tool, errors_of

pytestmark = pytest.mark.django_db
KEYS = "/accounts/keys/"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


# --- the page ---------------------------------------------------------------------------------------


def test_the_page_is_where_the_menu_says():
    assert reverse("crm:api_keys") == KEYS


def test_strangers_are_sent_to_sign_in():
    assert Client().get(KEYS).status_code == 302


def test_a_new_key_is_shown_once_and_works():
    user = a_user("sales")
    page = signed_in(user).post(KEYS, {"name": "Sync", "scopes": ["contacts:read"]})
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert Tool(user, secret).get("contacts/").status_code == 200
    assert secret not in signed_in(user).get(KEYS).content.decode()


def test_the_answer_with_the_secret_is_kept_by_no_cache():
    page = signed_in(a_user()).post(KEYS, {"name": "Sync", "scopes": ["contacts:read"]})
    assert "no-store" in page.headers["Cache-Control"]


def test_only_a_hash_of_the_key_is_stored():
    key, secret = an_api_key()
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(stored)
    assert bytes(stored["digest"]) == ApiKey.digest_of(secret)


@pytest.mark.parametrize(("role", "may"), [("sales", False), ("manager", True), ("admin", True)])
def test_only_who_may_upload_bounces_makes_a_key_that_reports_them(role, may):
    user = a_user(role)
    signed_in(user).post(KEYS, {"name": "Sender", "scopes": ["events:write"]})
    assert user.api_keys.exists() is may


@pytest.mark.parametrize("fields", [{}, {"name": "x"}, {"name": "x", "scopes": ["everything"]}, {"scopes": ["check"]}])
def test_what_is_missing_or_unknown_makes_no_key(fields):
    page = signed_in(a_user()).post(KEYS, fields)
    assert page.context["form"].errors
    assert not ApiKey.objects.exists()


def test_keys_do_not_pile_up_without_end(monkeypatch):
    monkeypatch.setattr("crm.views.api_keys.MOST_KEYS", 1)
    user = a_user()
    for _ in range(2):
        page = signed_in(user).post(KEYS, {"name": "Sync", "scopes": ["contacts:read"]})
    assert "Revoke one" in page.content.decode()
    assert user.api_keys.count() == 1


def test_a_revoked_key_is_refused():
    tool = a_tool()
    key = tool.user.api_keys.get()
    signed_in(tool.user).post(f"{KEYS}{key.pk}/revoke/")
    assert tool.get("contacts/").status_code == 401


def test_nobody_revokes_another_ones_key_nor_sees_it():
    key, _ = an_api_key(name="Hers alone")
    other = signed_in(a_user("admin"))
    assert other.post(f"{KEYS}{key.pk}/revoke/").status_code == 404
    assert "Hers alone" not in other.get(KEYS).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_look_at_the_revoke_link_revokes_nothing():
    key, _ = an_api_key()
    assert signed_in(key.user).get(f"{KEYS}{key.pk}/revoke/").status_code == 405


def test_the_page_takes_the_same_queries_however_many_keys(django_assert_max_num_queries):
    user = a_user()
    for _ in range(20):
        an_api_key(user)
    client = signed_in(user)
    with django_assert_max_num_queries(4):
        client.get(KEYS)


# --- who calls --------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer rb_nobody", "Basic cmI6eA==", "Bearer \xfc"])
def test_without_a_key_that_we_know_the_answer_is_401(header):
    response = Client(headers={"authorization": header}).get("/api/v1/contacts/")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["type"] == "client_error"


def test_the_key_of_a_deactivated_user_is_refused():
    tool = a_tool()
    tool.user.is_active = False
    tool.user.save()
    assert tool.get("contacts/").status_code == 401


def test_its_use_is_noted_at_most_once_a_minute():
    tool = a_tool()
    key = tool.user.api_keys.get()
    tool.get("contacts/")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    tool.get("contacts/")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(minutes=2))
    tool.get("contacts/")
    assert ApiKey.objects.get(pk=key.pk).last_used_at > first


# --- what it may ------------------------------------------------------------------------------------

CALLS = {
    "contacts:read": ("get", "contacts/"),
    "contacts:write": ("post", "contacts/"),
    "bounces:read": ("get", "bounces/"),
    "events:write": ("post", "events/"),
    "suppressions:read": ("get", "suppressions/"),
    "suppressions:write": ("post", "suppressions/"),
    "check": ("post", "check/"),
}


def call(tool: Tool, scope: str) -> int:
    method, path = CALLS[scope]
    return (tool.get(path) if method == "get" else tool.post(path, {})).status_code


def test_every_scope_has_a_permission_and_a_test():
    assert set(PERMISSIONS) == set(Scope)
    assert set(CALLS) == set(Scope.values)


@pytest.mark.parametrize("scope", Scope.values)
def test_a_key_does_what_its_scope_says_and_nothing_else(scope):
    tool = a_tool(scope)
    assert {each for each in CALLS if call(tool, each) != 403} == {scope}


def test_a_refusal_names_the_missing_scope():
    response = a_tool("check").get("contacts/")
    assert "contacts:read" in errors_of(response)[None]


def test_a_key_loses_what_its_user_loses():
    tool = a_tool("events:write")
    assert call(tool, "events:write") == 400
    tool.user.role = "sales"
    tool.user.save()
    assert call(tool, "events:write") == 403


def test_a_session_does_what_its_user_may():
    sales, manager = (signed_in(a_user(role)) for role in ("sales", "manager"))
    assert sales.get("/api/v1/contacts/").status_code == 200
    assert sales.post("/api/v1/events/", {}, content_type="application/json").status_code == 403
    assert manager.post("/api/v1/events/", {}, content_type="application/json").status_code == 400


def test_a_session_needs_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_user("manager"))
    assert client.post("/api/v1/check/", {"addresses": []}, content_type="application/json").status_code == 403


def test_a_key_needs_no_csrf_token():
    _, secret = an_api_key(scopes=("check",))
    client = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {secret}"})
    assert client.post("/api/v1/check/", {"addresses": []}, content_type="application/json").status_code == 200


# --- how often --------------------------------------------------------------------------------------


@pytest.fixture
def counted(redis, monkeypatch):
    throttles.connection.cache_clear()
    monkeypatch.setattr(throttles, "_paused_until", 0.0)
    yield
    throttles.connection.cache_clear()


def test_a_key_above_its_rate_waits_and_another_does_not(counted, settings, monkeypatch):
    settings.API_RATE = 2
    monkeypatch.setattr(throttles.time, "time", lambda: 1_800_000_010.0)
    busy, calm = a_tool(), a_tool()
    assert [busy.get("contacts/").status_code for _ in range(3)] == [200, 200, 429]
    assert calm.get("contacts/").status_code == 200
    assert busy.get("contacts/").headers["Retry-After"] == "50"


def test_without_redis_the_api_answers(counted, settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    settings.API_RATE = 0
    assert a_tool().get("contacts/").status_code == 200
