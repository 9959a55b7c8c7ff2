"""Contacts are imported in the admin: by the same rules as elsewhere, with the same things to say of the file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bounces import lease
from contacts.importing import resources, runs
from contacts.importing.mapping import save_mapping
from contacts.importing.reading import LARGEST_FILE
from contacts.models import Activity, Contact, ImportRun, SavedMapping
from tests.builders import a_contact, a_custom_field, a_suppression, a_user, an_address
from tests.contacts.hostile import ods_cell, ods_of
from tests.contacts.test_import_manner import BOOK

pytestmark = pytest.mark.django_db
AN_ODS = ods_of(
    f"<table:table-row>{ods_cell('email')}</table:table-row><table:table-row>{ods_cell('ada@x.example')}</table:table-row>"
)


@pytest.fixture
def boss() -> Any:
    return a_user("admin", name="Boss")


@pytest.fixture
def admin(client: Client, boss: Any) -> Client:
    client.force_login(boss)
    return client


def upload(client: Client, body: str | bytes, name: str = "people.csv", **said: Any) -> Any:
    file = BytesIO(body.encode() if isinstance(body, str) else body)
    file.name = name
    given = {"import_file": file, "format": "0", "resource": "0", "update": "overwrite", **said}
    return client.post(reverse("admin:contacts_contact_import"), given)


def confirm(client: Client, page: Any) -> Any:
    form = page.context["confirm_form"].initial
    return client.post(reverse("admin:contacts_contact_process_import"), form, follow=True)


def test_contacts_are_imported_with_a_preview(admin, boss):
    page = upload(admin, "email,first_name\nada@example.org,<b>Ada</b>\nnot one,Bob\n")
    assert "&lt;b&gt;Ada" in page.content.decode()
    assert "not an e-mail address" in page.content.decode()
    assert not Contact.objects.exists()
    done = confirm(admin, page).content.decode()
    assert Contact.objects.get().contact_addresses.get().address.email == "ada@example.org"
    assert Activity.objects.get().by == boss
    assert ImportRun.objects.get().get_absolute_url() in done


def test_a_second_confirmation_imports_nothing(admin):
    page = upload(admin, "email\nada@example.org\n")
    for _ in range(2):
        said = confirm(admin, page).content.decode()
    assert Contact.objects.count() == 1
    assert "no longer valid" in said


@pytest.mark.parametrize(
    "given", [{}, {"format": "7"}, {"format": "x"}, {"import_file_name": "made up"}, {"resource": "3"}]
)
def test_a_confirmation_that_is_made_up_imports_nothing(admin, given: dict[str, str]):
    form = upload(admin, "email\nada@example.org\n").context["confirm_form"].initial
    url = reverse("admin:contacts_contact_process_import")
    answer = admin.post(url, {**form, **given} if given else {}, follow=True)
    assert "no longer valid" in answer.content.decode()
    assert not Contact.objects.exists()


# --- how the file is read -----------------------------------------------------------------------------


def test_a_text_is_read_as_is_said_in_the_preview_and_in_the_import(admin):
    text = "email:first_name\nada@x.example:Άδα\n"
    page = upload(admin, text.encode("cp1253"), encoding="cp1253", separator="colon")
    assert "Άδα" in page.content.decode()
    confirm(admin, page)
    assert Contact.objects.get().first_name == "Άδα"


def test_the_preview_says_first_whom_a_row_is_about_where_it_changes_something_else(admin):
    a_contact("ada@x.example", first_name="Ada", title="Dr")
    result = upload(admin, "title,first_name,email\nCountess,Ada,ada@x.example\n").context["result"]
    assert result.diff_headers == ["email", "title", "first_name"]
    assert [row.diff for row in result.rows] == [["ada@x.example", "Dr → Countess", ""]]


def test_the_sheet_of_a_workbook_is_chosen_by_name(admin):
    assert "The sheet “People” is read" in upload(admin, BOOK, "book.xlsx").content.decode()
    assert "It has: “Notes”, “People”" in upload(admin, BOOK, "book.xlsx", sheet="Guests").content.decode()
    confirm(admin, upload(admin, BOOK, "book.xlsx", sheet="People"))
    assert Contact.objects.count() == 1


def test_a_file_without_a_header_is_read_where_that_is_said(admin):
    text = "team@x.example,Name\nada@x.example,Ada\n"
    assert confirm(admin, upload(admin, text, header="no")).status_code == 200
    assert Contact.objects.count() == 2


def test_a_manner_that_makes_no_sense_of_the_file_is_refused_at_its_field(admin):
    page = upload(admin, "who;name\nada;Ada\n", separator="tab")
    assert "No column holds the e-mail address" in str(page.context["form"].errors["import_file"])
    assert "confirm_form" not in page.context


@pytest.mark.parametrize("name", ["people.ods", "people.vcf", "people.jsonl", "people.tsv"])
def test_the_admin_takes_whatever_the_other_doors_take(admin, name: str):
    bodies: dict[str, str | bytes] = {
        "people.vcf": "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEMAIL:ada@x.example\nEND:VCARD\n",
        "people.jsonl": '{"email": "ada@x.example"}\n',
        "people.tsv": "email\tfirst_name\nada@x.example\tAda\n",
        "people.ods": AN_ODS,
    }
    confirm(admin, upload(admin, bodies[name], name))
    assert Contact.objects.get().contact_addresses.get().address.email == "ada@x.example"


# --- what it may do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "title"), [({}, "Ms"), ({"change_others": "on"}, "Dr")])
def test_contacts_of_others_are_changed_where_that_is_ticked(admin, given: dict[str, str], title: str):
    ada = a_contact("ada@example.org", title="Ms", owner=a_user("sales"))
    confirm(admin, upload(admin, "email,title\nada@example.org,Dr\nbob@example.org,Mr\n", **given))
    ada.refresh_from_db()
    assert ada.title == title


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"update": "skip"}, ("Ada", "", "123")),
        ({"update": "fill"}, ("Ada", "Dr", "123")),
        ({"update": "overwrite"}, ("Augusta", "Dr", "123")),
        ({"update": "overwrite", "empties": "on"}, ("Augusta", "Dr", "")),
    ],
)
def test_what_happens_to_known_contacts_is_chosen(admin, given: dict[str, str], found: tuple[str, str, str]):
    a_contact("ada@x.example", first_name="Ada", phone="123")
    confirm(admin, upload(admin, "email,first_name,title,phone\nada@x.example,Augusta,Dr,\nb@x.example,,,\n", **given))
    ada = Contact.objects.get(contact_addresses__address__email="ada@x.example")
    assert (ada.first_name, ada.title, ada.phone) == found


def test_owner_tags_and_source_are_given_to_all(admin):
    sam = a_user("sales")
    confirm(admin, upload(admin, "email\nada@x.example\n", owner=sam.pk, tags="fair, VIP", source="Fair 2026"))
    ada = Contact.objects.get()
    assert (ada.owner, {tag.name for tag in ada.tags.all()}, ada.source) == (sam, {"fair", "VIP"}, "Fair 2026")


def test_the_source_is_the_files_name_unless_it_is_said(admin):
    confirm(admin, upload(admin, "email\nada@x.example\n"))
    assert Contact.objects.get().source == "people.csv"


def test_a_saved_mapping_says_what_the_columns_mean(admin, boss):
    a_custom_field("size", "number")
    text = "Reached at,Heads\nada@x.example,12\n"
    save_mapping("The fair", {"Reached at": "email", "Heads": "custom.size"}, boss)
    saved = upload(admin, "email\na@x.example\n").context["form"].fields["saved"].queryset.get()
    confirm(admin, upload(admin, text, saved=saved.pk))
    assert Contact.objects.get().custom == {"size": 12}
    assert "No column holds the e-mail address" in upload(admin, "name\nAda\n", saved=saved.pk).content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ('{"Work Mail": "email", "Notes": ""}', {"work mail": "email", "notes": ""}),
        ('["email"]', "Write a field for each column"),
        ('{"mail": 7}', "Write a field for each column"),
        ('{"mail": "e-mail"}', "no field is named so"),
        ('{"a": "email", "b": "email"}', "Two columns mean"),
        ('{"size": "title"}', "No column holds the e-mail address"),
    ],
)
def test_a_saved_mapping_that_is_typed_in_is_one_that_files_can_be_read_by(admin, typed: str, kept: Any):
    page = admin.post(reverse("admin:contacts_savedmapping_add"), {"name": "The fair", "mapping": typed})
    saved = SavedMapping.objects.first()
    assert saved.mapping == kept if saved else kept in page.content.decode()


def test_a_file_that_waits_for_its_confirmation_is_no_import_yet(admin):
    upload(admin, "email\nada@x.example\n", name="secretly-waiting.csv")
    listed = admin.get(reverse("admin:contacts_importrun_changelist")).content.decode()
    assert "secretly-waiting.csv" not in listed


# --- what is refused ----------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_refused_at_its_field(admin):
    assert "No column holds the e-mail address" in upload(admin, "name\nAda\n").content.decode()


def test_a_file_that_is_too_large_for_a_request_is_sent_to_the_page(admin):
    page = upload(admin, b"email\n" + b"x" * LARGEST_FILE)
    assert "Bring it on the page" in page.content.decode()


def test_so_is_one_of_too_many_rows(admin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "MOST_ROWS", 3)
    page = upload(admin, "email\n" + "".join(f"p{n}@x.example\n" for n in range(4)))
    assert "Bring it on the page" in str(page.context["form"].errors["import_file"])
    assert not ImportRun.objects.exclude(via="waiting").exists()


def test_what_breaks_deep_in_a_file_is_told_at_its_field(admin):
    page = upload(admin, "email\n" + "ada@x.example\n" * 20_000 + "\x00" * 900 + "\n")
    assert "Line 20002 holds a NUL byte" in str(page.context["form"].errors["import_file"])
    assert "confirm_form" not in page.context


def test_what_is_said_wrongly_is_refused_at_its_field(admin):
    page = upload(admin, "email\nada@x.example\n", owner="9999", update="maybe", tags="x" * 70, encoding="klingon")
    assert set(page.context["form"].errors) == {"owner", "update", "tags", "encoding"}


def test_a_quarantined_list_waits_on_its_page_for_a_reason(admin, boss):
    page = upload(admin, "email\n" + "".join(f"p{n}@mailinator.com\n" for n in range(120)))
    assert "quarantined" in page.content.decode()
    answer = confirm(admin, page)
    run = ImportRun.objects.get()
    assert (run.state, answer.redirect_chain[-1][0]) == ("ready", run.get_absolute_url())
    assert not Contact.objects.exists()
    assert "why" in answer.content.decode()


def test_the_preview_says_what_the_list_looks_like_and_whom_nobody_may_write_to(admin):
    an_address("gone@x.example", status="invalid", status_rule="hard_bounce")
    a_suppression("stopped@x.example")
    page = upload(admin, "email\nada@gmail.com\nstopped@x.example\nnot one\ngone@x.example\n")
    assert [(each.row, each.email) for each in page.context["unsendable"]] == [
        (3, "stopped@x.example"), (5, "gone@x.example"),
    ]  # fmt: skip
    text = " ".join(page.content.decode().split())
    assert page.context["unsendable"][0].verdict.sentence in text
    assert "Free email providers 25.0 %" in text
    assert "Not an address 25.0 %" in text


def test_while_another_import_goes_on_the_preview_says_so(admin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "WAITS", 0.0)
    held = lease.acquire(runs.LEASE, resources.working.LEASE_LASTS)
    answer = upload(admin, "email\nada@x.example\n")
    assert held is not None
    assert answer.status_code == 302
    assert "Another import is going on" in admin.get(answer.url).content.decode()
    assert not ImportRun.objects.exclude(via="waiting").exists()


def test_only_those_who_may_import_do_it_here(client: Client):
    for role, status in (("manager", 302), ("sales", 302), ("admin", 200)):
        client.force_login(a_user(role))
        assert client.get(reverse("admin:contacts_contact_import")).status_code == status
        assert upload(client, "email\nada@x.example\n").status_code == status
