"""Limits of the sign-in: by account and address together and by address, never by account alone."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from crm.models import User
from crm.signin import records
from crm.signin.client import network_of
from tests.builders import PASSWORD, a_user
from tests.crm.signin.trying import attempt, code, is_signed_in, with_second_step, wrong_code

pytestmark = pytest.mark.django_db
ATTACKER, HOME = "198.51.100.66", "203.0.113.9"


def fail(email: str, times: int, address: str = ATTACKER, **headers: str) -> list[int]:
    return [attempt(Client(), email, f"wrong {n}", address, **headers).status_code for n in range(times)]


def test_a_sixth_wrong_password_from_one_address_is_refused():
    user = a_user("admin")
    assert fail(user.email, 7) == [200] * 5 + [429] * 2


def test_a_locked_account_refuses_the_right_password_too(client):
    user = a_user("admin")
    fail(user.email, 6)
    assert attempt(client, user.email, address=ATTACKER).status_code == 429
    assert not is_signed_in(client)


def test_nobody_is_locked_out_by_attempts_from_other_addresses(client):
    """Eight wrong passwords from eight addresses, and many more, for everybody's account and for none."""
    user = a_user("admin")
    for n in range(30):
        fail(user.email, 6, f"198.51.100.{n}")
        fail(f"nobody-{n}@example.org", 2, f"198.51.100.{n}")
    attempt(client, user.email, address=HOME)
    assert is_signed_in(client)


def test_one_address_has_its_own_limit_over_all_accounts():
    answers = [fail(f"nobody-{n}@example.org", 1)[0] for n in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_a_refused_attempt_does_not_prolong_the_lock():
    user = a_user("admin")
    fail(user.email, 5)
    counted = counters()
    fail(user.email, 4)
    assert {name: value for name, value in counters().items() if "/key:" in name} == {
        name: value for name, value in counted.items() if "/key:" in name
    }


def counters() -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, value FROM crm_cache WHERE key LIKE '%login_failed%' AND key NOT LIKE '%:lock'")
        return dict(cursor.fetchall())


@pytest.mark.parametrize("spelling", ["ADA@Example.org", " ada@example.org", "ada@example.org "])
def test_another_spelling_is_the_same_account(spelling):
    a_user("sales", email="ada@example.org")
    assert fail("ada@example.org", 5) == [200] * 5
    assert fail(spelling, 1) == [429]


def test_another_host_header_is_the_same_account():
    user = a_user("sales")
    answers = [fail(user.email, 1, HTTP_HOST=f"localhost:{port}")[0] for port in range(8000, 8007)]
    assert answers == [200] * 5 + [429] * 2


def test_a_forged_forwarded_address_is_ignored_without_proxies():
    user = a_user("sales")
    answers = [fail(user.email, 1, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")[0] for n in range(7)]
    assert answers == [200] * 5 + [429] * 2


def test_behind_a_proxy_only_its_own_entry_counts(settings):
    settings.PROXIES = 1
    user = a_user("sales")
    answers = [fail(user.email, 1, HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 192.0.2.5")[0] for n in range(7)]
    assert answers == [200] * 5 + [429] * 2
    assert fail(user.email, 1, HTTP_X_FORWARDED_FOR="192.0.2.5, 192.0.2.6") == [200]


@pytest.mark.parametrize("forwarded", ["", "nonsense", "1.2.3.4", ",,,", "a, b", "[::1", "9" * 5000])
def test_a_forwarded_header_of_any_shape_is_survived(settings, forwarded):
    settings.PROXIES = 2
    assert fail("nobody@example.org", 1, HTTP_X_FORWARDED_FOR=forwarded) == [200]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("[2001:db8::1]:443", "2001:db8::2"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
    ],
)
def test_addresses_of_one_client_are_one(rf, settings, one, other):
    settings.PROXIES = 1
    assert network_of(rf.get("/", HTTP_X_FORWARDED_FOR=one)) == network_of(rf.get("/", HTTP_X_FORWARDED_FOR=other))


def test_wrong_codes_of_the_second_step_are_limited_over_all_sessions_and_addresses():
    user = with_second_step(a_user("admin"))
    answers = []
    for n in range(8):
        client, address = Client(), f"198.51.100.{n}"
        attempt(client, user.email, address=address)
        answers.append(client.post("/accounts/2fa/authenticate/", {"code": wrong_code()}, REMOTE_ADDR=address))
    assert ["Too many" in answer.content.decode() for answer in answers] == [False] * 5 + [True] * 3
    client = Client()
    attempt(client, user.email, address=HOME)
    client.post("/accounts/2fa/authenticate/", {"code": code()}, REMOTE_ADDR=HOME)
    assert not is_signed_in(client)


def test_a_code_works_once():
    user = with_second_step(a_user("admin"))
    one, two, now = Client(), Client(), code()
    for client in (one, two):
        attempt(client, user.email)
        client.post("/accounts/2fa/authenticate/", {"code": now})
    assert (is_signed_in(one), is_signed_in(two)) == (True, False)


def reset_by_mail(user: User, password: str, address: str = HOME) -> None:
    """As somebody does who has the mailbox."""
    mail.outbox.clear()
    client = Client()
    client.post("/accounts/password/reset/", {"email": user.email}, REMOTE_ADDR=address)
    [message] = mail.outbox
    [link] = re.findall(r"https?://[^/]+(/\S+)", str(message.body))
    form = client.get(link, REMOTE_ADDR=address).url
    client.post(form, {"password1": password, "password2": password}, REMOTE_ADDR=address)


def test_a_reset_by_mail_works_while_locked_and_ends_the_lock(client):
    user = a_user("admin")
    fail(user.email, 6, HOME)
    assert attempt(client, user.email, address=HOME).status_code == 429
    reset_by_mail(user, "quite another battery")
    attempt(client, user.email, "quite another battery", HOME)
    assert is_signed_in(client)


def test_a_reset_by_mail_ends_the_lock_of_the_second_step(client):
    user = with_second_step(a_user("admin"))
    for n in range(6):
        thief = Client()
        attempt(thief, user.email, address=f"198.51.100.{n}")
        thief.post("/accounts/2fa/authenticate/", {"code": wrong_code()}, REMOTE_ADDR=f"198.51.100.{n}")
    reset_by_mail(user, "quite another battery")
    attempt(client, user.email, "quite another battery", HOME)
    client.post("/accounts/2fa/authenticate/", {"code": code()}, REMOTE_ADDR=HOME)
    assert is_signed_in(client)


def test_nobody_keeps_an_admin_from_a_link_by_asking_for_it():
    user = a_user("admin")
    for n in range(12):
        data = {"email": user.email}
        assert Client().post("/accounts/password/reset/", data, REMOTE_ADDR=f"198.51.100.{n}").status_code == 302
    assert len(mail.outbox) == 5
    assert Client().post("/accounts/password/reset/", data, REMOTE_ADDR=HOME).status_code == 302
    [link] = re.findall(r"https?://[^/]+(/\S+)", str(mail.outbox[0].body))
    assert Client().get(link).status_code == 302


def test_links_in_mails_lead_to_our_site_whatever_the_host_header_says(settings):
    settings.SITE_URL = "https://crm.example.org"
    user = a_user("sales")
    Client().post("/accounts/password/reset/", {"email": user.email}, HTTP_HOST="localhost:6666")
    [message] = mail.outbox
    assert "https://crm.example.org/accounts/password/reset/key/" in message.body
    assert "6666" not in message.body + message.subject


def test_a_reset_answers_the_same_for_accounts_that_do_not_exist(client):
    user = a_user("sales")
    known = client.post("/accounts/password/reset/", {"email": user.email}, follow=True)
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    assert len(mail.outbox) == 2


def test_what_is_typed_into_the_address_field_is_not_stored():
    """It may be a password. The whole database is looked at."""
    typed = "my-secret-password-1@example.org"
    fail(typed, 2)
    attempt(Client(), "ada@example.org", "another-secret-password")
    Client().post("/accounts/login/?next=/%3Fq=secret-in-query", {"login": typed, "password": "secret-3"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM \"{table}\" t WHERE t::text ILIKE '%secret%'")
            assert cursor.fetchone() == (0,), table
    assert {row.username for row in AccessAttempt.objects.all()} == {"(no such account)"}


def test_the_log_names_the_account_of_a_failed_sign_in():
    user = a_user("sales")
    fail(user.email.upper(), 1)
    failure = AccessAttempt.objects.get()
    assert (failure.username, failure.ip_address) == (user.email, ATTACKER)


def test_a_wrong_code_stands_in_the_log(client):
    user = with_second_step(a_user("sales"))
    attempt(client, user.email)
    client.post("/accounts/2fa/authenticate/", {"code": wrong_code()})
    failure = AccessAttempt.objects.get(username=user.email)
    assert failure.path_info == "/accounts/2fa/authenticate/"


def test_a_current_password_is_guessed_no_more_often_when_signed_in(client):
    user = a_user("sales")
    client.force_login(user)
    new = {"password1": "quite another battery", "password2": "quite another battery"}
    answers = [client.post("/accounts/password/change/", {"oldpassword": f"no {n}", **new}) for n in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_are_counted_each():
    user = a_user("admin")

    def one(n: int) -> int:
        try:
            return int(attempt(Client(), user.email, f"wrong {n}", ATTACKER).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert answers.count(200) <= 5
    assert set(answers) == {200, 429}


@pytest.mark.django_db(transaction=True)
def test_a_name_is_added_by_one_of_many():
    def one(n: int) -> bool:
        try:
            return cache.add("once", n, 60)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(24))).count(True) == 1


def test_the_cache_forgets_what_expired():
    cache.set("gone", 1, -1)
    cache.set("here", {"a": [1.5, None]}, 60)
    assert cache.get_many(["gone", "here"]) == {"here": {"a": [1.5, None]}}
    assert cache.add("gone", 2, 60)
    assert not cache.add("gone", 3, 60)


def test_signing_in_needs_no_redis(settings, client):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    user = a_user("admin")
    assert fail(user.email, 6) == [200] * 5 + [429]
    attempt(client, user.email, address=HOME)
    assert is_signed_in(client)


def test_old_sign_ins_and_counts_that_are_over_are_forgotten(client):
    user = a_user("sales")
    fail(user.email, 1)
    attempt(client, user.email, address=HOME)
    now = timezone.now()
    records.prune(now + timedelta(hours=2))
    assert AccessAttempt.objects.count() == AccessLog.objects.count() == 1
    records.prune(now + timedelta(days=8))
    assert (AccessAttempt.objects.count(), AccessLog.objects.count(), counters()) == (0, 1, {})
    records.prune(now + timedelta(days=401))
    assert AccessLog.objects.count() == 0
