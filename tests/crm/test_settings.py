"""What the settings make of the environment, each time in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.test import RequestFactory

from crm.logs import configure, mask_secrets

GOOD = {
    "REBOUND_PRODUCTION": "1",
    "SECRET_KEY": "A-k3y-0f-th1s-t3st-" * 4,
    "SUPPRESSION_KEY": "An0th3r-k3y-" * 6,
    "REBOUND_SECRETS_KEY": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "crm.example.org",
    "SITE_URL": "https://crm.example.org",
    "EMAIL_URL": "smtp://mail.example.org:25",
    "DATABASE_URL": "postgres://rebound@db.example.org/rebound",
    "REDIS_URL": "redis://queue.example.org",
}
SHOW = (
    "import json; from django.conf import settings as s; "
    "print(json.dumps({n: getattr(s, n) for n in ('DEBUG', 'ALLOWED_HOSTS', 'SESSION_COOKIE_SECURE', 'SECRET_KEY')}))"
)


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"DEBUG": "1"}, "rebound.E001"),
        ({"SECRET_KEY": ""}, "rebound.E002"),
        ({"SECRET_KEY": "short"}, "rebound.E002"),
        ({"SECRET_KEY": "a" * 60}, "rebound.E002"),
        ({"SECRET_KEY": "django-insecure-k3y-0f-th1s-t3st-8hf72ncqpx01vzmw-e6rty"}, "rebound.E002"),
        ({"REBOUND_RETURN_PATH_KEYS": "1:" + "a" * 40}, "rebound.E020"),
        ({"ALLOWED_HOSTS": ""}, "rebound.E003"),
        ({"ALLOWED_HOSTS": "*"}, "rebound.E003"),
        ({"SITE_URL": "http://crm.example.org"}, "rebound.E004"),
        ({"REBOUND_RETURN_PATH_KEYS": "1:short"}, "rebound.E005"),
    ],
)
def test_production_refuses_what_is_unsafe(environment, fault, tmp_path):
    refused = run([sys.executable, "manage.py", "check"], GOOD | environment, tmp_path)
    assert refused.returncode == 1
    assert fault in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"REBOUND_RETURN_PATH_KEYS": "one"}, "rebound.E005"),
        ({"REBOUND_RETURN_PATH_DOMAIN": "bounces example"}, "rebound.E006"),
        ({"REBOUND_RETURN_PATH_DAYS": "0"}, "rebound.E007"),
        ({"REBOUND_SECRETS_KEY": "abc"}, "rebound.E008"),
        ({"REBOUND_SECRETS_KEY": f"{Fernet.generate_key().decode()},abc"}, "rebound.E008"),
        ({"REBOUND_SMTP_LISTEN": "25"}, "rebound.E010"),
        ({"REBOUND_ALLOWED_NETWORKS": "10.1.0.0/16,home"}, "rebound.E011"),
    ],
)
def test_nonsense_is_refused_at_home_too(environment, fault, tmp_path):
    refused = run([sys.executable, "manage.py", "check"], environment, tmp_path)
    assert refused.returncode == 1
    assert fault in refused.stderr


def test_gunicorn_cannot_start_on_what_production_refuses(tmp_path):
    command = [sys.executable, "-c", "import crm.wsgi"]
    assert run(command, GOOD | {"DEBUG": "1"}, tmp_path).returncode == 1


def test_production_done_right_passes_every_check(tmp_path):
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    passed = run(command, GOOD, tmp_path)
    assert passed.returncode == 0, passed.stderr


def test_secrets_that_hang_on_the_secret_key_are_advised_against(tmp_path):
    command = [sys.executable, "manage.py", "check", "--deploy"]
    assert "rebound.W003" in run(command, GOOD | {"REBOUND_SECRETS_KEY": ""}, tmp_path).stderr


@pytest.mark.parametrize("given", ["", " ", ","])
def test_an_empty_secrets_key_is_none(given, tmp_path):
    shown = run(shell("print(unseal(seal('a secret')))"), {"REBOUND_SECRETS_KEY": given}, tmp_path)
    assert "a secret" in shown.stdout


def test_what_was_sealed_before_a_key_was_set_still_opens(tmp_path):
    sealed = run(shell("print(seal('a secret'))"), {"SECRET_KEY": "x" * 50}, tmp_path).stdout.split()[-1]
    opening = {"SECRET_KEY": "x" * 50, "REBOUND_SECRETS_KEY": Fernet.generate_key().decode()}
    assert "a secret" in run(shell(f"print(unseal('{sealed}'))"), opening, tmp_path).stdout


def shell(code):
    """Needs the settings and no server, which `manage.py shell` would start and migrate."""
    return [sys.executable, "-c", f"from bounces.sealing import seal, unseal; {code}"]


def test_a_start_at_home_keeps_a_key_of_its_own(tmp_path):
    first, second = shown({}, tmp_path), shown({}, tmp_path)
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len(first["SECRET_KEY"]) >= 50
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o077 == 0


def test_plain_http_is_for_this_machine(tmp_path):
    at_home = shown({}, tmp_path)
    assert at_home["SESSION_COOKIE_SECURE"] is False
    assert at_home["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]


def test_logs_mask_addresses_wherever_they_stand():
    event = {"event": "sent to ada@example.org", "extra": {"to": ["bob.b+c@example.com"]}, "n": 1}
    assert mask_secrets(None, "info", event) == {
        "event": "sent to a***@example.org",
        "extra": {"to": ["b***@example.com"]},
        "n": 1,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /contacts/?q=ada%40b.example&page=2", "GET /contacts/?q***%40b.example&page=2"),
        ("GET /contacts/?q=%3Cada%2Bx%40b.example%3E", "GET /contacts/?q***%40b.example%3E"),
        ("/next=/contacts/%3Fq%3Dada%2540b.example", "/next=/contacts/%3***%2540b.example"),
        ("http://rebound.example/bounces/ada%40b.example/", "http://rebound.example/bounces/a***%40b.example/"),
        ("zoë@b.example and ада@почта.example", "z***@b.example and а***@почта.example"),
        ("zo%C3%AB%40b.example", "z***%40b.example"),
        ('RCPT TO:<"ada lovelace"@b.example>', 'RCPT TO:<"a***@b.example>'),
        ("ada@[192.0.2.1]", "a***@[192.0.2.1]"),
        ("POST %2Fin%2Fkdl-BQpYP2r88egSNtgeeDSvgmBVTDf1%2F", "POST %2Fin%2Fkdl-***%2F"),
        ("?limit=400&after=40", "?limit=400&after=40"),
        ("100%40", "100%40"),
    ],
)
def test_logs_mask_addresses_in_every_encoding(text, shown):
    event = {"event": text, "referer": text, text: {text: [text]}}

    masked = mask_secrets(None, "info", event)

    assert (masked["event"], masked["referer"], masked[text]) == (shown, shown, {shown: [shown]})


@pytest.mark.parametrize("header", ["HTTP_REFERER", "QUERY_STRING", "PATH_INFO"])
@pytest.mark.parametrize("text", ["ada%40b.example", "ada%2540b.example", "ada@b.example", "ada%2Bx%40b.example"])
@pytest.mark.django_db
def test_no_line_of_a_request_holds_an_address(caplog, client, header, text):
    """Whatever a request brings: its lines are rendered as the handler renders them."""
    path = "/contacts/" if header != "PATH_INFO" else f"/nowhere/{text}/"
    query = f"q={text}" if header == "QUERY_STRING" else ""
    with caplog.at_level("INFO"):
        client.get(f"{path}?{query}", headers={"referer": f"http://a.example/?q={text}"})
    rendered = settings_formatter().format
    lines = [rendered(record) for record in caplog.records]
    assert lines
    assert [line for line in lines if text.lower() in line.lower()] == []


def settings_formatter() -> logging.Formatter:
    """The one of Django's LOGGING."""
    given = configure("json", "INFO")["formatters"]["structured"]
    make = given.pop("()")
    return make(**given)


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/bounces/ada@example.org/", "a***@example.org"), ("/in/kdl-BQpYP2r88egSNtgeeDSvgmBVTDf1/", "'/in/kdl-***/'")],
)
def test_logs_mask_the_path_of_a_request_too(path, shown):
    event = {"event": f"Forbidden: {path}", "request": RequestFactory().post(path)}

    masked = mask_secrets(None, "warning", event)

    assert shown in str(masked["request"])
    assert path not in f"{masked['event']} {masked['request']!r}"


@pytest.mark.django_db
def test_pages_allow_nothing_inline(client):
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_the_admin_alone_may_be_inline(admin_client):
    policy = admin_client.get("/admin/").headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy


def run(command, environment, tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        command,
        env=kept | {"DJANGO_SETTINGS_MODULE": "crm.settings", "REBOUND_VAR": str(tmp_path / "var")} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def shown(environment, tmp_path):
    done = run([sys.executable, "-c", SHOW], environment, tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
