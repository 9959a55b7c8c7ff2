"""The doors of an import: the command, the pages' right, and what the admin reads."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, ImportRun
from tests.builders import a_user
from tests.contacts.importing import imported

pytestmark = pytest.mark.django_db


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


def test_the_admin_reads_columns_as_the_pages_do():
    """Outlook's “Title” is a Mr or Ms, and no job."""
    head = "Title,First Name,Last Name,Company,Job Title,E-mail Address,E-mail Display Name"
    imported(f"{head}\nMs,Ada,Lovelace,Engines,Analyst,ada@x.example,Ada L\n")
    assert Contact.objects.get().title == "Analyst"
