"""How a file is read, as a person says it: on the pages, by the command and the API; and what makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # has no types
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.importing import runs
from contacts.importing.reading import Manner, UnreadableFile, manner_of, read_sheet
from contacts.models import Contact, ImportRun
from tests.builders import NOW, a_user
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db

GREEK = "email:όνομα\nada@x.example:Άδα\n".encode("cp1253")
GREEK_MANNER = {"encoding": "cp1253", "separator": "colon"}


def a_workbook(**sheets: list[list[str]]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return file.getvalue()


BOOK = a_workbook(Notes=[["Fair", "Berlin"], ["Booth", "7"]], People=[["email"], ["ada@x.example"]])


@pytest.fixture
def manager(client: Client):
    user = a_user("manager")
    client.force_login(user)
    return user


def upload(client: Client, body: bytes, name: str = "people.csv", **said: str) -> Any:
    return client.post(reverse("contacts:import"), {"file": SimpleUploadedFile(name, body), **said})


def columns_of(client: Client, run: ImportRun) -> Any:
    return client.get(reverse("contacts:import_columns", args=[run.pk]))


def read_so(client: Client, run: ImportRun, **said: str) -> Any:
    return client.post(reverse("contacts:import_read_otherwise", args=[run.pk]), said, follow=True)


# --- reading --------------------------------------------------------------------------------------


def test_a_first_row_with_an_address_may_be_a_header():
    sheet = read_sheet(b"team@x.example,name\nada@x.example,Ada\n", manner=Manner(has_header=True))
    assert (sheet.headers, len(sheet.rows)) == (["team@x.example", "name"], 1)


def test_a_first_row_of_words_may_be_a_contact():
    sheet = read_sheet(b"Ada,Lovelace\nada@x.example,Byron\n", manner=Manner(has_header=False))
    assert (sheet.headers, sheet.rows[0], sheet.numbers) == (["Column A", "Column B"], ["Ada", "Lovelace"], [1, 2])


def test_a_title_is_a_header_where_a_person_says_so():
    body = b"Mail\nemail,name\nada@x.example,Ada\n"
    assert read_sheet(body).headers == ["email", "name"]
    assert read_sheet(body, manner=Manner(has_header=True)).headers == ["Mail"]


def test_a_workbook_without_a_header_is_read_too():
    body = a_workbook(People=[["Ada", "Lovelace"], ["Eve", "Adams"]])
    sheet = read_sheet(body, manner=Manner(has_header=False))
    assert (sheet.headers, len(sheet.rows)) == (["Column A", "Column B"], 2)


def test_cells_that_a_sign_parts_for_which_no_file_is_searched_are_told():
    (notice,) = read_sheet(b"email:name\nada@x.example:Ada\n").notices
    assert "say what parts them" in notice
    assert read_sheet(b"E-mail:\nada@x.example\n").notices == []


@pytest.mark.parametrize("separator", ["::", '"', "\n", "klingon", "\\"])
def test_what_parts_no_cells_is_refused(separator: str):
    with pytest.raises(UnreadableFile, match="parts no cells"):
        manner_of(separator=separator)


@pytest.mark.parametrize(
    "encoding", ["klingon", "zlib", "rot13", "base64", "idna", "punycode", "unicode_escape", "a\x00"]
)
def test_codecs_that_are_no_encodings_of_files_are_refused(encoding: str):
    with pytest.raises(UnreadableFile, match="no encoding"):
        manner_of(encoding=encoding)
    with pytest.raises(UnreadableFile, match="no encoding"):
        read_sheet(b"email\nada@x.example\n", manner=Manner(encoding=encoding))


# --- the pages ------------------------------------------------------------------------------------


def test_a_file_that_was_read_wrongly_is_read_as_the_person_says(client: Client, manager, run_jobs: Callable[[], None]):
    upload(client, GREEK)
    run = ImportRun.objects.get()
    assert run.headers != ["email", "όνομα"]
    page = read_so(client, run, **GREEK_MANNER).content.decode()
    assert "όνομα" in page
    assert "Άδα" in page
    chosen = {"word-0": "email", "word-1": "first_name", "update": "overwrite"}
    client.post(reverse("contacts:import_columns", args=[run.pk]), chosen)
    run_jobs()
    client.post(reverse("contacts:import_confirm", args=[run.pk]))
    run_jobs()
    assert Contact.objects.get().first_name == "Άδα"


def test_a_file_can_be_read_otherwise_after_its_preview(client: Client, manager, run_jobs: Callable[[], None]):
    upload(client, b"email,first_name\nada@x.example,Ada\n")
    run = ImportRun.objects.get()
    client.post(reverse("contacts:import_columns", args=[run.pk]), {"word-0": "email", "update": "overwrite"})
    run_jobs()
    assert ImportRun.objects.get().state == "ready"
    read_so(client, run, header="no")
    run = ImportRun.objects.get()
    assert (run.state, run.headers) == ("uploaded", ["Column A", "Column B"])
    client.post(reverse("contacts:import_columns", args=[run.pk]), {"word-0": "email", "update": "overwrite"})
    run_jobs()
    run = ImportRun.objects.get()
    assert (run.state, run.counts["new"], run.counts["invalid"]) == ("ready", 1, 1)


def test_the_page_offers_the_sheets_of_a_workbook(client: Client, manager):
    upload(client, BOOK, "fair.xlsx")
    run = ImportRun.objects.get()
    assert run.headers == ["email"]  # of the sheet that holds an address
    page = columns_of(client, run)
    assert list(page.context["manner_form"].fields) == ["sheet", "header"]
    assert [name for name, _ in page.context["manner_form"].fields["sheet"].choices] == ["", "Notes", "People"]
    assert read_so(client, run, sheet="Notes").context["run"].headers == ["Fair", "Berlin"]
    assert b'<option value="Notes" selected>' in columns_of(client, run).content


def test_nothing_is_asked_that_makes_no_difference(client: Client, manager):
    upload(client, b'[{"email": "ada@x.example"}]', "people.json")
    assert list(columns_of(client, ImportRun.objects.get()).context["manner_form"].fields) == ["encoding"]


def test_a_manner_in_which_the_file_makes_no_sense_changes_nothing(client: Client, manager):
    upload(client, BOOK, "fair.xlsx")
    run = ImportRun.objects.get()
    said = {"Notes": {"sheet": "Others"}, "choice": {"encoding": "klingon"}}
    assert "no such sheet" in read_so(client, run, **said["Notes"]).content.decode()
    assert "valid choice" in read_so(client, run, **said["choice"]).content.decode()
    run.refresh_from_db()
    assert (run.manner, run.headers) == ({}, ["email"])


def test_a_file_whose_guess_fails_altogether_can_be_brought_with_a_word_about_it(client: Client, manager):
    body = a_workbook(Empty=[["email"]], People=[["email"], ["ada at x.example"]])
    refused = upload(client, body, "fair.xlsx")
    assert (refused.status_code, b"File format" in refused.content) == (400, True)
    assert upload(client, body, "fair.xlsx", sheet="People").status_code == 302
    assert ImportRun.objects.get().headers == ["email"]


def test_only_whoever_brought_the_file_says_how_it_is_read(client: Client, manager):
    upload(client, GREEK)
    run = ImportRun.objects.get()
    for role, status in (("manager", 404), ("sales", 403)):
        other = Client()
        other.force_login(a_user(role))
        assert read_so(other, run, **GREEK_MANNER).status_code == status
    run.refresh_from_db()
    assert run.manner == {}


def test_what_is_imported_is_not_read_otherwise(client: Client, manager):
    upload(client, GREEK)
    run = ImportRun.objects.get()
    runs.cancel(run, manager, NOW)
    read_so(client, run, **GREEK_MANNER)
    run.refresh_from_db()
    assert (run.state, run.manner) == ("cancelled", {})


# --- the command and the API ------------------------------------------------------------------------


def test_the_command_reads_a_file_as_it_is_told(tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"ada@x.example:\xc1\xe4\xe1\n")
    columns = {"map": ["Column A=email", "Column B=first_name"], "header": False}
    call_command("import_contacts", path, encoding="cp1253", separator="colon", stdout=StringIO(), **columns)
    assert Contact.objects.get().first_name == "Αδα"


def test_the_command_names_the_sheet_and_says_what_it_does_not_know(tmp_path: Path):
    path = tmp_path / "fair.xlsx"
    path.write_bytes(BOOK)
    call_command("import_contacts", path, sheet="People", stdout=StringIO())
    assert Contact.objects.count() == 1
    for said, refusal in (({"sheet": "Others"}, "no such sheet"), ({"encoding": "klingon"}, "no encoding")):
        with pytest.raises(CommandError, match=refusal):
            call_command("import_contacts", path, stdout=StringIO(), **said)


def test_a_tool_says_how_its_file_is_read():
    tool = a_tool()
    file = SimpleUploadedFile("people.csv", GREEK)
    asked = tool.client.post("/api/v1/imports/", {"file": file, "encoding": "windows-1253", "separator": ":"})
    assert (asked.status_code, asked.json()["headers"]) == (202, ["email", "όνομα"])
    book = {"file": SimpleUploadedFile("fair.xlsx", BOOK), "sheet": "People", "has_header": "true"}
    assert tool.client.post("/api/v1/imports/", book).json()["headers"] == ["email"]


@pytest.mark.parametrize(
    ("said", "field"),
    [({"encoding": "zlib"}, "encoding"), ({"separator": "::"}, "separator"), ({"has_header": "perhaps"}, "has_header"),
     ({"sheet": "Others"}, "file")],
)  # fmt: skip
def test_a_tool_is_told_what_makes_no_sense(said: dict[str, str], field: str):
    file = SimpleUploadedFile("fair.xlsx", BOOK)
    assert list(errors_of(a_tool().client.post("/api/v1/imports/", {"file": file, **said}))) == [field]
    assert not ImportRun.objects.exists()
