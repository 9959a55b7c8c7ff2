"""The queue of duplicates by keyboard, at a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.duplicates import finding, runs
from contacts.models import Contact, DuplicatePair, Merge
from tests.browser.conftest import PHONE, shoot
from tests.builders import a_campaign, a_company, a_contact, a_custom_field, a_user


@pytest.fixture
def manager(sign_in: Callable[[str], Page]) -> Page:
    """Three pairs to decide, the first of which differs in three fields; one certain pair of companies."""
    user = a_user("manager", name="Mia Manager")
    a_custom_field("size", label="Team size")
    first = a_contact(
        "grace@navy.example", first_name="Grace", last_name="Hopper", company="Navy Computing", title="Admiral",
        phone="+1 555 0100", custom={"size": "10"}, tags=("vip",), owner=user, status="valid",
    )  # fmt: skip
    a_contact(
        "grace.hopper@gmail.com", first_name="Grace", last_name="Hopper", company="Navy Computing", title="Professor",
        phone="+1 555 0100", custom={"size": "12"}, tags=("speaker",), status="at_risk",
    )  # fmt: skip
    a_campaign("Spring launch", members=(first,))
    a_contact("bob@engines.example", first_name="Bob", last_name="Babbage", company="Engines")
    a_contact("robert@elsewhere.example", first_name="Robert", last_name="Babbage", company="Engines")
    a_contact("ada@poetry.example", first_name="Ada", last_name="Lovelace", company="Poetry")
    a_contact("ada@science.example", first_name="Lovelace", last_name="Ada", company="Poetry")
    a_company("Acme")
    a_company("Acme.")
    finding.search(timezone.now)
    return sign_in(user.email)


def by_keys(page: Page) -> None:
    """Through the queue without a mouse: a merge with chosen values, one not the same, one skipped."""
    page.goto("/duplicates/?tab=name")
    expect(page.get_by_role("link", name="Grace Hopper · Grace Hopper")).to_be_visible()
    page.get_by_role("link", name="Start reviewing").press("Enter")
    expect(page.get_by_role("heading", name="Are these the same person?")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".pair-row.is-marked")).to_contain_text("Title")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Professor")).to_be_checked()
    page.keyboard.press("m")
    expect(page.locator(".toasts")).to_contain_text("was merged into Grace Hopper")
    expect(page.locator(".pair")).to_contain_text("Lovelace")
    page.keyboard.press("n")
    expect(page.locator(".toasts")).to_contain_text("Marked as not the same")
    expect(page).to_have_url(re.compile(r"/duplicates/\?tab=name$"))


def test_the_queue_is_decided_by_keyboard(manager: Page) -> None:
    manager.goto("/duplicates/")
    shoot(manager, "duplicates")
    pair = DuplicatePair.objects.get(kind="name", first_contact__last_name="Hopper")
    manager.goto(pair.get_absolute_url())
    shoot(manager, "duplicate")
    by_keys(manager)
    grace = Contact.objects.present().get(last_name="Hopper")
    assert (grace.title, grace.custom, str(grace.company)) == ("Professor", {"size": "10"}, "Navy Computing")
    assert {str(tag) for tag in grace.tags.all()} == {"vip", "speaker"}
    assert set(DuplicatePair.objects.filter(kind="name").values_list("state", flat=True)) == {"merged", "dismissed"}
    manager.goto("/duplicates/?tab=similar")
    manager.get_by_role("link", name="Start reviewing").click()
    expect(manager.locator(".pair")).to_contain_text("Babbage")
    manager.keyboard.press("s")
    expect(manager.get_by_role("heading", name="Duplicates")).to_be_visible()
    assert DuplicatePair.objects.get(kind="similar").state == "open"


def test_the_queue_is_decided_on_a_phone(manager: Page) -> None:
    manager.set_viewport_size(PHONE)
    by_keys(manager)
    assert Merge.objects.count() == 1
    assert manager.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_pair_has_no_accessibility_faults(manager: Page) -> None:
    for url in (
        "/duplicates/",
        DuplicatePair.objects.get(kind="name", first_contact__last_name="Hopper").get_absolute_url(),
    ):
        manager.goto(url)
        found = Axe().run(manager).response["violations"]
        assert found == [], [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_all_certain_ones_are_merged_and_undone(manager: Page) -> None:
    manager.goto("/duplicates/")
    manager.get_by_role("link", name="Merge all certain pairs").click()
    shoot(manager, "certain")
    manager.get_by_label("Why").fill("Imported twice")
    manager.get_by_role("button", name="Merge all").click()
    expect(manager.locator("#merge-run")).to_contain_text("0 of 1 pairs")
    runs.work(timezone.now)
    expect(manager.locator("#merge-run")).to_contain_text("1 pair merged")
    shoot(manager, "merge-run")
    manager.get_by_role("button", name="Undo all").first.click()
    manager.locator("dialog").get_by_role("button", name="Undo all").click()
    runs.work(timezone.now)
    expect(manager.locator("#merge-run")).to_contain_text("1 of 1 merges undone")
    manager.goto("/merges/")
    shoot(manager, "merges")
    manager.goto(Merge.objects.get().get_absolute_url())
    shoot(manager, "merge")
    manager.goto(Contact.objects.filter(last_name="Babbage")[0].get_absolute_url())
    expect(manager.locator("main")).to_contain_text("Possible duplicate of Robert Babbage")
    shoot(manager, "hint")
