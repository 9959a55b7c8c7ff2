"""A campaign is told to write only to addresses known to be alive, and its page says whom that leaves out."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.test_what_if import PHONE, has_no_sideways_scroll, look
from tests.builders import a_campaign, a_contact, a_user


def test_a_campaign_is_made_stricter(sign_in: Callable[[str], Page]) -> None:
    members = tuple(a_contact(f"{status}@b.example", status=status) for status in ("valid", "unverified", "at_risk"))
    campaign = a_campaign("Spring", members=members)
    page = sign_in(a_user("manager").email)
    page.goto(campaign.get_absolute_url())
    expect(page.locator("#results")).to_contain_text("which leaves out addresses with caution")

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Whom it writes to").select_option("valid")
    page.get_by_label("Days without a bounce").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("A number from 1 to 3,650 is needed")
    look(page, "campaign-form")
    page.get_by_label("Days without a bounce").fill("30")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#results")).to_contain_text("which writes only to addresses known to be alive")
    expect(page.locator("main")).to_contain_text("nobody with a bounce in the last 30 days")
    look(page, "campaign")
    page.get_by_role("link", name="Filter and act on them").click()
    page.locator("#filter-verdict").select_option("no")
    expect(page.locator("#results")).to_contain_text("2 contacts")
    look(page, "filter")
    page.set_viewport_size(PHONE)
    assert has_no_sideways_scroll(page)


def test_a_contact_says_who_shares_its_address(sign_in: Callable[[str], Page]) -> None:
    ada = a_contact("office@b.example", first_name="Ada", last_name="Lovelace")
    a_contact("office@b.example", first_name="Bob", last_name="Miller")
    page = sign_in(a_user("manager").email)
    page.goto(ada.get_absolute_url())

    page.get_by_role("link", name="Bob Miller").click()
    expect(page.locator("main")).to_contain_text("Shared with Ada Lovelace")
    look(page, "shared")
