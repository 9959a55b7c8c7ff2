"""The import: one file, three doors, the same rules."""

from __future__ import annotations

from io import StringIO
from itertools import product
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bounces.intake.upload import keep_upload
from bounces.models import Address
from bounces.process import run_flow
from bounces.spreadsheet import csv_cell, restore, safe_cell
from contacts.importing.formats import SheetDataset
from contacts.importing.options import Options
from contacts.importing.reading import Form, UnreadableFile, read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import ContactResource
from contacts.models import Activity, Company, Contact, ImportRun, Tag
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_contact, a_custom_field, a_suppression, a_user, an_address

pytestmark = pytest.mark.django_db


def imported(text: str, *, dry_run: bool = False, by: Any = None, change_others: bool = False) -> ImportReport:
    options = Options(source="people.csv", change_others=change_others)
    resource = ContactResource(origin="people.csv", options=options, by=by)
    return resource.report(resource.import_data(SheetDataset(read_sheet(text.encode())), dry_run=dry_run))


def primary(contact: Contact) -> str:
    return contact.contact_addresses.get(is_primary=True).address.email


# --- what a row becomes -----------------------------------------------------------------------------


def test_a_new_row_becomes_a_whole_contact():
    owner = a_user("sales", email="sam@rebound.example")
    a_custom_field("size", "number")
    imported(
        "Email,First Name,last_name,Company,owner,phone,country,tags,external_id,size,title\n"
        'ADA@Example.org,Ada,Lovelace,Engines Ltd,SAM@rebound.example,\'+49 30,de,"vip, maths",x1,12,Countess\n'
    )
    ada = Contact.objects.get()
    assert (ada.first_name, ada.last_name, ada.title, ada.phone) == ("Ada", "Lovelace", "Countess", "+49 30")
    assert (ada.company.name, ada.owner, ada.country, ada.custom) == ("Engines Ltd", owner, "DE", {"size": 12})
    assert {tag.name for tag in ada.tags.all()} == {"vip", "maths"}
    assert (ada.external_id, ada.source, primary(ada)) == ("x1", "people.csv", "ada@example.org")
    assert "ada@example.org" in ada.document


def test_each_import_stands_in_the_timeline():
    imported("email\nada@example.org\n", by=a_user("manager"))
    activity = Activity.objects.get()
    assert (activity.kind, activity.text) == ("imported", "From people.csv, row 2.")


def test_the_same_file_twice_changes_nothing_the_second_time():
    text = 'email,company,tags,first_name\na@x.example,Acme,"a, b",Ada\nb@x.example,ACME,b,Bob\n'
    imported(text)
    before = list(Contact.objects.values())
    report = imported(text)
    assert (report.new, report.updated, report.unchanged) == (0, 0, 2)
    assert list(Contact.objects.values()) == before
    assert (Company.objects.count(), Tag.objects.count(), Activity.objects.count()) == (1, 2, 2)


def test_a_preview_changes_nothing():
    report = imported("email,company\nada@example.org,Acme\n", dry_run=True)
    assert report.new == 1
    assert [model.objects.count() for model in (Contact, Address, Company)] == [0, 0, 0]


def test_empty_cells_never_overwrite():
    a_contact("ada@example.org", first_name="Ada", phone="123")
    imported("email,first_name,phone\nada@example.org,,456\n")
    ada = Contact.objects.get()
    assert (ada.first_name, ada.phone) == ("Ada", "456")


def test_the_first_source_stands():
    a_contact("ada@example.org", source="fair")
    imported("email,source,title\nada@example.org,list,Dr\n")
    assert Contact.objects.get().source == "fair"


def test_a_status_column_is_left_out_and_said():
    an_address("ada@example.org", status="invalid")
    report = imported("email,status\nada@example.org,valid\n")
    assert Address.objects.get().status == "invalid"
    assert any("“status”" in notice for notice in report.notices)


def test_tags_are_added_and_none_is_taken_away():
    a_contact("ada@example.org", tags=("Old",))
    imported('email,tags\nada@example.org,"OLD, new"\n')
    assert {tag.name for tag in Contact.objects.get().tags.all()} == {"Old", "new"}


# --- which contact a row is about -------------------------------------------------------------------


def test_the_external_id_matches_before_the_address():
    ada = a_contact("old@example.org", external_id="x1")
    other = a_contact("new@example.org")
    imported("external_id,email,title\nx1,new@example.org,Dr\n")
    ada.refresh_from_db()
    other.refresh_from_db()
    assert (ada.title, primary(ada), other.title) == ("Dr", "new@example.org", "")


def test_a_new_address_becomes_primary_with_its_own_status_and_the_old_one_stays():
    ada = a_contact("old@example.org", status="invalid", external_id="x1")
    imported("external_id,email\nx1,new@example.org\n")
    assert primary(ada) == "new@example.org"
    assert {each.address.status for each in ada.contact_addresses.all()} == {"invalid", "unverified"}


def test_an_address_is_matched_in_any_case():
    a_contact("ada@example.org")
    assert imported("email,title\n ADA@EXAMPLE.ORG ,Dr\n").updated == 1


def test_an_address_of_several_contacts_is_a_conflict_not_a_guess():
    a_contact("desk@example.org", last_name="One")
    a_contact("desk@example.org", last_name="Two")
    report = imported("email,title\ndesk@example.org,Dr\n")
    (problem,) = report.problems
    assert (problem.row, problem.column, problem.value) == (2, "email", "desk@example.org")
    assert "several contacts" in problem.sentence


def test_another_external_id_at_the_same_address_is_a_conflict():
    a_contact("ada@example.org", external_id="x1")
    (problem,) = imported("email,external_id\nada@example.org,x2\n").problems
    assert problem.column == "external_id"
    assert "x1" in problem.sentence


def test_a_row_that_repeats_another_is_done_once():
    report = imported("email,first_name\nada@example.org,Ada\nADA@example.org,Ada\n")
    assert (report.new, report.unchanged, report.failed) == (1, 1, 0)


def test_a_row_that_contradicts_another_is_reported():
    report = imported("email,first_name\nada@example.org,Ada\nada@example.org,Eve\n")
    assert (report.new, report.failed) == (1, 1)
    assert report.problems[0].row == 3


def test_an_external_id_given_twice_is_reported():
    a_contact("ada@example.org")
    report = imported("email,external_id\nada@example.org,x1\nbob@example.org,x1\n")
    assert (report.updated, report.failed, report.fault) == (1, 1, "")


def test_a_deleted_contact_is_not_brought_back():
    a_contact("ada@example.org", deleted_at="2026-01-01T00:00Z")
    assert imported("email\nada@example.org\n").new == 1


def test_another_owners_contact_is_changed_by_a_manager_who_says_so():
    a_contact("ada@example.org", owner=a_user("sales", name="Sam"))
    text = "email,title\nada@example.org,Dr\n"
    (problem,) = imported(text, by=a_user("sales")).problems
    assert "belongs to Sam" in problem.sentence
    manager = a_user("manager")
    assert imported(text, by=manager).failed == 1
    assert imported(text, by=manager, change_others=True).updated == 1


# --- addresses that are known -----------------------------------------------------------------------


def test_an_address_that_bounced_before_gives_a_contact_that_is_invalid_at_once():
    an_address("gone@example.org", status="invalid", status_rule="hard_bounce")
    report = imported("email\ngone@example.org\nnew@example.org\n")
    assert Contact.objects.get(contact_addresses__address__status="invalid")
    assert [(each.row, each.email) for each in report.dead] == [(2, "gone@example.org")]


def test_a_bounce_mail_that_arrived_before_the_import_decides():
    """The whole way: a mail comes in and is judged, then somebody imports the address."""
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail("gone@example.org")), a_user("manager"), NOW)
    run_flow(lambda: NOW)
    report = imported("email,first_name\ngone@example.org,Ada\n")
    contact = Contact.objects.get()
    assert contact.contact_addresses.get().address.status == "invalid"
    assert "the mailbox does not exist" in report.dead[0].verdict.sentence


def test_a_suppressed_address_is_imported_and_stays_suppressed():
    a_suppression("ada@example.org")
    report = imported("email\nada@example.org\n")
    assert (report.new, len(report.suppressed), len(report.dead)) == (1, 1, 0)


# --- what is refused --------------------------------------------------------------------------------


def test_bad_cells_are_reported_by_row_and_column():
    a_custom_field("size", "number")
    report = imported("E-mail,country,owner,size\nnot one,Atlantis,x@y.example,many\nada@example.org,DE,,1\n")
    assert report.new == 1
    assert {(problem.row, problem.column, problem.value) for problem in report.problems} == {
        (2, "E-mail", "not one"), (2, "country", "Atlantis"), (2, "owner", "x@y.example"), (2, "size", "many"),
    }  # fmt: skip


def test_an_address_at_a_bare_host_is_reported():
    report = imported("email\nbob@example\n")
    assert (report.new, "no dot" in report.problems[0].sentence) == (0, True)


def test_a_row_with_too_many_cells_is_reported():
    report = imported("email,company\nada@example.org,Acme, Inc.\n")
    assert "3 cells" in report.problems[0].sentence


def test_blank_lines_do_not_shift_the_numbers():
    assert imported("email\n\n\nnot one\n").problems[0].row == 4


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"email\n", "no rows"),
        (b"name,city\nA,B\n", "No column is named email"),
        (b"email\n" + b"a\x00b@x.example\n" * 9, "NUL"),
        (b'email,"name\na@x.example,Ada\n', "never closed"),
        (b"PK\x03\x04rest", "CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"email," + b"x" * 30_000 + b"\na@x.example,Ada\n", "30,000"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(body: bytes, says: str):
    with pytest.raises(UnreadableFile, match=says):
        ContactResource().import_data(SheetDataset(read_sheet(body)))


@pytest.mark.parametrize("text", ["{}", "[1]", "[[]]", "nonsense", '[{"email": {"a": 1}}]', "[" * 100_000])
def test_json_that_is_no_list_of_objects_says_so(text: str):
    with pytest.raises(UnreadableFile):
        read_sheet(text.encode(), Form.JSON)


def test_json_and_tsv_are_read():
    assert read_sheet(b'[{"email": "a@x.example", "tags": ["a", "b"]}]', Form.JSON).rows == [["a@x.example", "a, b"]]
    assert read_sheet(b"email\ttitle\na@x.example\tDr, med\n", Form.TSV).rows == [["a@x.example", "Dr, med"]]


@pytest.mark.parametrize(("encoding", "notices"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("latin-1", 1)])
def test_accents_survive_any_encoding(encoding: str, notices: int):
    sheet = read_sheet("email,first_name\na@x.example,Zoë\n".encode(encoding))
    assert (sheet.rows[0][1], len(sheet.notices)) == ("Zoë", notices)


def test_old_line_ends_and_semicolons_are_read():
    assert read_sheet(b"email;title\ra@x.example;Dr\r").rows == [["a@x.example", "Dr"]]


@pytest.mark.parametrize(
    ("cell", "defused"),
    [
        ("x;=1", "x;'=1"),
        ("x;'=1", "x;''=1"),
        ("x\n=1", "x\n'=1"),
        ('x;; "=1', "x;; \"'=1"),
        (" =1", "' =1"),
        ("\t=1", "'\t'=1"),
        ("a;b-c", "a;b-c"),
    ],
)
def test_a_sign_that_other_separators_would_let_begin_a_cell_is_defused_too(cell: str, defused: str):
    assert csv_cell(cell) == defused
    assert restore(csv_cell(cell)) == restore(safe_cell(cell)) == cell


def test_any_cell_comes_back_as_it_was():
    pieces = ("=", ";", "'", '"', "\n", "a", " ")
    for cell in map("".join, product(pieces, repeat=5)):
        assert restore(csv_cell(cell)) == restore(safe_cell(cell)) == cell, cell


@pytest.mark.parametrize(
    "cell", ["=1+1", "==1+1", "+49", "-1", "@a", "'=1", "''=1", "'quoted'", "plain", "", "\tx", "＝1"]
)
def test_defused_cells_come_back_as_they_were(cell: str):
    assert restore(safe_cell(cell)) == restore(csv_cell(cell)) == cell
    assert not safe_cell(cell).startswith(("=", "+", "-", "@", "\t", "＝"))


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries):
    def text(name: str, rows: int) -> str:
        return "email,company,tags\n" + "".join(f"{name}{n}@x.example,{name} {n},tag {n % 7}\n" for n in range(rows))

    imported(text("first", 2000))  # a table that doubles is counted for the planner
    with CaptureQueriesContext(connection) as few:
        imported(text("few", 20))
    with django_assert_max_num_queries(len(few)):
        assert imported(text("many", 900)).new == 900


# --- the doors --------------------------------------------------------------------------------------


def test_the_command_imports_and_counts(tmp_path):
    (tmp_path / "people.csv").write_text("email\nada@example.org\n")
    out = StringIO()
    call_command("import_contacts", str(tmp_path / "people.csv"), source="fair", stdout=out)
    assert "1  new" in out.getvalue()
    assert Contact.objects.get().source == "fair"


def test_the_command_fails_where_rows_failed_and_imports_the_others(tmp_path):
    (tmp_path / "people.csv").write_text("email\nada@example.org\nnot one\n")
    with pytest.raises(CommandError, match="1 row could not be imported") as caught:
        call_command("import_contacts", str(tmp_path / "people.csv"), stdout=StringIO())
    assert caught.value.returncode == 1
    assert Contact.objects.count() == 1


def test_the_command_names_a_row_that_cannot_be_read(tmp_path):
    people = "".join(f"p{n}@x.example,Name {n}\n" for n in range(50))
    rows = people + 'b@x.example,"never closed\n' + "c@x.example,Carl\n"
    (tmp_path / "late.csv").write_text(f"email,first_name\n{rows}")
    out = StringIO()
    with pytest.raises(CommandError, match="1 row could not be imported"):
        call_command("import_contacts", str(tmp_path / "late.csv"), stdout=out)
    assert "52" in out.getvalue()
    assert "is never" in " ".join(out.getvalue().split())
    assert Contact.objects.count() == 51


def test_the_commands_dry_run_changes_nothing(tmp_path):
    (tmp_path / "people.csv").write_text("email\nada@example.org\n")
    call_command("import_contacts", str(tmp_path / "people.csv"), dry_run=True, stdout=StringIO())
    assert not Contact.objects.exists()


def test_the_command_makes_fields(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email,Team size\nada@x.example,12\n")
    said = {"new_field": ["team_size:number"], "map": ["Team size=custom.team_size"]}
    call_command("import_contacts", path, stdout=StringIO(), **said)
    assert Contact.objects.get().custom == {"team_size": 12}
    for given, refusal in (
        ("size", "KEY:TYPE"),
        ("size:choice", "KEY:TYPE"),
        ("Size:number", "KEY:TYPE"),
        ("team_size:text", "already"),
    ):
        with pytest.raises(CommandError, match=refusal):
            call_command("import_contacts", path, stdout=StringIO(), new_field=[given])


def test_the_command_says_what_is_wrong_with_its_arguments(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_contacts", str(tmp_path / "none.csv"))
    (tmp_path / "people.csv").write_text("email\nada@example.org\n")
    before = ImportRun.objects.count()
    for word, said in (("owner", "nobody@x.example"), ("tag", ["a, b"]), ("source", "x" * 201), ("map", ["email"])):
        with pytest.raises(CommandError, match=f"--{word}"):
            call_command("import_contacts", str(tmp_path / "people.csv"), stdout=StringIO(), **{word: said})
    assert ImportRun.objects.count() == before


def test_importing_is_for_managers(client: Client):
    assert client.get(reverse("contacts:import")).status_code == 302
    client.force_login(a_user("sales"))
    assert client.get(reverse("contacts:import")).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(reverse("contacts:import")).status_code == 200


def test_a_row_about_an_address_that_an_earlier_row_moved_is_a_repetition():
    a_contact("old@x.example", external_id="m")
    text = "email,external_id,first_name\nnew@x.example,m,Moved\nnew@x.example,,Repeated\n"

    first = imported(text)
    again = imported(text)

    assert Contact.objects.count() == 1
    assert (first.new, again.new, again.updated) == (0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        '[{"email": ' + "1" * 5000 + "}]",
        '[{"email": "a@x.example", "tags": ["a\\u0000b"]}]',
        '[{"email": "a@x.example", "first_name": "\\ud800"}]',
        '[{"email": "a@x.example", "\\u0000": "x"}]',
    ],
    ids=["a number of 5,000 digits", "a NUL in a list", "half of a character", "a NUL in a name"],
)
def test_json_that_cannot_be_kept_is_refused_in_the_preview(text):
    with pytest.raises(UnreadableFile):
        read_sheet(text.encode())


def test_addresses_are_made_in_sorted_order_so_that_two_who_make_them_never_wait_in_a_circle():
    imported("email\nz@x.example\na@x.example\n")

    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM bounces_address ORDER BY ctid")
        assert cursor.fetchall() == [("a@x.example",), ("z@x.example",)]


def test_of_two_columns_of_addresses_one_is_read_and_the_other_named():
    report = imported("email,E-Mail\na@x.example,b@x.example\n")
    assert (report.new, Contact.objects.get().document) == (1, "a@x.example")
    assert "“E-Mail” is left out: “email” is read for it." in report.notices


def test_the_admin_reads_columns_as_the_pages_do():
    """Outlook's “Title” is a Mr or Ms, and no job."""
    head = "Title,First Name,Last Name,Company,Job Title,E-mail Address,E-mail Display Name"
    imported(f"{head}\nMs,Ada,Lovelace,Engines,Analyst,ada@x.example,Ada L\n")
    assert Contact.objects.get().title == "Analyst"
