"""One sign-in: no other view begins a session, and no page of a package is there that was not chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crm.models import User
from tests.builders import PASSWORD, a_user
from tests.crm.signin.trying import attempt, code, is_signed_in, with_second_step

pytestmark = pytest.mark.django_db
OURS = ("crm", "contacts", "bounces")

# Every page of a package that is exposed, by its name, and why. What a package adds is missing here and fails.
ACCOUNT_PAGES = {
    "account_login": "the one sign-in",
    "account_logout": "in everybody's menu",
    "account_inactive": "where somebody with a deactivated account is sent",
    "account_reauthenticate": "asks again for the password before the second step is changed",
    "account_change_password": "in everybody's menu",
    "account_reset_password": "linked from the sign-in",
    "account_reset_password_done": "follows the request for a link",
    "account_reset_password_from_key": "the link in the mail",
    "account_reset_password_from_key_done": "follows the new password",
    "mfa_index": "in everybody's menu",
    "mfa_authenticate": "the second step",
    "mfa_reauthenticate": "asks again, by a code",
    "mfa_activate_totp": "linked from mfa_index",
    "mfa_deactivate_totp": "linked from mfa_index",
    "mfa_view_recovery_codes": "linked from mfa_index",
    "mfa_generate_recovery_codes": "linked from mfa_index",
    "mfa_download_recovery_codes": "linked from the recovery codes",
}
ADMIN_PAGES = {
    "admin:index": "the overview",
    "admin:search": "the search field of the admin",
    "admin:autocomplete": "fields that search while typing",
    "admin:jsi18n": "words of the date picker",
    "admin:view_on_site": "“View on site”; only for staff",
    "admin:app_list": "the groups in the breadcrumbs",
    "admin:auth_user_password_change": "an admin sets another user's password",
    "admin:contacts_contact_import": "import-export's page, in our dress",
    "admin:contacts_contact_process_import": "import-export's second page",
    "admin:contacts_contact_export": "import-export's export",
    "admin:": "redirects old addresses of rows; answers 404 for all else",
}
API_PAGES = {"api:schema": "the API's description", "api:docs": "the API's documentation"}
QUEUE_PAGES = {
    f"django_rq:{name}": "the queue dashboard, for staff"
    for name in (
        "home", "home_json", "jobs", "queue_details", "finished_jobs", "failed_jobs", "delete_failed_jobs",
        "scheduled_jobs", "started_jobs", "deferred_jobs", "clear", "requeue_all", "job_detail", "result_detail",
        "delete_job", "requeue_job", "enqueue_job", "stop_job", "confirm_action", "actions", "workers",
        "worker_details", "scheduler_jobs", "cron_scheduler_detail", "cron_job_detail",
    )
}  # fmt: skip
EXPOSED = ACCOUNT_PAGES | ADMIN_PAGES | API_PAGES | QUEUE_PAGES
# Each model of the admin has these; which models are registered, tests/crm/test_admin.py says.
OF_A_MODEL = re.compile(r"admin:(bounces|contacts|crm|axes|mfa|admin)_[a-z]+_(changelist|add|change|delete|history)")


class View(NamedTuple):
    path: str
    name: str
    module: str


def views(patterns: Any = None, before: str = "", space: str = "") -> Iterator[View]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, path, pattern.namespace or space)
        elif isinstance(pattern, URLPattern):
            name = pattern.name or ""
            yield View(path, f"{space}:{name}" if space else name, module_of(pattern.callback))


def module_of(view: Any) -> str:
    """Where the view itself is written, below its decorators."""
    while hasattr(view, "__wrapped__") and not hasattr(view, "view_class"):
        view = view.__wrapped__
    return str(getattr(view, "view_class", getattr(view, "cls", view)).__module__)


def filled(path: str) -> str:
    """The path with something in each of its places."""
    path = re.sub(r"\(\?P<\w+>[^()]*(\([^()]*\))?[^()]*\)\??", "1", path).replace("^", "").replace("$", "")
    return "/" + re.sub(r"<[^<>]+>", "1", path).replace("/?", "/").replace("\\", "")


def test_every_page_of_a_package_was_chosen():
    foreign = {view.name for view in views() if view.module.split(".")[0] not in OURS}
    assert {name for name in foreign if name not in EXPOSED and not OF_A_MODEL.fullmatch(name)} == set()


def test_every_chosen_page_is_there():
    there = {view.name for view in views()}
    assert set(EXPOSED) - there == set()


def credentials(user: User) -> dict[str, str]:
    """Under every name that a sign-in page might ask for."""
    names = ("login", "username", "email", "user", "identifier")
    return {**dict.fromkeys(names, user.email), "password": PASSWORD, "next": "/", "action": "login"}


def opened_by(user: User, path: str, **how: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.post(path, credentials(user), **how)
    return client


def test_only_the_sign_in_page_begins_a_session():
    user = a_user("admin")
    paths = {filled(view.path) for view in views()}
    assert len(paths) > 300
    assert {path for path in paths if is_signed_in(opened_by(user, path))} == {"/accounts/login/"}


def test_no_page_begins_a_session_without_the_second_step():
    user = with_second_step(a_user("admin"))
    paths = {filled(view.path) for view in views()}
    assert {path for path in paths if is_signed_in(opened_by(user, path))} == set()


def test_json_and_headers_begin_no_session_either():
    user = with_second_step(a_user("admin"))
    for path in ("/accounts/login/", "/admin/login/", "/api/v1/contacts/", "/_allauth/browser/v1/auth/login"):
        client = opened_by(user, path, content_type="application/json", HTTP_ACCEPT="application/json")
        assert not is_signed_in(client)
        assert client.get("/api/v1/contacts/").status_code == 401


def test_the_admins_sign_in_leads_to_the_one_sign_in(client):
    answer = client.post("/admin/login/?next=/admin/crm/user/", credentials(a_user("admin")))
    assert answer.url == "/accounts/login/?next=%2Fadmin%2Fcrm%2Fuser%2F"


def test_the_admins_sign_in_leads_nowhere_else(client):
    assert client.get("/admin/login/?next=https://evil.example/").url == "/accounts/login/?next=%2Fadmin%2F"


def test_an_admin_signs_nobody_else_in_at_the_admins_sign_in(signed_in, boss):
    other = with_second_step(a_user("admin"))
    signed_in.post("/admin/login/", credentials(other))
    assert signed_in.session["_auth_user_id"] == str(boss.pk)


def test_somebody_who_is_no_admin_is_told_so_at_the_admins_sign_in(client):
    client.force_login(a_user("manager"))
    assert client.get("/admin/login/").status_code == 403


def test_the_admins_password_page_leads_to_the_one_with_limits(signed_in, boss):
    before = boss.password
    data = {"old_password": PASSWORD, "new_password1": "another battery", "new_password2": "another battery"}
    assert signed_in.post("/admin/password_change/", data).url == reverse("account_change_password")
    boss.refresh_from_db()
    assert boss.password == before


def test_signing_out_of_the_admin_ends_the_session(signed_in):
    assert signed_in.get("/admin/logout/").url == "/accounts/logout/"
    assert is_signed_in(signed_in)
    signed_in.post("/admin/logout/")
    assert not is_signed_in(signed_in)


def test_an_admin_passes_both_steps(client):
    user = with_second_step(a_user("admin"))
    assert attempt(client, user.email).url == "/accounts/2fa/authenticate/"
    assert client.get("/admin/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert client.get("/admin/").status_code == 200


def test_every_account_page_is_in_our_dress(client):
    user = a_user("sales")
    pages = ["account_login", "account_logout", "account_inactive", "account_signup", "account_reset_password"]
    pages += ["account_reset_password_done", "account_reset_password_from_key_done", "account_reauthenticate"]
    pages += ["account_email", "account_change_password", "mfa_index"]
    for name in pages:
        if name in (
            "account_logout",
            "account_reauthenticate",
            "account_email",
            "account_change_password",
            "mfa_index",
        ):
            client.force_login(user)
        else:
            client.logout()
        page = client.get(reverse(name))
        assert page.status_code == 200, name
        assert "crm/rebound.css" in page.content.decode(), name
