"""Failed rows: named by number, column, value and reason; given back as a file that goes in once it is mended."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.importing.outcomes import failed_headers, failed_rows
from contacts.models import Contact, ImportOutcome, ImportRun
from tests.builders import a_contact, a_custom_field, a_user
from tests.contacts.hostile import rows_of
from tests.contacts.importing import done

pytestmark = pytest.mark.django_db

GERMAN = (
    "E-Mail;Vorname;Größe;Owner;Tel\n"
    "ada@example.org;Ada;12;;\n"
    "bob(at)example.org;Bob;13;;\n"
    "eve@example.org;Eve;big;;\n"
    "joe@example.org;Joe;;nobody@x.example;\n"
    "sue@example.org;Sue;14;;1;too;many\n"
    "=1+1;Mal;;;\n"
)


def reported(run: ImportRun) -> list[tuple[int, str, str, str]]:
    rows = ImportOutcome.objects.filter(run_id=run.pk, verdict="invalid").order_by("number")
    return [(row.number, *problem) for row in rows for problem in row.shown_problems]


def file_of(run: ImportRun) -> list[list[str]]:
    return [failed_headers(run), *failed_rows(run)]


def as_csv(rows: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def test_each_bad_row_has_its_number_column_value_and_reason():
    a_custom_field("size", "number", label="Größe")
    run = done(GERMAN, by=a_user("manager"), strict=True)
    told = reported(run)
    assert [(number, column, value) for number, column, value, _ in told] == [
        (3, "E-Mail", "bob(at)example.org"),
        (4, "Größe", "big"),
        (5, "Owner", "nobody@x.example"),
        (6, "", ""),
        (7, "E-Mail", "=1+1"),
    ]
    assert "The row has 7 cells, the header has 5" in told[3][3]
    assert "“too”, “many”" in told[3][3]
    assert run.written == {"new": 1}


def test_the_rest_goes_in_once_it_is_mended(client: Client, run_jobs: Callable[[], None]):
    manager = a_user("manager")
    a_custom_field("size", "number", label="Größe")
    run = done(GERMAN, by=manager, strict=True)
    client.force_login(manager)
    text = b"".join(client.get(reverse("contacts:import_failed", args=[run.pk])).streaming_content).decode("utf-8-sig")
    header, *rows = list(csv.reader(io.StringIO(text)))
    assert header == ["E-Mail", "Vorname", "Größe", "Owner", "Tel", "error"]
    assert (len(rows), rows[-1][0]) == (5, "'=1+1")
    mended = {0: (0, "bob@example.org"), 1: (2, "3"), 2: (3, ""), 4: (0, "mal@example.org")}
    for number, (column, value) in mended.items():
        rows[number][column] = value
    again = done(as_csv([header, *rows]), by=manager)
    assert (again.written, again.failed_rows) == ({"new": 5}, 0)
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Ada", "Bob", "Eve", "Joe", "Sue", "Mal"}


def test_what_was_left_as_it_is_fails_again_for_the_same_reason():
    run = done(GERMAN, by=a_user("manager"), strict=True)
    again = done(as_csv(file_of(run)), by=run.started_by, strict=True)
    # The row of too many cells fits now: its error says what was cut off.
    assert again.written == {"new": 1}
    assert file_of(again) == [row for row in file_of(run) if row[0] != "sue@example.org"]


def test_columns_that_were_chosen_by_hand_are_known_to_the_file_that_comes_back():
    manager = a_user("manager")
    a_contact("grace@example.org")
    a_contact("grace@example.org")
    chosen = {"Column A": "email", "Column B": "last_name", "Column C": "title"}
    run = done("zoe@example.org,Barnes,\nada(at)example.org,Lovelace,Countess\n", by=manager, mapping=chosen)
    header, *rows = file_of(run)
    rows[0][0] = "ada@example.org"
    again = done(as_csv([header, rows[0]]), by=manager)
    contact = Contact.objects.latest("pk")
    assert (again.written, contact.last_name, contact.title) == ({"new": 1}, "Lovelace", "Countess")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (rows_of(["People of 2026"], ["email", "first_name"], ["bob(at)example.org", "Bob"]), "people.xlsx"),
        (b'[{"email": "bob(at)example.org", "first_name": "Bob", "tags": ["a", "b"]}]', "people.json"),
        (b"BEGIN:VCARD\nEMAIL:bob(at)example.org\nN:;Bob\nEND:VCARD\n", "people.vcf"),
    ],
    ids=["a workbook", "JSON", "a vCard"],
)
def test_rows_of_every_kind_of_file_come_back_as_a_table(body: Any, name: str):
    run = done(body, by=a_user("manager"), name=name)
    header, row = file_of(run)
    mended = dict(zip(header, row, strict=True)) | {"email": "bob@example.org"}
    again = done(as_csv([header, [mended[each] for each in header]]), by=run.started_by)
    assert (again.written, Contact.objects.get().first_name) == ({"new": 1}, "Bob")
