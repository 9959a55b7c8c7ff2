"""A salesperson takes a list away: a few columns at once, a long list from “My exports”, at a desk and on a phone."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.exporting import runs
from contacts.models import Export
from tests.browser.conftest import DESK, PHONE, shoot
from tests.builders import a_contact, a_user


@pytest.fixture
def sales(sign_in: Callable[[str], Page]) -> Page:
    a_contact("ada@example.org", first_name="Ada", status="invalid", title="=1+1")
    a_contact("bob@example.org", first_name="Bob", status="valid")
    return sign_in(a_user("sales", name="Sam Sales").email)


def downloaded(page: Page, press: Callable[[], None], folder: Path) -> list[list[str]]:
    with page.expect_download() as told:
        press()
    told.value.save_as(folder / "file.csv")
    return list(csv.reader((folder / "file.csv").read_text("utf-8-sig").splitlines()))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_what_the_filter_finds_is_downloaded_with_the_columns_that_were_ticked(sales: Page, size, tmp_path: Path):
    sales.set_viewport_size(size)
    sales.goto("/contacts/?status=invalid")
    sales.get_by_role("link", name="Export").click()
    expect(sales.locator("main")).to_contain_text("Status: Invalid")
    shoot(sales, "export-1-choose")
    sales.get_by_label("All", exact=True).uncheck()
    sales.get_by_label("E-mail address", exact=True).check()
    sales.get_by_label("Title", exact=True).check()
    assert sales.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    rows = downloaded(sales, sales.get_by_role("button", name="Export").click, tmp_path)
    assert rows == [["email", "title"], ["ada@example.org", "'=1+1"]]


def test_a_long_list_is_made_while_one_looks_and_waits_for_its_owner(sales: Page, monkeypatch, tmp_path: Path):
    monkeypatch.setattr("contacts.views.exporting.DIRECT", 1)
    sales.goto("/exports/new/")
    expect(sales.locator("main")).to_contain_text("made in the background")
    sales.get_by_role("button", name="Export").click()
    expect(sales.locator("#exports")).to_contain_text("Waiting")
    shoot(sales, "export-2-waiting")
    runs.work(timezone.now)
    expect(sales.locator("#exports")).to_contain_text("Ready")
    shoot(sales, "export-3-ready")
    rows = downloaded(sales, sales.get_by_role("link", name="Download").click, tmp_path)
    assert [row[0] for row in rows] == ["email", "ada@example.org", "bob@example.org"]
    sales.get_by_role("button", name="Delete").click()
    expect(sales.locator("main")).to_contain_text("No exports yet")
    assert not Export.objects.exists()
