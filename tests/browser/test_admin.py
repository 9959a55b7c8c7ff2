"""The admin in a real browser: its relaxed policy is enough, and its dialogs and imports work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bounces.models import Address, RuleOverride
from contacts.models import Contact
from tests.browser.conftest import PHONE, shoot
from tests.builders import a_bounce, a_contact, a_user, an_address, an_evidence

PAGES = [
    "/admin/", "/admin/contacts/contact/", "/admin/contacts/contact/add/", "/admin/contacts/contact/import/",
    "/admin/bounces/bounce/", "/admin/bounces/policy/", "/admin/bounces/schedule/", "/admin/bounces/suppression/add/",
    "/admin/bounces/ruleoverride/", "/admin/bounces/ruleoverride/add/", "/admin/bounces/ruleoverride/in-force/",
    "/admin/crm/user/", "/admin/crm/apikey/add/", "/admin/queue/",
]  # fmt: skip


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains about: refused by the policy, missing, broken."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.fixture
def boss(sign_in: Callable[[str], Page]) -> Page:
    return sign_in(a_user("admin").email)


def test_no_page_offends_its_policy(complaints, boss):
    an_evidence(a_bounce("ada@b.example"))
    a_contact("ada@b.example")
    for path in PAGES:
        boss.goto(path, wait_until="networkidle")
    assert complaints == []


def test_an_address_is_restored_in_a_dialog(boss):
    address = an_address("ada@b.example", status="invalid", status_rule="hard_bounce")
    boss.goto(f"/admin/bounces/address/{address.pk}/change/")
    boss.locator("a", has_text="Restore").click()
    boss.get_by_label("Reason").fill("She called.")
    boss.locator("#dialog").get_by_role("button", name="Restore").click()
    expect(boss.locator("body")).to_contain_text("ada@b.example is restored")
    assert Address.objects.get().restored_at is not None


def test_contacts_are_imported(complaints, boss, redis):
    an_address("gone@b.example", status="invalid", status_rule="hard_bounce")
    boss.goto("/admin/contacts/contact/import/")
    body = "email:first_name\ngone@b.example:Άδα\nnot one:Bob\n".encode("cp1253")
    boss.set_input_files("input[name=import_file]", {"name": "people.csv", "mimeType": "text/csv", "buffer": body})
    boss.get_by_label("Tags for every contact").fill("fair")
    shoot(boss, "admin-import")
    boss.get_by_role("button", name="Preview").click()
    expect(boss.locator("body")).to_contain_text("No column holds the e-mail address")
    boss.set_input_files("input[name=import_file]", {"name": "people.csv", "mimeType": "text/csv", "buffer": body})
    boss.get_by_label("Characters").select_option("cp1253")
    boss.get_by_label("Cells are separated by").select_option("colon")
    boss.get_by_role("button", name="Preview").click()
    expect(boss.locator("body")).to_contain_text("is not an e-mail address")
    expect(boss.locator("body")).to_contain_text("Άδα")
    shoot(boss, "admin-import-preview")
    boss.get_by_role("button", name="Confirm import").click()
    expect(boss.locator("body")).to_contain_text("1 new")
    shoot(boss, "admin-import-done")
    assert Contact.objects.get().contact_addresses.get().address.status == "invalid"
    assert complaints == []


def test_the_admins_import_fits_a_phone(boss):
    boss.set_viewport_size(PHONE)
    boss.goto("/admin/contacts/contact/import/", wait_until="networkidle")
    assert boss.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_managers_import_on_their_own_page(sign_in, run_jobs):
    page = sign_in(a_user("manager").email)
    an_address("gone@b.example", status="invalid", status_rule="hard_bounce")
    page.goto("/contacts/import/")
    body = b"email,first_name\ngone@b.example,Ada\nada@b.example,Ada\nnot one,Bob\n"
    page.set_input_files("input[name=file]", {"name": "people.csv", "mimeType": "text/csv", "buffer": body})
    page.get_by_role("button", name="Continue to columns").click()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("main")).to_contain_text("Reading")
    run_jobs()
    expect(page.locator("main")).to_contain_text("Known to bounce")
    expect(page.locator("main")).to_contain_text("is not an e-mail address")
    page.get_by_role("button", name="Import 2 contacts").click()
    expect(page.locator("main")).to_contain_text("Importing")
    run_jobs()
    expect(page.get_by_role("link", name="Undo this import")).to_be_visible()
    assert Contact.objects.count() == 2


def test_a_rule_is_written_from_a_bounce_tried_and_saved(complaints, boss):
    bounce = an_evidence(a_bounce("ada@b.example", diagnostic="550 5.1.1 Our clinic is closed in August")).bounce
    boss.goto(f"/bounces/{bounce.pk}/")
    boss.get_by_role("link", name="Write a rule for this").click()
    expect(boss.locator("textarea[name=patterns]")).to_have_value("our clinic is closed in august")
    boss.locator("input[name=name]").fill("clinic-closed")
    boss.locator("select[name=reason]").select_option("suspend")
    boss.locator("textarea[name=note]").fill("They told us.")

    boss.get_by_role("button", name="Try it on the stored bounces").click()
    expect(boss.get_by_text("Would change 1 of 1 bounces")).to_be_visible()
    boss.get_by_role("link", name="Back to the rule").click()
    expect(boss.locator("input[name=name]")).to_have_value("clinic-closed")
    boss.get_by_role("button", name="Save", exact=True).click()

    expect(boss.get_by_role("link", name="Re-classify past bounces")).to_be_visible()
    assert RuleOverride.objects.get().patterns == ["our clinic is closed in august"]
    assert complaints == []
