"""A messy sheet is corrected in its preview, and a list is pasted: at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact, ContactAddress
from tests.browser.conftest import shoot
from tests.browser.test_imports import SIZES, choose, do_the_workers_work, fits
from tests.builders import a_contact, a_user

MESSY = (
    "E-Mail;Vorname;Land;Telefon;Besitzer\n"
    "ada@;Ada;Germany;+44 20 7946 0958;\n"
    "bob@builders.example;Bob;Atlantis;12;Nobody Known\n"
    "cy@c.example;Cy;Atlantis;;\n"
    "not an address;Dan;Germany;;\n"
    "eve@gmial.com;Eve;NULL;;\n"
    "fay@gmial.com;Fay;France;;\n"
    "grace@navy.example;Grace;France;;\n"
    "Hal <hal@h.example>;Hal;France;;\n"
)


@pytest.fixture
def manager(sign_in: Callable[[str], Page]) -> Page:
    a_contact("grace@navy.example", first_name="Amazing", last_name="Hopper")
    return sign_in(a_user("manager", name="Mia Manager").email)


def to_the_preview(page: Page) -> None:
    page.get_by_role("button", name="Continue to columns").click()
    page.get_by_role("button", name="Preview").click()
    do_the_workers_work()


@SIZES
def test_a_messy_sheet_is_corrected_in_place(manager: Page, size):
    page = manager
    page.set_viewport_size(size)
    page.goto("/contacts/import/")
    choose(page, "messy.csv", MESSY)
    to_the_preview(page)
    invalid, empty = page.locator("#invalid"), page.locator("#left-empty")
    expect(invalid).to_contain_text("2 rows are not imported")
    shoot(page, "import-correct-1")
    invalid.get_by_label("E-Mail in row 2").fill("ada@engines.example")
    invalid.get_by_role("button", name="Save corrections").click()
    expect(page.locator("#messages")).to_contain_text("1 correction saved")
    expect(invalid).to_contain_text("1 row is not imported")
    expect(page.get_by_role("button", name="Import 7 contacts")).to_be_visible()

    empty.get_by_label("Land in row 3").fill("Austria")
    expect(empty.get_by_label("Apply to all 2 equal cells")).to_be_checked()
    empty.get_by_role("button", name="Save corrections").click()
    expect(empty).not_to_contain_text("Atlantis")
    page.get_by_role("button", name="Change to gmail.com in all 2").click()
    expect(page.locator("#mistyped")).to_have_count(0)
    assert fits(page)
    shoot(page, "import-correct-2")
    page.get_by_role("button", name="Import 7 contacts").click()
    do_the_workers_work()
    expect(page.get_by_role("link", name="Show contacts")).to_be_visible()
    assert ContactAddress.objects.filter(address__email__in=["eve@gmail.com", "ada@engines.example"]).count() == 2
    assert list(Contact.objects.filter(first_name__in=["Bob", "Cy"]).values_list("country", flat=True)) == ["AT", "AT"]


@SIZES
def test_columns_of_all_tables_stand_in_one_line(manager: Page, size):
    page = manager
    page.set_viewport_size(size)
    page.goto("/contacts/import/")
    choose(page, "messy.csv", MESSY)
    to_the_preview(page)
    expect(page.locator("#new")).to_be_visible()
    lefts = page.evaluate(
        """() => [...document.querySelectorAll(".list-import")].map(
            (table) => [...table.querySelectorAll("tbody tr:first-child > td:nth-child(-n+2)")].map(
                (cell) => Math.round(cell.getBoundingClientRect().left)).join())"""
    )
    assert len(lefts) >= 5
    assert len(set(lefts)) == 1 or size["width"] < 768
    assert fits(page)


@SIZES
def test_a_pasted_list_becomes_contacts(manager: Page, size):
    page = manager
    page.set_viewport_size(size)
    page.goto("/contacts/import/")
    page.get_by_label("Or paste a list").fill('Ann Lee <ann@b.example>, "Ray, Bob" <bob@b.example>; cy@b.example')
    assert fits(page)
    shoot(page, "import-paste-1")
    to_the_preview(page)
    expect(page.locator("#new")).to_contain_text("Ann · Lee")
    shoot(page, "import-paste-2")
    page.get_by_role("button", name="Import 3 contacts").click()
    do_the_workers_work()
    expect(page.get_by_role("link", name="Show contacts")).to_be_visible()
    assert set(Contact.objects.values_list("last_name", flat=True)) >= {"Lee", "Ray"}
