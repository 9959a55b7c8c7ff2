"""Exports in every form: nothing in them runs, all of it comes back; long ones are made by a worker, for one person."""

from __future__ import annotations

import csv
import io
import json
import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openpyxl  # type: ignore[import-untyped]  # has no types
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from bounces import lease
from contacts.erasure import erase_contact
from contacts.exporting import runs
from contacts.exporting.files import pieces_of
from contacts.exporting.people import ContactExport, columns, rows_of
from contacts.importing.formats import EXPORT_FORMATS, XLSX, AnyFile, SheetDataset
from contacts.importing.outcomes import preview_rows
from contacts.importing.reading import Form, read_sheet
from contacts.importing.report import ImportReport
from contacts.importing.resources import ContactResource
from contacts.models import Contact, Export, ExportPiece
from tests.builders import (
    NOW,
    a_bounce,
    a_cleaning_row,
    a_cleaning_run,
    a_contact,
    a_custom_field,
    a_segment,
    a_suppression,
    a_user,
    an_address,
    days_ago,
)
from tests.contacts.importing import previewed
from tests.tools import Tool, a_tool, errors_of

pytestmark = pytest.mark.django_db

FORMS = ("csv", "xlsx", "jsonl")
STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'=", "''+", "'", "''@")
TAILS = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","click")', "SUM(A1:A9)", 'x;y,z"q"')
PAYLOADS = [start + tail for start in STARTS for tail in TAILS]
# Live to whoever reads a file of commas by semicolons, as Excel does in half of Europe, or by tabs.
INNER = ["x;=1+1;y", "x\n=2+2\ny", "x\t=3+3\ty", 'a"";=4+4;""', ";=5+5;", 'x;" =6+6', "x\n'=7+7\ny", "x;''@SUM(A1);y"]


def exported(form: str, *keys: str) -> bytes:
    header = {column: column for column in columns() if not keys or column in keys}
    return b"".join(
        pieces_of(form, header, rows_of(Contact.objects.all(), list(header), NOW), ["tags", "other_emails"])
    )


def imported(body: bytes) -> ImportReport:
    resource = ContactResource()
    return resource.report(resource.import_data(SheetDataset(read_sheet(body))))


def everything() -> list[Any]:
    contacts = Contact.objects.order_by("pk")
    fields = ("first_name", "last_name", "title", "phone", "country", "source", "external_id", "custom", "owner_id",
              "company__name", "updated_at")  # fmt: skip
    tags = [sorted(tag.name for tag in contact.tags.all()) for contact in contacts]
    return [*contacts.values_list(*fields), tags]


def a_full_house() -> None:
    for key, kind in (("size", "number"), ("signed", "date"), ("vip", "yes_no"), ("notes", "text"), ("mail", "text")):
        a_custom_field(key, kind)
    owner = a_user("sales", email="sam@rebound.example")
    a_contact("ada@example.org", others=("ada@home.example", "a@b.example"), company="Engines; Ltd, “Co”", owner=owner,
        first_name="Ada", phone="030 901820", country="DE", tags=("vip", "a;b"), external_id="0017", source="=fair",
        custom={"size": 12.5, "signed": "2026-04-03", "vip": False, "notes": "one\r\ntwo\n'=3"})  # fmt: skip
    a_contact(
        "bob@example.org", title="-1", tags=("lone;tag",), phone="+49 (0)30 901820", custom={"vip": True, "mail": "1"}
    )
    a_contact(None, external_id="no-address", last_name="O'Hara")


# --- what leaves comes back -------------------------------------------------------------------------


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
    "a|b;c,d", "Zoë", "Zoe\u0308", "שלום", "السلام عليكم", "山田太郎", "👩‍👩‍👧", "a\u200bb", "a\u202eb",
    "soft\u00adhyphen", "no\u00a0break", "_x0041_", "<b>&amp;</b>", "{{ owner }}", "%s",
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


# --- the page ---------------------------------------------------------------------------------------


def new(client: Client, query: str = "", **given: Any) -> Any:
    given = {"form": "csv", "columns": ["email"], **given}
    return client.post(f"{reverse('contacts:export_new')}{query}", given)


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_a_short_list_is_sent_at_once(client: Client):
    a_contact("ada@example.org", status="invalid")
    a_contact("bob@example.org", status="valid")
    client.force_login(a_user("sales"))
    page = client.get(reverse("contacts:export_new"), {"status": "invalid"})
    assert "Status: Invalid" in page.content.decode()
    response = new(client, "?status=invalid")
    assert body(response) == "email\r\nada@example.org\r\n"
    assert response["Content-Disposition"].endswith('.csv"')
    assert not Export.objects.exists()


def test_it_holds_only_what_the_person_sees(client: Client, settings):
    settings.SALES_SEE = "team"
    a_contact("ada@example.org", owner=a_user("sales"))
    a_contact("mine@example.org")
    client.force_login(a_user("sales"))
    assert body(new(client)) == "email\r\nmine@example.org\r\n"
    client.force_login(a_user("manager"))
    assert "ada@example.org" in body(new(client))


def test_the_other_lists_are_exported_as_their_pages_show_them(client: Client):
    a_bounce("gone@example.org")
    a_suppression("never@example.org")
    client.force_login(a_user("manager"))
    assert body(new(client, "?what=bounces", columns=["email", "kind"])) == "Address,Kind\r\ngone@example.org,hard\r\n"
    assert "never@example.org" in body(new(client, "?what=suppressions", columns=["target"]))
    assert "never@example.org" not in body(new(client, "?what=suppressions&state=lifted", columns=["target"]))


def test_suppressions_are_for_those_who_may_see_them(client: Client):
    url = f"{reverse('contacts:export_new')}?what=suppressions"
    client.force_login(a_user("sales"))
    assert client.get(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "query", ["?status=nonsense", "?what=cleaning", "?what=cleaning&run=99", "?what=bounces&kind=x"]
)
def test_a_filter_that_makes_no_sense_exports_nothing(client: Client, query: str):
    client.force_login(a_user("manager"))
    assert new(client, query).status_code == 302


def test_what_cannot_be_exported_is_not_there(client: Client):
    client.force_login(a_user("admin"))
    assert new(client, "?what=users").status_code == 404
    assert "Tick at least one column" in new(client, columns=[]).content.decode()


def test_each_list_is_in_the_order_of_its_page(client: Client):
    run = a_cleaning_run()
    late, early = an_address("late@example.org"), an_address("early@example.org")
    for address in (early, late):
        a_cleaning_row(run, address)
    a_bounce("new@example.org", occurred_at=days_ago(1))
    a_bounce("old@example.org", occurred_at=days_ago(9))
    client.force_login(a_user("manager"))
    cleaned = body(new(client, f"?what=cleaning&run={run.pk}", columns=["email"])).split()
    bounced = body(new(client, "?what=bounces", columns=["email"])).split()
    assert cleaned == ["Address", "late@example.org", "early@example.org"]
    assert bounced == ["Address", "new@example.org", "old@example.org"]


def test_what_a_sheet_cannot_hold_is_refused_rather_than_cut(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.exporting.files.LONGEST_CELL", 20)
    a_contact("ada@example.org", title="x" * 21)
    client.force_login(a_user("sales"))
    response = client.post(reverse("contacts:export_new"), {"form": "xlsx", "columns": ["title"]}, follow=True)
    assert "Row 2 has more in “title” than a cell of XLSX holds" in response.content.decode()


# --- the worker -------------------------------------------------------------------------------------


def clock() -> Any:
    return NOW


def begun(user: Any, form: str = "csv", **params: Any) -> Export:
    return runs.begin("contacts", form, params, [], user, NOW)


def test_a_long_list_is_left_to_a_worker(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.views.exporting.DIRECT", 1)
    a_contact("ada@example.org")
    a_contact("bob@example.org")
    client.force_login(a_user("sales"))
    assert new(client).status_code == 302
    assert "Waiting" in client.get(reverse("contacts:exports")).content.decode()
    assert runs.is_waiting(NOW)
    runs.work(clock)
    export = Export.objects.get()
    assert (export.state, export.done, export.total) == ("done", 2, 2)
    assert not runs.is_waiting(NOW)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    response = client.get(reverse("contacts:export_file", args=[export.pk]))
    assert body(response) == "email\r\nada@example.org\r\nbob@example.org\r\n"
    assert int(response["Content-Length"]) == export.size


@pytest.mark.parametrize("form", FORMS)
def test_a_workers_file_is_the_same_in_pieces(form: str, monkeypatch):
    monkeypatch.setattr("contacts.exporting.files.PIECE", 1000)
    for number in range(40):
        a_contact(f"p{number}@example.org", first_name="Zoë" * 20)
    export = begun(a_user("sales"), form)
    runs.work(clock)
    export.refresh_from_db()
    assert export.pieces > 3
    rows = read_sheet(b"".join(runs.body_of(export)), Form.CSV).rows
    assert len(rows) == 40
    assert rows == read_sheet(exported(form), Form.CSV).rows


def test_more_rows_than_a_sheet_holds_are_refused_before_they_are_written(monkeypatch):
    monkeypatch.setattr("contacts.exporting.runs.MOST_ROWS_OF_A_SHEET", 1)
    a_contact("ada@example.org")
    a_contact("bob@example.org")
    export = begun(a_user("sales"), "xlsx")
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.done, "Choose CSV" in export.error) == ("failed", 0, True)


def test_downloads_are_for_whoever_asked(client: Client):
    a_contact("ada@example.org")
    owner = a_user("sales")
    export = begun(owner)
    runs.work(clock)
    url = reverse("contacts:export_file", args=[export.pk])
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    client.force_login(a_user("admin"))
    assert client.get(url).status_code == 404
    assert client.post(reverse("contacts:export_delete", args=[export.pk])).status_code == 404
    client.force_login(owner)
    assert client.get(url).status_code == 200
    assert client.post(reverse("contacts:export_delete", args=[export.pk])).status_code == 302
    assert not ExportPiece.objects.exists()


def test_files_expire():
    export = begun(a_user("sales"))
    runs.work(clock)
    later = NOW + timedelta(days=4)
    assert runs.is_waiting(later)
    runs.work(lambda: later)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count(), runs.is_waiting(later)) == ("expired", 0, False)


def test_an_expired_file_is_not_handed_out(client: Client):
    user = a_user("sales")
    export = begun(user)
    runs.work(lambda: NOW - timedelta(days=400))
    client.force_login(user)
    assert client.get(reverse("contacts:export_file", args=[export.pk])).status_code == 302


def test_a_killed_export_begins_anew():
    a_contact("ada@example.org")
    export = begun(a_user("sales"))
    ExportPiece.objects.create(export=export, position=0, body=b"half")
    Export.objects.update(state="running", pieces=1, done=17, attempts=1)
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.done, export.attempts) == ("done", 1, 2)
    assert b"ada@example.org" in b"".join(runs.body_of(export))


def test_an_export_that_always_dies_is_given_up():
    export = begun(a_user("sales"))
    Export.objects.update(state="running", attempts=3)
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, "never came to its end" in export.error) == ("failed", True)


def test_one_worker_makes_exports_at_a_time():
    begun(a_user("sales"))
    held = lease.acquire(runs.LEASE, timedelta(seconds=30))
    assert held
    assert not runs.work(clock)
    assert not runs.is_waiting(NOW)


def test_what_is_gone_meanwhile_exports_nothing():
    manager, run, segment = a_user("manager"), a_cleaning_run(), a_segment("Vips", tag=["vip"])
    a_contact("ada@example.org")
    cleaned = runs.begin("cleaning", "csv", {"run": str(run.pk)}, [], manager, NOW)
    narrowed = runs.begin("contacts", "csv", {"segment": [str(segment.pk)]}, [], manager, NOW)
    run.delete()
    segment.delete()
    runs.work(clock)
    cleaned.refresh_from_db()
    narrowed.refresh_from_db()
    assert (cleaned.state, cleaned.error) == ("failed", f"Cleaning run {cleaned.params['run']} is gone.")
    assert (narrowed.state, narrowed.done) == ("done", 0)


def test_rights_are_looked_at_when_it_is_made():
    user = a_user("sales")
    export = begun(user)
    user.is_active = False
    user.save()
    runs.work(clock)
    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "You may no longer export this.")


def test_an_export_that_was_deleted_meanwhile_stays_deleted(monkeypatch):
    a_contact("ada@example.org")
    export = begun(a_user("sales"))
    pieces = runs.pieces_of

    def deleting(*args: Any) -> Any:
        Export.objects.filter(pk=export.pk).delete()
        yield from pieces(*args)

    monkeypatch.setattr(runs, "pieces_of", deleting)
    runs.work(clock)
    assert (Export.objects.count(), ExportPiece.objects.count()) == (0, 0)


def test_one_person_has_a_few_open_at_a_time(client: Client, monkeypatch):
    user = a_user("sales")
    for _ in range(runs.MOST_OPEN):
        begun(user)
    with pytest.raises(runs.TooManyOpen):
        begun(user)
    assert begun(a_user("sales"))


def test_an_erasure_takes_the_older_files_with_it():
    export = begun(a_user("sales"))
    runs.work(clock)
    erase_contact(a_contact("ada@example.org"), a_user("admin"), "Asked.", NOW)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count()) == ("expired", 0)


def test_so_does_that_of_somebody_whose_addresses_others_have_too():
    contact = a_contact("info@example.org")
    a_contact("info@example.org")
    export = begun(a_user("sales"))
    runs.work(clock)
    erase_contact(contact, a_user("admin"), "Asked.", NOW)
    export.refresh_from_db()
    assert (export.state, ExportPiece.objects.count()) == ("expired", 0)


# --- the API and the command ------------------------------------------------------------------------


def test_the_api_exports_what_fits():
    a_contact("ada@example.org", status="invalid")
    a_contact("bob@example.org")
    tool = a_tool("contacts:read", role="sales")
    asked = tool.post("exports/", {"format": "jsonl", "filter": {"status": ["invalid"]}, "columns": ["email"]})
    assert (asked.status_code, asked.json()["state"], asked.json()["file"]) == (202, "waiting", None)
    assert tool.get(f"exports/{asked.json()['id']}/file/").status_code == 409
    runs.work(clock)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    done = tool.get(f"exports/{asked.json()['id']}/").json()
    assert (done["state"], done["rows"]) == ("done", 1)
    response = tool.client.get(done["file"])
    assert body(response) == '{"email": "ada@example.org"}\n'


def test_the_api_gives_exports_to_whoever_asked():
    export = begun(a_user("sales"))
    assert a_tool("contacts:read").get(f"exports/{export.pk}/").status_code == 404
    assert a_tool("contacts:read", user=export.by).get(f"exports/{export.pk}/").status_code == 200
    assert a_tool("check").post("exports/", {}).status_code == 403


def made_by(tool: Tool, **asked: Any) -> str:
    """The file that a tool gets of what it asks for."""
    export = tool.post("exports/", asked)
    assert export.status_code == 202, export.json()
    runs.work(clock)
    Export.objects.update(expires_at="2999-01-01T00:00Z")
    return body(tool.get(f"exports/{export.json()['id']}/file/"))


def test_the_api_exports_the_other_lists_as_their_pages_do(client: Client):
    a_bounce("gone@example.org")
    a_bounce("full@example.org", kind="soft")
    a_suppression("never@example.org")
    run = a_cleaning_run()
    a_cleaning_row(run, an_address("late@example.org"))
    user = a_user("manager")
    tool = a_tool(user=user)
    client.force_login(user)
    for what, keys, query in (
        ("bounces", ["email", "kind"], {"kind": "hard"}),
        ("suppressions", ["target", "reason"], {}),
        ("cleaning", ["email", "to"], {"run": run.pk}),
    ):
        page = body(new(client, f"?{urlencode({'what': what, **query})}", columns=keys))
        assert page.count("\r\n") == 2
        assert made_by(tool, what=what, columns=keys, filter=query) == page


def test_the_api_exports_a_segment():
    a_contact("ada@example.org", country="GB")
    a_contact("bob@example.org")
    segment = a_segment("British", country=["GB"])
    filed = made_by(a_tool(), filter={"segment": segment.pk}, columns=["email"])
    assert filed == "email\r\nada@example.org\r\n"


def test_all_suppressions_are_those_of_any_state():
    a_suppression("never@example.org")
    a_suppression("once@example.org", expires_at=days_ago(1))
    tool = a_tool()
    assert "once@" not in made_by(tool, what="suppressions")
    assert "once@" in made_by(tool, what="suppressions", filter={"state": ""})


@pytest.mark.parametrize(
    ("what", "scope", "role", "status"),
    [
        ("bounces", "bounces:read", "sales", 202),
        ("bounces", "contacts:read", "manager", 403),
        ("contacts", "bounces:read", "manager", 403),
        ("cleaning", "bounces:read", "sales", 202),
        ("cleaning", "contacts:read", "manager", 403),
        ("suppressions", "suppressions:read", "manager", 202),
        ("suppressions", "suppressions:read", "sales", 403),
        ("suppressions", "bounces:read", "manager", 403),
    ],
)
def test_each_list_needs_its_scope_and_its_permission(what: str, scope: str, role: str, status: int):
    query = {"run": a_cleaning_run().pk} if what == "cleaning" else {}
    user = a_user(role)
    assert a_tool(scope, user=user).post("exports/", {"what": what, "filter": query}).status_code == status
    export = begun(user)
    Export.objects.update(subject=what)
    for path in (f"exports/{export.pk}/", f"exports/{export.pk}/file/"):
        assert (a_tool(scope, user=user).get(path).status_code == 403) == (status == 403)


def test_nobody_learns_of_an_export_without_a_key(client: Client):
    export = begun(a_user("sales"))
    assert client.post("/api/v1/exports/", {"what": "bounces"}, content_type="application/json").status_code == 401
    assert client.get(f"/api/v1/exports/{export.pk}/").status_code == 401


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"what": "users"}, "what"),
        ({"what": ["bounces"]}, "what"),
        ({"what": "bounces", "filter": {"status": ["invalid"]}}, "filter"),
        ({"what": "bounces", "filter": {"kind": ["hard", "soft"]}}, "filter"),
        ({"what": "bounces", "filter": {"kind": "nonsense"}}, "filter"),
        ({"what": "bounces", "columns": ["first_name"]}, "columns"),
        ({"what": "cleaning"}, "filter"),
        ({"what": "cleaning", "filter": {"run": 99}}, "filter"),
        ({"filter": {"status": ["nonsense"]}}, "filter"),
        ({"filter": {"password": ["x"]}}, "filter"),
        ({"filter": {"status": {"is": "invalid"}}}, "filter"),
        ({"filter": {"status": None}}, "filter"),
        ({"filter": {"tag": []}}, "filter"),
        ({"filter": {"tag": [["vip"]]}}, "filter"),
        ({"columns": ["password"]}, "columns"),
        ({"colums": ["email"]}, "colums"),
        ({"format": "exe"}, "format"),
    ],
)
def test_the_api_says_what_is_wrong(asked: dict[str, Any], attr: str):
    response = a_tool("contacts:read", "bounces:read").post("exports/", asked)
    assert (response.status_code, list(errors_of(response))) == (400, [attr])


@pytest.mark.parametrize("form", FORMS)
def test_the_command_writes_a_file_that_comes_back(form: str, tmp_path: Path):
    a_full_house()
    out = io.StringIO()
    call_command("export_contacts", str(tmp_path / f"people.{form}"), stdout=out)
    assert "3 contacts" in out.getvalue()
    assert stat.S_IMODE((tmp_path / f"people.{form}").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [f"people.{form}"]
    assert imported((tmp_path / f"people.{form}").read_bytes()).unchanged == 3


def test_the_command_says_what_is_wrong_with_its_arguments(tmp_path: Path):
    for name, given, says in (
        ("x.doc", {}, "no form"),
        ("x.csv", {"segment": "None"}, "no segment"),
        ("x.csv", {"columns": "password"}, "no column"),
        ("x.csv", {"by": "nobody@x.example"}, "no active user"),
    ):
        with pytest.raises(CommandError, match=says):
            call_command("export_contacts", str(tmp_path / name), stdout=io.StringIO(), **given)


def test_the_admin_says_that_it_cannot_hold_them_all(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.exporting.people.MOST_IN_MEMORY", 1)
    a_contact("ada@example.org")
    a_contact("bob@example.org")
    client.force_login(a_user("admin"))
    given = {"format": "0", "resource": "", **{f"contactexport_{column}": "on" for column in columns()}}
    response = client.post(reverse("admin:contacts_contact_export"), given)
    assert "At most 1 contacts can be exported here" in response.content.decode()


def test_the_admin_exports_and_imports_workbooks():
    a_contact("ada@example.org", first_name="=1+1")
    sheet = AnyFile().create_dataset(XLSX().export_data(ContactExport().export()))
    assert sheet.dict[0]["first_name"] == "=1+1"
    assert "xlsx" in {format_().get_title() for format_ in EXPORT_FORMATS}
