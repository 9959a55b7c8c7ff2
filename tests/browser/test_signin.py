"""Sign-in, the way back to a forgotten password, the theme and the navigation of phones, as people use them."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from tests.builders import PASSWORD, a_user

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def ada(site):
    return a_user("manager", email="ada@example.org", name="Ada Lovelace")


def fill_in(page, email, password):
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_whoever_signs_in_lands_on_the_dashboard(ada, page):
    fill_in(page, ada.email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    expect(page.get_by_role("button", name="Ada Lovelace")).to_be_visible()


def test_a_wrong_password_is_told_and_the_address_kept(ada, page):
    fill_in(page, ada.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    expect(page.get_by_label("E-mail address")).to_have_value(ada.email)


def test_nobody_is_invited_to_sign_up(page):
    page.goto("/accounts/login/")
    expect(page.get_by_role("link", name=re.compile("sign up", re.IGNORECASE))).to_have_count(0)
    page.goto("/accounts/signup/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Accounts are made by your administrator")


def test_signing_out_leads_back_to_the_sign_in(ada, sign_in):
    page = sign_in(ada.email)
    page.goto("/")
    page.get_by_role("button", name="Ada Lovelace").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_forgotten_password_is_reset_by_mail(ada, page, site, settings):
    settings.SITE_URL = site  # where the link in the mail leads
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email").fill(ada.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    [message] = mail.outbox
    assert "Set a new password" in message.subject
    [link] = re.findall(r"https?://\S+", str(message.body))
    page.goto(link)
    page.get_by_label("New Password", exact=True).fill("a quite new battery")
    page.get_by_label("New Password (again)").fill("a quite new battery")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new password is set")
    fill_in(page, ada.email, "a quite new battery")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def test_a_link_works_once(ada, page):
    page.goto("/accounts/password/reset/key/1-used-already/")
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_follows_the_system(new_context, system):
    page = new_context(color_scheme=system).new_page()
    page.goto("/accounts/login/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", system)


def test_the_chosen_theme_is_remembered(new_context):
    page = new_context(color_scheme="light").new_page()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_a_slash_puts_the_cursor_into_the_search(ada, sign_in):
    page = sign_in(ada.email)
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search contacts")).to_be_focused()


def test_the_first_tab_stop_skips_to_the_content(ada, sign_in):
    page = sign_in(ada.email)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_phone_finds_every_page_behind_more(ada, new_context):
    page = new_context(viewport=PHONE).new_page()
    fill_in(page, ada.email, PASSWORD)
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_role("button", name="More").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Companies").click()
    page.wait_for_url("**/companies/")


def test_the_dashboard_fits_a_phone(ada, new_context):
    page = new_context(viewport=PHONE).new_page()
    fill_in(page, ada.email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_dashboard_breaks_no_rule_of_the_content_policy(ada, page):
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    fill_in(page, ada.email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    assert errors == []
