"""A manager uploads a bounce mail, and everyone sees what it means for the address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from bounces.process import run_flow
from tests.bounces.test_pages_upload import a_dsn
from tests.builders import a_bounce, a_user, an_evidence, an_inbound_item


@pytest.fixture
def signed_in(sign_in: Callable[[str], Page]) -> Callable[[str], Page]:
    return lambda role: sign_in(a_user(role).email)


def test_an_uploaded_bounce_turns_its_address_invalid_for_a_reason_that_is_shown(signed_in):
    page = signed_in("manager")
    page.goto("/bounces/upload/")
    page.set_input_files(
        "input[type=file]",
        [
            {"name": "bounce.eml", "mimeType": "message/rfc822", "buffer": a_dsn("ada@b.example")},
            {"name": "hello.eml", "mimeType": "message/rfc822", "buffer": b"Subject: hello\r\n\r\nhi\r\n"},
        ],
    )
    expect(page.locator("[data-upload-files]")).to_contain_text("bounce.eml")
    page.locator("[data-upload-submit]").click()
    expect(page.locator("#uploaded")).to_contain_text("waits to be read")

    run_flow(timezone.now)  # what the worker does

    expect(page.locator("#uploaded")).to_contain_text("1 bounce (the mailbox does not exist): ada@b.example")
    page.goto("/bounces/")
    page.get_by_role("link", name="ada@b.example").click()
    expect(page.locator("main")).to_contain_text("The mailbox does not exist")
    page.get_by_role("link", name="History of ada@b.example").click()
    expect(page.locator(".page-subtitle")).to_contain_text("the mailbox does not exist (550 5.1.1)")
    expect(page.locator(".page-subtitle")).to_contain_text("Invalid since")


def test_a_file_above_the_cap_is_refused_by_name_before_it_is_sent(signed_in, settings):
    settings.ARCHIVE_CAP = 1000
    page = signed_in("manager")
    page.goto("/bounces/upload/")
    page.set_input_files(
        "input[type=file]", [{"name": "huge.zip", "mimeType": "application/zip", "buffer": b"x" * 5000}]
    )
    expect(page.locator("[data-refused]")).to_contain_text("huge.zip")
    expect(page.locator("[data-refused]")).to_contain_text("above the cap")


def test_choosing_a_filter_narrows_the_list_without_a_reload(signed_in):
    a_bounce("ada@b.example")
    a_bounce("bob@b.example", kind="soft", reason="mailboxfull")
    page = signed_in("sales")
    page.goto("/bounces/")
    page.evaluate("window.marked = true")
    page.get_by_label("Kind", exact=True).select_option("soft")
    expect(page.locator("#results")).not_to_contain_text("ada@b.example")
    expect(page.locator("#results")).to_contain_text("bob@b.example")
    assert page.evaluate("window.marked")
    assert "kind=soft" in page.url


def test_script_in_a_diagnostic_and_in_raw_mail_never_runs(signed_in):
    hostile = "<script>window.broken = true</script><img src=x onerror='window.broken = true'>"
    item = an_inbound_item(hostile.encode())
    bounce = a_bounce(diagnostic=hostile)
    an_evidence(bounce, inbound_item_id=item.pk)
    page = signed_in("sales")
    for url in (f"/bounces/{bounce.pk}/", f"/inbox/{item.pk}/raw/"):
        page.goto(url)
        expect(page.locator("body")).to_contain_text("<script>window.broken")
        assert not page.evaluate("window.broken")


def test_a_manager_restores_an_address(signed_in):
    page = signed_in("manager")
    address = a_bounce("ada@b.example").address
    page.goto(f"/addresses/{address.pk}/restore/")
    page.get_by_label("Why").fill("She called and confirmed the address.")
    page.get_by_role("button", name="Restore the address").click()
    expect(page.locator("main")).to_contain_text("She called and confirmed the address.")


LIST = """Email Address,Bounce,Colour
ada@b.example,hard bounce,red
bob@b.example,unsubscribed,red
no address,hard bounce,blue
"""


def test_a_providers_list_is_looked_at_before_it_is_recorded(signed_in):
    page = signed_in("manager")
    page.goto("/bounces/upload/")
    file = {"name": "bounces.csv", "mimeType": "text/csv", "buffer": LIST.replace("Bounce", "Event").encode()}
    page.set_input_files("input[type=file]", [file])
    page.locator("[data-upload-submit]").click()

    expect(page.locator("main")).to_contain_text("Left out: Colour")
    expect(page.locator("main")).to_contain_text("Not an e-mail address")
    page.get_by_text("Suppressions: never send there").click()
    page.get_by_role("button", name="Look again").click()
    expect(page.locator(".figures")).to_contain_text("Never written to again")
    page.get_by_text("What each row says").click()
    page.get_by_role("button", name="Look again").click()
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#uploaded")).to_contain_text("waits to be read")

    run_flow(timezone.now)  # what the worker does

    expect(page.locator("#uploaded")).to_contain_text("3 rows, 1 not understood.")
