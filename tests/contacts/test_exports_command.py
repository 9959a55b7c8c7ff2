"""Exports by the command and by the admin."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.exporting.people import ContactExport, columns
from contacts.importing.formats import EXPORT_FORMATS, XLSX, AnyFile
from tests.builders import a_contact, a_user
from tests.contacts.exporting import FORMS, a_full_house, imported

pytestmark = pytest.mark.django_db


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
