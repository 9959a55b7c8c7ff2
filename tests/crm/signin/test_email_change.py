"""Changing the sign-in address: by password, confirmed from the new mailbox, told to the old one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from crm.models import User
from crm.signin import email_change
from tests.builders import PASSWORD, a_user
from tests.crm.signin.trying import attempt, is_signed_in

pytestmark = pytest.mark.django_db
NEW = "new@example.org"


@pytest.fixture
def ada() -> Any:
    return a_user("sales", email="ada@example.org")


@pytest.fixture
def page(client, ada) -> Client:
    client.force_login(ada)
    return client


def ask(page: Client, email: str = NEW, password: str = PASSWORD) -> Any:
    return page.post("/accounts/email/", {"email": email, "password": password, "action_add": ""})


def link() -> str:
    [path] = [found for message in mail.outbox for found in re.findall(r"https?://[^/]+(/\S+)", str(message.body))]
    return str(path)


def email_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


def test_the_address_changes_once_the_new_mailbox_confirms_it(page, ada):
    ask(page)
    assert email_of(ada) == "ada@example.org"
    assert "Change the address" in Client().get(link()).content.decode()
    assert email_of(ada) == "ada@example.org"
    Client().post(link())
    assert email_of(ada) == NEW
    assert [message.to for message in mail.outbox] == [[NEW], ["ada@example.org"], ["ada@example.org"]]


def test_the_new_address_signs_in_and_the_old_one_does_not(page, ada):
    ask(page)
    Client().post(link())
    old, new = Client(), Client()
    attempt(old, "ada@example.org")
    attempt(new, NEW)
    assert (is_signed_in(old), is_signed_in(new)) == (False, True)
    mail.outbox.clear()
    Client().post("/accounts/password/reset/", {"email": "ada@example.org"})
    assert "/password/reset/key/" not in mail.outbox[0].body


@pytest.mark.parametrize("password", ["", "wrong"])
def test_without_the_password_nothing_is_sent(page, ada, password):
    ask(page, password=password)
    assert mail.outbox == []
    assert email_of(ada) == "ada@example.org"


def test_a_wrong_password_counts_as_a_failed_sign_in(page):
    assert [ask(page, password="wrong").status_code for _ in range(7)][-1] == 429


@pytest.mark.parametrize("taken", ["bob@example.org", "Bob@Example.ORG "])
def test_a_taken_address_is_answered_like_a_free_one(page, ada, taken):
    a_user("sales", email="bob@example.org")
    free = ask(page).content.decode().replace(NEW, "X")
    answer = ask(page, taken)
    assert answer.status_code == 200
    assert without_token(answer.content.decode().replace("bob@example.org", "X")) == without_token(free)
    told = [message.body for message in mail.outbox if message.to == ["bob@example.org"]]
    assert len(told) == 1
    assert "already" in told[0]
    assert "http" not in told[0]


def without_token(html: str) -> str:
    return re.sub(r'csrf\w*" value="[^"]+"|"X-CSRFToken": "[^"]+"|nonce="[^"]+"|csrf[^>]*content="[^"]+"', "", html)


def test_an_address_taken_meanwhile_is_refused_without_an_error(page, ada):
    ask(page)
    a_user("sales", email=NEW)
    answer = Client().post(link())
    assert answer.status_code == 200
    assert "not changed" in answer.content.decode()
    assert email_of(ada) == "ada@example.org"


def test_a_link_works_once(page, ada):
    ask(page)
    Client().post(link())
    User.objects.filter(pk=ada.pk).update(email="third@example.org")
    Client().post(link())
    assert email_of(ada) == "third@example.org"


def test_a_new_password_cancels_the_change(page, ada):
    ask(page)
    ada.set_password("quite another battery")
    ada.save()
    assert "does not work any more" in Client().get(link()).content.decode()
    Client().post(link())
    assert email_of(ada) == "ada@example.org"


def test_a_link_ends_after_a_day(page, ada):
    ask(page)
    token = link().split("/")[-2]
    now = timezone.now()
    assert email_change.read(token, now + timedelta(hours=23)) is not None
    assert not email_change.confirm(token, now + timedelta(hours=25))


def test_a_link_does_nothing_for_a_deactivated_account(page, ada):
    ask(page)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    Client().post(link())
    assert email_of(ada) == "ada@example.org"


@pytest.mark.parametrize("token", ["x", "gAAAAA", "%00", "a" * 4000])
def test_a_forged_link_is_answered_kindly(token):
    assert Client().get(f"/accounts/email/confirm/{token}/").status_code == 200
    assert Client().post(f"/accounts/email/confirm/{token}/").status_code == 200


def test_a_link_names_no_address_and_begins_no_session(page, ada):
    ask(page)
    assert "example" not in link()
    stranger = Client()
    stranger.post(link())
    assert not is_signed_in(stranger)


def test_strangers_are_sent_to_the_sign_in(client):
    assert client.post("/accounts/email/", {"email": NEW, "password": PASSWORD}).url.startswith("/accounts/login/")
