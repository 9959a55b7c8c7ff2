"""A manager brings a list by the wizard, at a desk and on a phone: from the file to the report, and back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from contacts.importing import turns, working
from contacts.models import Contact, ImportRun
from tests.browser.conftest import DESK, PHONE, shoot
from tests.builders import a_contact, a_note, a_suppression, a_user, an_address
from tests.contacts.importing import done, state_hash

PEOPLE = (
    "E-Mail;Vorname;Nachname;Firma;Rolle;Telefon\n"
    "ada@engines.example;Ada;Lovelace;Analytical Engines;Countess;+44 20 7946 0958\n"
    "grace@navy.example;Grace;Hopper;Navy;Rear Admiral;\n"
    "gone@navy.example;Howard;Aiken;Navy;;\n"
    "never@write.example;Nobody;Here;;;\n"
    "ada@engines.example;Ada;Again;;;\n"
    "not an address;Eve;Eavesdropper;;;\n"
    "bob@x.example;Bob;Builder;;;12\n"
)
MISQUOTED = (
    "email,first_name,company\nada@x.example,Ada,Engines\n"
    f'bob@x.example,"Bob" B,{"Longword" * 40}\n'
    'carl@x.example,"Carl,Carpets\ndan@x.example,Dan,"Doors, Ltd"\n'
)
SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@pytest.fixture
def manager(sign_in: Callable[[str], Page]) -> Page:
    a_contact("grace@navy.example", first_name="Grace", last_name="Hopper", title="Captain", company="Navy")
    an_address("gone@navy.example", status="invalid", status_rule="hard_bounce")
    a_suppression("never@write.example")
    return sign_in(a_user("manager", name="Mia Manager").email)


def drop(page: Page, name: str, text: str) -> None:
    """As if the file were dragged from a folder onto the page."""
    given = page.evaluate_handle(
        """([name, text]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([text], name, {type: "text/csv"}));
            return carried;
        }""",
        [name, text],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event(".drop", event, {"dataTransfer": given})


def choose(page: Page, name: str, text: str) -> None:
    field = page.get_by_label("Drop a file of contacts here")
    field.set_input_files({"name": name, "mimeType": "text/csv", "buffer": text.encode()})


def do_the_workers_work(watch: working.Watch | None = None) -> None:
    run = turns.waiting().first()
    assert run is not None
    working.work(run.pk, timezone.now, watch)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@SIZES
def test_a_badly_quoted_row_is_shown_with_its_line_and_given_back(manager: Page, size, tmp_path: Path):
    page = manager
    page.set_viewport_size(size)
    page.goto("/contacts/import/")
    choose(page, "people.csv", MISQUOTED)
    page.get_by_role("button", name="Continue to columns").click()
    page.get_by_role("button", name="Preview").click()
    do_the_workers_work()
    invalid = page.locator("#invalid")
    expect(invalid).to_contain_text("The row (line 3) cannot be read: after a closing quote in column B")
    expect(invalid).to_contain_text(f"It says: {MISQUOTED.splitlines()[2]}")
    expect(invalid).to_contain_text("The row (line 4) cannot be read: a quote that opens in column B")
    assert fits(page)
    shoot(page, "import-quotes-preview")
    page.get_by_role("button", name="Import 2 contacts").click()
    do_the_workers_work()
    with page.expect_download() as download:
        page.get_by_role("link", name="Failed rows").click()
    download.value.save_as(tmp_path / "failed.csv")
    with (tmp_path / "failed.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert [row[:2] for row in rows[1:]] == [["bob@x.example", "Bob B"], ["carl@x.example", "Carl"]]
    shoot(page, "import-quotes-report")


@SIZES
def test_a_file_becomes_contacts_and_is_taken_back(manager: Page, size, tmp_path: Path):
    page, bring = manager, drop if size == DESK else choose
    page.set_viewport_size(size)
    before = state_hash()
    page.goto("/contacts/import/")
    shoot(page, "import-1-file")
    bring(page, "messe.csv", PEOPLE)
    expect(page.locator("[data-upload-files]")).to_contain_text("messe.csv")
    shoot(page, "import-2-chosen")
    page.get_by_role("button", name="Continue to columns").click()

    expect(page.get_by_label("Vorname")).to_have_value("first_name")
    expect(page.get_by_label("Rolle")).to_have_value("")
    page.get_by_label("Rolle").select_option("title")
    page.get_by_label("Tags for every contact").fill("fair-2026")
    assert fits(page)
    shoot(page, "import-3-columns")
    page.get_by_role("button", name="Preview").click()

    expect(page.locator("#import-progress")).to_contain_text("Waiting for a worker")
    shoot(page, "import-4-waiting")
    do_the_workers_work()
    expect(page.locator(".page-subtitle")).to_contain_text("Preview ready")
    expect(page.locator("#update")).to_contain_text("Captain")
    expect(page.locator("#new")).to_contain_text("Cannot be emailed")
    expect(page.locator("#invalid")).to_contain_text("not an address")
    assert (Contact.objects.count(), fits(page)) == (1, True)
    shoot(page, "import-5-preview")
    page.get_by_role("button", name="Import 5 contacts").click()

    seen: list[str] = []

    def watch(run: ImportRun) -> None:
        if run.state == "applying":
            expect(page.locator("#import-progress")).to_contain_text("5 of 5 contacts written")
            expect(page.locator("#import-progress")).to_contain_text("rows a second")
            shoot(page, "import-6-progress")
            seen.append(run.state)

    do_the_workers_work(watch)
    assert seen == ["applying"]
    expect(page.locator(".page-subtitle")).to_contain_text("Done")
    assert Contact.objects.get(first_name="Grace").title == "Rear Admiral"
    assert fits(page)
    shoot(page, "import-7-report")

    with page.expect_download() as told:
        page.get_by_role("link", name="Download 2 failed rows").click()
    told.value.save_as(tmp_path / "failed.csv")
    header, conflict, row = csv.reader((tmp_path / "failed.csv").read_text("utf-8-sig").splitlines())
    assert header == ["E-Mail", "Vorname", "Nachname", "Firma", "Rolle", "Telefon", "error"]
    assert (row[0], "is not an e-mail address" in row[-1]) == ("not an address", True)
    assert conflict[:3] == ["ada@engines.example", "Ada", "Again"]

    page.get_by_role("link", name="Undo this import").click()
    expect(page.locator("main")).to_contain_text("4 contacts that the import created")
    shoot(page, "import-8-undo")
    page.get_by_label("Why").fill("The wrong fair")
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator("#import-progress")).to_contain_text("undone")
    do_the_workers_work()
    expect(page.locator("main")).to_contain_text("The wrong fair")
    assert fits(page)
    shoot(page, "import-9-undone")
    assert state_hash() == before


@SIZES
def test_what_an_undo_would_leave_is_listed_with_why(manager: Page, size):
    manager.set_viewport_size(size)
    run = done("email,title\nada@x.example,Countess\nbob@x.example,Dr\n")
    a_note(Contact.objects.get(title="Countess"))
    manager.goto(f"/contacts/import/{run.pk}/undo/")
    expect(manager.locator("#stay")).to_contain_text("Kept: Something happened with it since.")
    expect(manager.locator("#stay")).not_to_contain_text("bob@x.example")
    assert fits(manager)
    shoot(manager, "import-8-stay")


def test_the_size_of_a_file_with_a_long_name_stays_on_one_line_of_a_phone(manager: Page):
    manager.set_viewport_size(PHONE)
    manager.goto("/contacts/import/")
    choose(manager, f"{'all that we have met at fairs ' * 4}.csv", PEOPLE)
    lines = manager.get_by_text("1 KB", exact=True).evaluate(
        """element => {
            const all = document.createRange();
            all.selectNodeContents(element);
            return all.getClientRects().length;
        }"""
    )
    assert lines == 1
    assert fits(manager)


@SIZES
def test_a_file_that_was_read_wrongly_is_read_as_the_person_says(manager: Page, size):
    manager.set_viewport_size(size)
    manager.goto("/contacts/import/")
    choose(manager, "people.csv", "email:Vorname\nada@engines.example:Ada\n")
    manager.get_by_role("button", name="Continue to columns").click()
    expect(manager.get_by_text("No separator was found")).to_be_visible()
    manager.get_by_text("File format").click()
    manager.get_by_label("Cells are separated by").select_option("Colon")
    manager.get_by_role("button", name="Apply").click()
    expect(manager.get_by_label("Vorname")).to_have_value("first_name")
    assert fits(manager)
    shoot(manager, "import-read-otherwise")
