"""The admin and the API's documentation work in a browser, and log no offence against the content policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.builders import a_contact, a_user

ADMIN = ["/admin/", "/admin/contacts/contact/", "/admin/crm/user/", "/admin/crm/user/add/", "/admin/crm/apikey/add/"]
ADMIN += ["/admin/contacts/contact/import/", "/admin/bounces/policy/", "/admin/queue/"]


@pytest.fixture
def boss(site):
    return a_user("admin", email="boss@example.org", name="Boss")


def offences(page) -> list[str]:
    found: list[str] = []
    page.on(
        "console", lambda message: found.append(message.text) if "Content Security Policy" in message.text else None
    )
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize("path", ADMIN)
def test_an_admin_page_works_without_inline_scripts(boss, sign_in, path):
    a_contact()
    page = sign_in(boss.email)
    found = offences(page)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert found == []
    if not path.startswith("/admin/queue"):
        expect(page.locator("html")).not_to_have_attribute("x-cloak", "")


def test_the_second_tab_and_the_theme_of_the_admin_still_switch(boss, sign_in):
    page = sign_in(boss.email)
    found = offences(page)
    page.goto("/admin/crm/user/")
    page.get_by_role("link", name="Boss").first.click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label("Email")).to_have_value("boss@example.org")
    assert found == []


def test_the_api_documentation_lists_the_operations(page):
    found = offences(page)
    page.goto("/api/v1/docs/")
    expect(page.get_by_text("/api/v1/contacts/", exact=True).first).to_be_visible()
    assert found == []
