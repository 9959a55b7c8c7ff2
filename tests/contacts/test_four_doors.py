"""The same file through all four doors, each into the same tables: the same comes of it, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # has no types
import pytest
from django.db import transaction

from contacts.importing.outcomes import failed_headers
from contacts.models import ImportRun
from tests.builders import a_contact, a_custom_field, a_suppression, a_user, an_address
from tests.contacts.doors import (
    DOORS,
    Brought,
    by_the_page,
    outcome,
    refused_by_the_admin,
    refused_by_the_api,
    refused_by_the_command,
    refused_by_the_page,
)
from tests.contacts.hostile import REFUSED
from tests.contacts.importing import done, state_hash, undone

pytestmark = pytest.mark.django_db

HEADER = (
    "E-mail", "Other emails", "First name", "Last name", "Job title", "Company", "Owner", "Phone", "Country", "Tags",
    "Source", "External id", "Team size", "Since", "VIP", "Status", "Remarks",
)  # fmt: skip
Row = dict[str, Any]
ROWS: list[Row] = [
    {"E-mail": "NEW@Example.org", "First name": "Zoë", "Last name": "Müller", "Job title": "Head of\nsales", "Company":
     "Café “Größe”; Söhne", "Owner": "Sam@rebound.example", "Phone": "030 901820", "Country": "Germany", "Tags":
     "fair, VIP", "Source": "booth", "External id": "n1", "Team size": "12", "Since": "31.05.2026", "VIP": "yes",
     "Status": "valid", "Remarks": "said “hi”", "Other emails": "zoe@other.example, z@x.example"},
    {"E-mail": "changed@x.example", "First name": "Augusta", "Job title": "Dr", "Phone": "+49 30 901820", "Tags": "new",
     "Team size": "7", "Company": "Engines Ltd", "Country": "FR", "Other emails": "changed2@x.example"},
    {"E-mail": "same@x.example", "First name": "Same"},
    {"E-mail": "twice@x.example", "First name": "Eve"},
    {"E-mail": "TWICE@x.example", "First name": "Eve"},
    {"E-mail": "twice@x.example", "First name": "Adam"},
    {"E-mail": "desk@x.example", "First name": "Desk"},
    {"E-mail": "has-id@x.example", "External id": "other"},
    {"External id": "by-id", "E-mail": "moved@x.example", "Last name": "Hopper"},
    {"E-mail": "olas@x.example", "Job title": "Mr"},
    {"E-mail": "not one", "Country": "Atlantis", "Owner": "no@one.example", "Team size": "many", "Since": "yesterday",
     "First name": "Bad"},
    {"E-mail": "", "First name": "Nobody"},
    {"E-mail": "bob@host", "First name": "Bare"},
    {"E-mail": "gone@x.example", "First name": "Gone"},
    {"E-mail": "stopped@x.example", "First name": "Stopped"},
    {"E-mail": "any@closed.example", "First name": "Closed"},
    {"E-mail": "jörg@müller.example", "First name": "Jörg", "Last name": "Ω’Neill—Ł"},
    {"E-mail": "formula@x.example", "First name": "'=1+1", "Company": "'-Minus", "Job title": "x" * 201},
    {"E-mail": "formula2@x.example", "First name": "'=1+1", "Company": "'-Minus", "Phone": "ask her", "VIP": "no"},
]  # fmt: skip
PLAIN = {"Ω’Neill—Ł": "O’Neill"}  # what cp1252 can hold


def a_world() -> None:
    """What is there before: contacts to update, to leave, to mistake for another; addresses that must not be used."""
    a_user("sales", email="sam@rebound.example", name="Sam")
    ola = a_user("sales", email="ola@rebound.example", name="Ola")
    for key, type_ in (("team_size", "number"), ("since", "date"), ("vip", "yes_no")):
        a_custom_field(key, type_)
    a_contact("changed@x.example", last_name="King", phone="+4930901820", tags=("old",), company="Acme", owner=None)
    a_contact("same@x.example", first_name="Same", last_name="Person")
    a_contact("desk@x.example", last_name="One")
    a_contact("desk@x.example", last_name="Two")
    a_contact("has-id@x.example", last_name="Byron", external_id="hers")
    a_contact("old@x.example", last_name="Murray", external_id="by-id", owner=None)
    a_contact("olas@x.example", last_name="Ola’s", owner=ola)
    an_address("gone@x.example", status="invalid", status_rule="hard_bounce")
    a_suppression("stopped@x.example")
    a_suppression(domain="closed.example")


def separated(separator: str, encoding: str, said: dict[str, str] | None = None, header: bool = True) -> bytes:
    lines = [list(HEADER)] * header + [[str(row.get(name, "")) for name in HEADER] for row in ROWS]
    text = "\n".join(separator.join(_quoted(cell, separator) for cell in line) for line in lines)
    for was, then in (said or {}).items():
        text = text.replace(was, then)
    bad = (
        f"many@x.example{separator * 20}too many",
        f'quotes@x.example{separator}"a" b',
        f'open@x.example{separator}"a',
    )
    return "\n".join([text, *bad, f"last@x.example{separator * 16}", ""]).encode(encoding)


def _quoted(cell: str, separator: str) -> str:
    must = separator in cell or "\n" in cell or '"' in cell
    return '"' + cell.replace('"', '""') + '"' if must else cell


def workbook() -> bytes:
    book = openpyxl.Workbook()
    notes, people = book.active, book.create_sheet("People")
    notes.append(["Who", "Where"])
    people.append(list(HEADER))
    for row in ROWS:
        cells = {**row, "Team size": _number(row.get("Team size", "")), "Since": _day(row.get("Since", ""))}
        people.append([cells.get(name) or None for name in HEADER])
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _number(text: str) -> Any:
    return int(text) if text.isdigit() else text


def _day(text: str) -> Any:
    return date(2026, 5, 31) if text == "31.05.2026" else text


def lines_of_json() -> bytes:
    return "".join(json.dumps({"E-mail": "", **row}, ensure_ascii=False) + "\n" for row in ROWS).encode()


FILES: dict[str, Callable[[], Brought]] = {
    "semicolons in Windows' letters": lambda: Brought(
        "people.txt",
        separated(";", "cp1252", PLAIN),
        {"encoding": "cp1252", "separator": "semicolon", "has_header": True},
    ),
    "semicolons whose letters are found out": lambda: Brought("people.csv", separated(";", "cp1252", PLAIN)),
    "a TSV": lambda: Brought("people.tsv", separated("\t", "utf-16")),
    "no header": lambda: Brought("people.csv", separated(",", "utf-8", header=False), {"has_header": False}),
    "colons": lambda: Brought("people.csv", separated("~", "utf-8"), {"separator": "tilde"}),
    "a workbook": lambda: Brought("people.xlsx", workbook(), {"sheet": "People"}),
    "JSON lines": lambda: Brought("people.jsonl", lines_of_json()),
    "cards": lambda: Brought(
        "people.vcf",
        "BEGIN:VCARD\nVERSION:3.0\nN:Müller;Zoë\nEMAIL:new@x.example\nTEL:030 901820\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:3.0\nFN:Bad\nEMAIL:not one\nEND:VCARD\n".encode(),
    ),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "filled": {"update": "fill", "tags": ["Fair  2026", "vip", "VIP"], "owner": "sam@rebound.example"},
    "skipped": {"update": "skip", "change_others": True, "source": " A  fair "},
    "emptied": {"update": "overwrite", "empties": True, "change_others": True, "owner": "ola@rebound.example"},
}


@pytest.fixture
def boss() -> Any:
    return a_user("admin", email="boss@rebound.example", name="Boss")


def through_all(boss: Any, tmp_path: Path, brought: Brought) -> Iterator[tuple[str, Any, Any]]:
    """Each door's outcome, and what its preview told; the tables are as before in between."""
    given = {"source": "The fair", **brought.given, "path": tmp_path / brought.name}
    for name, door in DOORS.items():
        with transaction.atomic():
            a_world()
            told = door(boss, replace(brought, given=given))
            yield name, told, outcome()
            transaction.set_rollback(True)


def agree(boss: Any, tmp_path: Path, brought: Brought) -> dict[str, Any]:
    (_, told, first), *others = through_all(boss, tmp_path, brought)
    for name, also_told, found in others:
        for part, expected in first.items():
            assert found[part] == expected, f"the {name}’s {part}"
        assert also_told == told, f"what the {name} tells"
    return {**first, "told": told}


@pytest.mark.parametrize("file", FILES)
def test_the_same_file_gives_the_same_through_every_door(boss, tmp_path: Path, file: str):
    found = agree(boss, tmp_path, FILES[file]())
    assert found["run"]["state"] == ImportRun.State.DONE
    assert found["told"]["new"]


@pytest.mark.parametrize("options", OPTIONS)
def test_so_do_the_same_options(boss, tmp_path: Path, options: str):
    agree(boss, tmp_path, Brought("people.csv", separated(",", "utf-8"), given=OPTIONS[options]))


def test_a_file_of_failed_rows_is_known_again_at_every_door(boss, tmp_path: Path):
    failed = done("Reached at,Called\nnot one,Ada\n", mapping={"Reached at": "email", "Called": "first_name"})
    text = "\n".join(",".join(line) for line in [failed_headers(failed), ["ada@y.example", "Ada", "no address"]])
    found = agree(boss, tmp_path, Brought("people-failed.csv", text.encode()))
    assert found["run"]["mapping"] == failed.mapping
    assert found["told"]["new"] == 1


@pytest.mark.parametrize("door", DOORS)
def test_what_came_through_any_door_is_taken_back(boss, tmp_path: Path, door: str):
    a_world()
    before = state_hash()
    given = {"tags": ["The fair"], "path": tmp_path / "people.csv"}
    DOORS[door](boss, Brought("people.csv", separated(",", "utf-8"), given=given))
    assert state_hash() != before
    run = undone(ImportRun.objects.exclude(via="waiting").latest("pk"), boss)
    assert (run.kept, state_hash()) == (0, before)


# Refused as nothing at all, at its first bytes, at its header, amid its rows; by a child process.
REFUSALS = [
    "nothing", "a web page", "a header alone", "NUL bytes", "rows of which most cannot be read", "JSON cut short",
    "half of a workbook",
]  # fmt: skip


@pytest.mark.parametrize("file", REFUSALS)
def test_what_one_door_refuses_all_refuse_in_the_same_words(boss, tmp_path: Path, file: str):
    body, _ = REFUSED[file]
    said = refusals(boss, tmp_path, body)
    assert said["page"]
    assert said == dict.fromkeys(said, said["page"])


def refusals(boss: Any, tmp_path: Path, body: bytes) -> dict[str, str]:
    return {
        "page": refused_by_the_page(boss, "people.csv", body),
        "admin": refused_by_the_admin(boss, "people.csv", body),
        "command": refused_by_the_command(boss, tmp_path / "people.csv", body),
        "api": refused_by_the_api(boss, "people.csv", body),
    }


def test_what_one_door_has_brought_the_others_find_done(boss, tmp_path: Path):
    a_world()
    brought = Brought("people.csv", separated(",", "utf-8"), given={"path": tmp_path / "people.csv"})
    by_the_page(boss, brought)
    before = state_hash()
    for door in DOORS.values():
        told = door(boss, brought)
        assert (told["new"], told["updated"], state_hash()) == (0, 0, before)


def test_the_file_holds_all_that_a_row_can_become(boss, tmp_path: Path):
    """So that the comparison above compares something."""
    found = agree(boss, tmp_path, Brought("people.csv", separated(",", "utf-8")))
    assert set(found["run"]["counts"]) == {
        "new", "update", "unchanged", "duplicate", "conflict", "invalid", "not_yours",
    }  # fmt: skip
    assert found["run"]["known"] == {"dead": 1, "suppressed": 2}
    assert found["told"] == {"new": 9, "updated": 2, "unchanged": 2, "failed": 10, "dead": 1, "suppressed": 2}
