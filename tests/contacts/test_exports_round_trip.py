"""What leaves by an export, in every form: nothing in it runs, all of it comes back."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # has no types
import pytest

from contacts.exporting.people import columns, rows_of
from contacts.importing.outcomes import preview_rows
from contacts.importing.reading import read_sheet
from contacts.models import Contact
from tests.builders import NOW, a_contact, a_custom_field, a_user
from tests.contacts.exporting import FORMS, a_full_house, exported, imported
from tests.contacts.importing import previewed

pytestmark = pytest.mark.django_db

STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'=", "''+", "'", "''@")

TAILS = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","click")', "SUM(A1:A9)", 'x;y,z"q"')

PAYLOADS = [start + tail for start in STARTS for tail in TAILS]

# Live to whoever reads a file of commas by semicolons, as Excel does in half of Europe, or by tabs.
INNER = ["x;=1+1;y", "x\n=2+2\ny", "x\t=3+3\ty", 'a"";=4+4;""', ";=5+5;", 'x;" =6+6', "x\n'=7+7\ny", "x;''@SUM(A1);y"]


def everything() -> list[Any]:
    contacts = Contact.objects.order_by("pk")
    fields = ("first_name", "last_name", "title", "phone", "country", "source", "external_id", "custom", "owner_id",
              "company__name", "updated_at")  # fmt: skip
    tags = [sorted(tag.name for tag in contact.tags.all()) for contact in contacts]
    return [*contacts.values_list(*fields), tags]


@pytest.mark.parametrize("form", FORMS)
def test_a_round_trip_changes_no_row(form: str):
    a_full_house()
    before = everything()
    report = imported(exported(form))
    assert (report.new, report.updated, report.unchanged, report.problems) == (0, 0, 3, ())
    assert everything() == before


# Texts that spreadsheets and readers of CSV like to improve.
ODD = [
    "007", "1e5", "1E400", "TRUE", "null", "NULL", "None", "N/A", "nan", "-", "0", "-0", "00:15", "1/2", "2026-05-31",
    "5 May 2026", "12,5", "1.000,00", "€ 5", "O'Hara", "'tis", "“quoted”", '"quoted"', '""', "\\", '\\"', "a\tb",
    "a|b;c,d", "Zoë", "שלום", "السلام عليكم", "山田太郎", "👩‍👩‍👧",
    "no\u00a0break", "_x0041_", "<b>&amp;</b>", "{{ owner }}", "%s",
    "line\nbreak", "line\r\nbreak", "two\n\nlines", "x" * 2000, "email", "first_name", "sep=;",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_odd_texts_come_back_through_the_wizard_unchanged(form: str):
    a_custom_field("notes", "text")
    a_custom_field("size", "number")
    a_custom_field("level", "choice", options=["1", "=2", "three; or more"])
    for number, text in enumerate(ODD):
        short = text[:200] if text.isprintable() else "Odd"
        a_contact(
            f"p{number}@example.org",
            first_name=short,
            last_name=short,
            title=short,
            company=f"{short[:190]} {number}",
            external_id=f"00{number}",
            custom={"notes": text, "size": (number - 7) * 1.5, "level": "three; or more"},
            tags=('say "hi"', f"{number}"),
        )
    before = everything()
    run = previewed(exported(form), by=a_user("manager"), name=f"people.{form}")
    writes = [(row.number, row.changes or row.problems) for row in preview_rows(run, ["update", "invalid"], 9, NOW)]
    assert writes == []
    assert (run.state, run.counts) == ("ready", {"unchanged": len(ODD)})
    assert everything() == before


@pytest.mark.parametrize("form", FORMS)
def test_sixty_formulas_come_back_as_they_were(form: str):
    a_custom_field("notes", "text")
    for number, payload in enumerate(PAYLOADS):
        a_contact(f"p{number}@example.org", first_name=payload, title=payload, custom={"notes": payload})
    assert len(PAYLOADS) == 60
    sheet = read_sheet(exported(form))
    for column in ("first_name", "title", "notes"):
        at = sheet.headers.index(column)
        assert [row[at] for row in sheet.rows] == PAYLOADS
    assert imported(exported(form)).unchanged == 60


@pytest.mark.parametrize("form", FORMS)
def test_what_only_other_separators_would_run_comes_back_too(form: str):
    a_custom_field("notes", "text")
    for number, payload in enumerate(INNER):
        a_contact(f"p{number}@example.org", custom={"notes": payload})
    assert imported(exported(form)).unchanged == len(INNER)


def test_no_cell_of_a_csv_begins_like_a_formula():
    for number, payload in enumerate(PAYLOADS):
        a_contact(f"p{number}@example.org", first_name=payload, company=payload)
    cells = [cell for row in csv.reader(io.StringIO(exported("csv").decode("utf-8-sig"))) for cell in row if cell]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r＝＋－＠"] == []


def test_no_cell_of_a_workbook_is_a_formula_or_a_link():
    for number, payload in enumerate(PAYLOADS):
        a_contact(f"p{number}@example.org", first_name=payload, source="https://x.example")
    book = openpyxl.load_workbook(io.BytesIO(exported("xlsx")))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    assert not any(str(cell.value).startswith(("=", "+", "-", "@")) for cell in cells)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LIBREOFFICE IS NOT HERE: formulas were not tried in it")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_libreoffice_runs_none_of_them(form: str, tmp_path: Path):
    for number, payload in enumerate(PAYLOADS + INNER):
        a_contact(f"p{number}@example.org", first_name=payload)
    (tmp_path / f"people.{form}").write_bytes(exported(form))
    (tmp_path / "control.csv").write_text("first_name\n=1+1\n")
    convert = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to", "fods"]
    files = [tmp_path / f"people.{form}", tmp_path / "control.csv"]
    for separators in ["59", "9", "59/44/9", "44"] if form == "csv" else [""]:
        read = [f"--infilter=Text - txt - csv (StarCalc):{separators},34,76"] if separators else []
        subprocess.run([*convert, *read, "--outdir", tmp_path, *files], check=True, timeout=120)
        assert "table:formula" in (tmp_path / "control.fods").read_text()
        assert "table:formula" not in (tmp_path / "people.fods").read_text(), separators


def test_json_lines_are_typed_and_literal():
    a_contact("ada@example.org", first_name="=1+1", tags=("a", "b"))
    (row,) = [json.loads(line) for line in exported("jsonl").splitlines()]
    assert (row["first_name"], row["tags"], row["other_emails"], row["phone"]) == ("=1+1", ["a", "b"], [], None)


def test_a_line_of_json_is_one_line_to_every_reader():
    a_contact("ada@example.org", first_name="a\u2028b\u2029c\x85d")
    (line,) = exported("jsonl").decode().splitlines()
    assert json.loads(line)["first_name"] == "a\u2028b\u2029c\x85d"


def test_columns_can_be_chosen():
    a_contact("ada@example.org", first_name="Ada")
    assert exported("csv", "email", "first_name").decode("utf-8-sig") == "email,first_name\r\nada@example.org,Ada\r\n"


def test_the_columns_are_those_that_a_contact_has():
    a_contact("ada@example.org", first_name="Ada")
    header = exported("csv").decode("utf-8-sig").splitlines()[0].split(",")
    assert not {"full_name", "notes", "opt_out"} & set(header)


def test_a_custom_field_called_like_a_column_has_a_header_of_its_own():
    a_custom_field("status", "text")
    a_contact("ada@example.org", custom={"status": "customer"})
    assert b"custom.status" in exported("csv")
    assert imported(exported("csv")).unchanged == 1


def test_the_number_of_queries_does_not_grow_with_the_rows(django_assert_max_num_queries):
    for number in range(30):
        a_contact(f"p{number}@example.org", tags=("a", "b"), company=f"Company {number}")
    header = columns()
    with django_assert_max_num_queries(8):
        assert len(list(rows_of(Contact.objects.all(), header, NOW))) == 30
