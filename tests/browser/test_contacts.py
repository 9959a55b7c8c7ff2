"""Contacts as a salesperson meets them: search, filter, open, note; on a phone too."""

import re

import pytest
from playwright.sync_api import expect

from contacts.models import Activity, Contact
from tests.builders import PASSWORD, a_contact, a_segment, a_user

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def people(site):
    sales = a_user("sales", email="sam@rebound.example", name="Sam Sales")
    a_contact(
        "grace@navy.example", first_name="Grace", last_name="Hopper", company="Navy", status="invalid", owner=sales
    )
    a_contact("ada@engines.example", first_name="Ada", last_name="Lovelace", company="Analytical", status="valid")
    a_contact("alan@engines.example", first_name="Alan", last_name="Turing", company="Analytical", status="at_risk")
    return sales


def names(page):
    return page.locator("tbody .main a")


def test_searching_filtering_opening_and_adding_a_note(people, sign_in):
    page = sign_in("sam@rebound.example")
    page.goto("/contacts/")
    expect(names(page)).to_have_count(3)

    page.locator("#filter-q").press_sequentially("analyt")
    expect(names(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/contacts/\?q=analyt$"))
    page.locator("#filter-status").select_option("at_risk")
    expect(names(page)).to_have_text(["Alan Turing"])
    expect(page.locator(".chip")).to_have_count(2)

    page.get_by_label("Take away: Status At risk").click()
    expect(names(page)).to_have_count(2)
    page.go_back()
    expect(names(page)).to_have_text(["Alan Turing"])

    page.get_by_role("link", name="Alan Turing").click()
    expect(page.locator("h1")).to_have_text("Alan Turing")
    page.get_by_label("Note").fill("Wants a quote.\nCall on Monday.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline")).to_contain_text("Wants a quote.")
    expect(page.get_by_label("Note")).to_have_value("")
    assert Activity.objects.get(kind="note").by == people


def test_a_note_is_added_after_its_field_was_made_larger(people, sign_in, console_errors):
    page = sign_in("sam@rebound.example")
    page.goto(Contact.objects.get(last_name="Turing").get_absolute_url())
    field = page.get_by_label("Note").bounding_box()
    page.mouse.move(field["x"] + field["width"] - 4, field["y"] + field["height"] - 4)
    page.mouse.down()
    page.mouse.move(field["x"] + field["width"] - 4, field["y"] + field["height"] + 60, steps=4)
    page.mouse.up()
    page.get_by_label("Note").fill("Wants a quote.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline")).to_contain_text("Wants a quote.")
    assert console_errors == []


def test_the_filter_works_without_script(people, new_context):
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("sam@rebound.example")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.goto("/contacts/")
    page.locator("#filter-q").fill("analyt")
    page.locator("#filter-status").select_option("valid")
    page.get_by_role("button", name="Filter").click()
    expect(names(page)).to_have_text(["Ada Lovelace"])


def test_ticked_contacts_get_a_tag(people, sign_in):
    page = sign_in("sam@rebound.example")
    page.goto("/contacts/")
    expect(page.locator(".bulkbar")).to_be_hidden()
    page.get_by_label("Tick Grace Hopper").check()
    page.get_by_label("Tick Ada Lovelace").check()
    expect(page.locator("[data-bulk-count]")).to_have_text("2")
    page.locator(".bulkbar").get_by_role("button", name="Tag").click()
    page.get_by_label("Tag", exact=True).last.fill("vip")
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator("#messages")).to_contain_text("“vip” added to 2 contacts.")
    assert Contact.objects.filter(tags__name="vip").count() == 2


def test_the_form_grows_by_an_address_and_keeps_it(people, sign_in):
    page = sign_in("sam@rebound.example")
    page.goto("/contacts/new/")
    page.get_by_label("Last name").fill("Liskov")
    page.get_by_label("Address 1").fill("barbara@mit.example")
    page.get_by_role("button", name="Another address").click()
    page.get_by_label("Address 2").fill("liskov@home.example")
    page.get_by_role("button", name="Create contact").click()
    expect(page.locator("h1")).to_have_text("Liskov")
    expect(page.locator(".address")).to_have_count(2)


@pytest.mark.parametrize("path", ["/contacts/", "/contacts/?q=grace", "/companies/", "/campaigns/", "/segments/"])
def test_lists_fit_a_phone(people, sign_in, path):
    page = sign_in("sam@rebound.example")
    page.set_viewport_size(PHONE)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_contact_fits_a_phone_and_says_why(people, sign_in):
    page = sign_in("sam@rebound.example")
    page.set_viewport_size(PHONE)
    page.goto(Contact.objects.get(last_name="Hopper").get_absolute_url())
    expect(page.locator(".address")).to_contain_text("Invalid: nothing that decides")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_choosing_a_segment_says_how_many_addresses_a_cleaning_looks_at(people, sign_in):
    a_user("manager", email="mia@rebound.example")
    a_segment("Navy people", company=["Navy"])
    page = sign_in("mia@rebound.example")
    page.goto("/cleaning/new/")
    expect(page.locator("#scope")).to_contain_text("3 addresses")
    page.get_by_label("Which addresses").select_option(label="Navy people")
    expect(page.locator("#scope")).to_contain_text("1 address will")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("main")).to_contain_text("Segment “Navy people”")


def test_the_menu_of_a_contact_is_worked_by_keyboard(people, sign_in):
    a_user("admin", email="boss@rebound.example")
    page = sign_in("boss@rebound.example")
    page.set_viewport_size(PHONE)
    page.goto(Contact.objects.get(last_name="Lovelace").get_absolute_url())
    expect(page.get_by_role("link", name="Erase…")).to_be_hidden()
    page.locator(".page-actions").get_by_role("button", name="More").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Merge…")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Delete this contact?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def top_of(locator):
    return locator.bounding_box()["y"]


def bottom_of(locator):
    box = locator.bounding_box()
    return box["y"] + box["height"]


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, PHONE])
def test_the_bulk_bar_stays_in_sight_and_covers_nothing(people, sign_in, size):
    for number in range(45):
        a_contact(f"p{number}@many.example", first_name=f"P{number:02d}", last_name="Many")
    page = sign_in("sam@rebound.example")
    page.set_viewport_size(size)
    page.emulate_media(reduced_motion="reduce")  # else it scrolls smoothly, and is measured on its way
    page.goto("/contacts/?sort=name")
    page.get_by_label("Tick P44 Many").check()
    bar = page.locator(".bulkbar")
    expect(bar).to_be_in_viewport(ratio=1 if size["width"] > 1000 else 0.2)
    assert top_of(bar) == bottom_of(page.locator(".topbar"))
    assert bar.bounding_box()["height"] <= 64
    if size["width"] > 1000:
        head = page.locator(".contacts-list thead th").nth(1)
        assert top_of(head) == bottom_of(bar)
    # The keyboard goes upwards, and what it reaches is never under the bar.
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        focused = page.locator(":focus")
        if focused.evaluate("node => !!node.closest('tbody')"):
            assert top_of(focused) >= bottom_of(bar) - 1
    bar.get_by_role("button", name="Tag").click()
    expect(page.locator("#bulk-tag")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_heads_of_a_long_list_stay_in_sight(people, sign_in):
    for number in range(45):
        a_contact(f"p{number}@many.example", first_name=f"P{number:02d}", last_name="Many")
    page = sign_in("sam@rebound.example")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/contacts/")
    page.mouse.wheel(0, 1500)
    page.wait_for_function("window.scrollY > 900")
    head = page.locator(".contacts-list thead th").nth(1)
    assert top_of(head) == bottom_of(page.locator(".topbar"))
