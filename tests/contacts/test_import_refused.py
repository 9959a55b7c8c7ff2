"""What is refused of a file, by row and column; and cells that were made safe come back as they were."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bounces.spreadsheet import csv_cell, restore, safe_cell
from contacts.importing.formats import SheetDataset
from contacts.importing.reading import Form, UnreadableFile, read_sheet
from contacts.importing.resources import ContactResource
from tests.builders import a_custom_field
from tests.contacts.importing import imported

pytestmark = pytest.mark.django_db


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
        (b"name,city\nA,B\n", "No column holds the e-mail address"),
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
