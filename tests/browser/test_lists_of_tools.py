"""A manager brings Mailchimp's list of people who unsubscribed to the page of suppressions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from bounces.models import Address
from bounces.process import run_flow
from tests.browser.conftest import SHOTS
from tests.builders import a_user

UNSUBSCRIBED = b"""Email Address,FNAME,LNAME,Address,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,TAGS
ada@b.example,Ada,Lee,"1 Main St, NYC",2022-01-01 10:00:00,2023-05-05 11:11:11,Spring,NORMAL,"""
UNSUBSCRIBED += b'''"""Fair 2026"",""VIP"""
bob.with-a-long-name@department.long-company-name.example,Bob,Ray,,,2024-05-05 11:11:11,Spring,,
not an address,X,Y,,,2024-05-05 11:11:11,Spring,,
cid@b.example,Cid,Moe,,,,,,
'''


@pytest.mark.parametrize("width", [1440, 390])
def test_a_list_of_mailchimp_is_looked_at_before_it_suppresses(sign_in: Callable[..., Page], width: int) -> None:
    page = sign_in(a_user("manager").email)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/suppressions/add/")
    file: FilePayload = {"name": "unsubscribed.csv", "mimeType": "text/csv", "buffer": UNSUBSCRIBED}
    page.set_input_files("input[type=file]", file)
    page.get_by_label("Why").fill("They unsubscribed in our former tool.")
    page.get_by_role("button", name="Suppress").click()

    expect(page.locator("main")).to_contain_text("Mailchimp: unsubscribed contacts")
    expect(page.locator("main")).to_contain_text("ada@b.example")
    assert not Address.objects.exists()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/mailchimp-{width}.png", full_page=True)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    page.get_by_role("button", name="Record 2 rows").click()
    expect(page.locator("main")).to_contain_text("unsubscribed.csv")

    run_flow(timezone.now)  # what the worker does

    page.goto("/suppressions/")
    expect(page.locator("main")).to_contain_text("unsubscribed.csv (Mailchimp: unsubscribed contacts)")
    expect(page.locator("main")).not_to_contain_text("cid@b.example")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/suppressions-{width}.png", full_page=True)
