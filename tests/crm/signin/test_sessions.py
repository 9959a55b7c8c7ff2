"""Sessions: none survives a sign-in under its old name, a changed password, or a deactivated account."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse

from crm.models import ApiKey
from tests.builders import PASSWORD, a_user
from tests.crm.admin_pages import url
from tests.crm.signin.trying import attempt, code, is_signed_in, with_second_step

pytestmark = pytest.mark.django_db
NEW = "quite another battery"


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def works(client: Client) -> bool:
    return bool(client.get("/contacts/").status_code == 200)


def test_a_planted_session_is_worth_nothing_after_the_sign_in(client):
    """Fixation: the attacker's session id, planted before the victim signs in."""
    client.get("/accounts/password/reset/key/1-x/")
    client.session["planted"] = True
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    attempt(client, a_user("sales").email)
    attacker = Client()
    attacker.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert cookie(client) != session.session_key
    assert works(client)
    assert not works(attacker)
    assert not Session.objects.filter(pk=session.session_key).exists()


def test_an_invented_session_id_is_not_taken(client):
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    attempt(client, a_user("sales").email)
    assert cookie(client) != "a" * 32


def test_each_step_of_a_sign_in_has_a_new_session_id(client):
    user = with_second_step(a_user("sales"))
    attempt(client, user.email)
    between = cookie(client)
    assert not works(client)
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert works(client)
    assert cookie(client) != between
    assert not Session.objects.filter(pk=between).exists()


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client):
    attempt(client, a_user("sales").email)
    morsel = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (morsel["httponly"], morsel["samesite"]) == (True, "Lax")


def test_signing_out_ends_the_session_itself(client):
    attempt(client, a_user("sales").email)
    stolen = Client()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = cookie(client)
    assert works(stolen)
    client.post("/accounts/logout/")
    assert not works(stolen)


def changed_by_user(client: Client, user: Any) -> None:
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})


def changed_by_admin(client: Client, user: Any) -> None:
    boss = Client()
    boss.force_login(a_user("admin"))
    boss.post(reverse("admin:auth_user_password_change", args=[user.pk]), {"password1": NEW, "password2": NEW})


@pytest.mark.parametrize("change", [changed_by_user, changed_by_admin])
def test_every_session_ends_when_the_password_changes(change):
    user = a_user("sales")
    clients = [Client(), Client()]
    for client in clients:
        attempt(client, user.email)
    assert all(works(client) for client in clients)
    change(clients[0], user)
    assert [works(client) for client in clients] == [False, False]


def test_a_sign_in_begun_with_the_old_password_does_not_end_in_a_session(client):
    user = with_second_step(a_user("sales"))
    attempt(client, user.email)
    user.set_password(NEW)
    user.save()
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert not is_signed_in(client)


def test_an_account_switched_off_between_the_steps_does_not_get_in(client):
    user = with_second_step(a_user("sales"))
    attempt(client, user.email)
    user.is_active = False
    user.save()
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert not is_signed_in(client)


def test_a_deactivated_user_is_out_within_five_seconds_with_every_key(signed_in):
    """By the admin's own form, as an admin does it."""
    user = a_user("manager")
    person, reset = Client(), Client()
    attempt(person, user.email)
    _key, secret = ApiKey.issue(user, "Zapier", ["contacts:read"])
    bearer: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert works(person)
    assert Client().get("/api/v1/contacts/", **bearer).status_code == 200
    start = time.monotonic()
    signed_in.post(
        url(type(user), "change", user.pk), {"email": user.email, "name": "M", "role": "manager", "team": ""}
    )
    assert not works(person)
    assert person.get("/api/v1/contacts/").status_code == 401
    assert Client().get("/api/v1/contacts/", **bearer).status_code == 401
    assert time.monotonic() - start < 5
    reset.post("/accounts/password/reset/", {"email": user.email})
    assert "/password/reset/key/" not in mail.outbox[-1].body


def test_a_changed_password_offers_to_revoke_the_keys(client):
    user = a_user("manager")
    client.force_login(user)
    assert "revoke_keys" not in client.get("/accounts/password/change/").content.decode()
    key, secret = ApiKey.issue(user, "Zapier", ["contacts:read"])
    other, _secret = ApiKey.issue(a_user("manager"), "Another's", ["contacts:read"])
    assert "Revoke 1 API key" in client.get("/accounts/password/change/").content.decode()
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, "revoke_keys": "on"}
    client.post("/accounts/password/change/", data)
    key.refresh_from_db()
    other.refresh_from_db()
    assert key.revoked_at is not None
    assert other.revoked_at is None
    assert Client().get("/api/v1/contacts/", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 401


def test_a_changed_password_keeps_the_keys_unless_told(client):
    user = a_user("manager")
    key, _secret = ApiKey.issue(user, "Zapier", ["contacts:read"])
    client.force_login(user)
    changed_by_user(client, user)
    key.refresh_from_db()
    assert key.revoked_at is None


def test_an_admin_who_sets_a_password_may_revoke_the_keys_too(signed_in):
    user = a_user("manager")
    key, _secret = ApiKey.issue(user, "Zapier", ["contacts:read"])
    page = reverse("admin:auth_user_password_change", args=[user.pk])
    assert "Revoke 1 API key" in signed_in.get(page).content.decode()
    signed_in.post(page, {"password1": NEW, "password2": NEW, "revoke_keys": "on"})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_changed_password_is_told_by_mail(client):
    user = a_user("sales")
    client.force_login(user)
    changed_by_user(client, user)
    [message] = mail.outbox
    assert (message.to, message.subject) == ([user.email], "Your password was changed")


def test_no_second_address_signs_anybody_in(client):
    """allauth keeps addresses beside the user's own; nothing we expose writes them."""
    user = with_second_step(a_user("sales"))
    attempt(client, user.email)
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    for page in ("/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/reauthenticate/"):
        client.get(page)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/password/reset/", {"email": user.email})
    assert EmailAddress.objects.count() == 0
