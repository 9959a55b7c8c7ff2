"""Users, keys and locks in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse

from crm.models import ApiKey, User
from tests.builders import PASSWORD, a_user
from tests.crm.admin_pages import act, url
from tests.crm.signin.trying import attempt

pytestmark = pytest.mark.django_db


def test_a_user_is_made_with_a_password_and_can_sign_in(signed_in, client):
    data = {"email": "New@Rebound.example", "name": "New", "role": "sales", "team": ""}
    data |= {"password1": PASSWORD, "password2": PASSWORD}
    signed_in.post(url(User, "add"), data)
    made = User.objects.get(email="new@rebound.example")
    assert made.check_password(PASSWORD)


def test_a_password_is_set_anew(signed_in):
    user = a_user("sales")
    data = {"password1": "another battery staple", "password2": "another battery staple"}
    signed_in.post(reverse("admin:auth_user_password_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert user.check_password("another battery staple")


def changed_user(user: User, **changed: Any) -> dict[str, Any]:
    return {"email": user.email, "name": user.name, "role": user.role, "team": "", "is_active": "on", **changed}


def test_role_and_activity_are_changed(signed_in):
    user = a_user("sales")
    data = changed_user(user, role="manager")
    del data["is_active"]
    signed_in.post(url(User, "change", user.pk), data)
    user.refresh_from_db()
    assert (user.role, user.is_active) == ("manager", False)


def test_admins_do_not_lock_themselves_out(signed_in, boss):
    signed_in.post(url(User, "change", boss.pk), changed_user(boss, role="sales"))
    data = changed_user(boss)
    del data["is_active"]
    signed_in.post(url(User, "change", boss.pk), data)
    boss.refresh_from_db()
    assert (boss.role, boss.is_active) == ("admin", True)


def test_users_are_never_deleted(signed_in):
    assert signed_in.post(url(User, "delete", a_user("sales").pk), {"post": "yes"}).status_code == 403


def test_a_key_is_shown_once_and_revoked(signed_in):
    data = {"name": "Zapier", "user": a_user("manager").pk, "scopes": ["check"]}
    page = signed_in.post(url(ApiKey, "add"), data)
    key = ApiKey.objects.get()
    secret = page.context["secret"]
    assert ApiKey.digest_of(secret) == bytes(key.digest)
    assert secret in page.content.decode()
    assert secret not in signed_in.get(url(ApiKey, "change", key.pk)).content.decode()
    act(signed_in, ApiKey, "revoke", key.pk)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_someone_paused_is_let_in_again(signed_in):
    user, outside = a_user("sales"), Client()
    for _ in range(6):
        attempt(outside, user.email, "wrong", address="203.0.113.4")
    assert attempt(outside, user.email, address="203.0.113.4").status_code == 429
    failure = AccessAttempt.objects.get(username=user.email)
    assert "paused" in signed_in.get(url(AccessAttempt, "change", failure.pk)).content.decode()
    act(signed_in, AccessAttempt, "unlock", failure.pk)
    assert attempt(outside, user.email, address="203.0.113.4").status_code == 302
