"""The export: what a person sees, as a file that no spreadsheet runs and that comes back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from contacts.exporting.people import columns
from contacts.importing.formats import SheetDataset
from contacts.importing.reading import read_sheet
from contacts.importing.resources import ContactResource
from contacts.models import Contact
from tests.builders import a_contact, a_custom_field, a_user, an_address

pytestmark = pytest.mark.django_db


def exported(client: Client, query: str = "") -> str:
    response = client.post(reverse("contacts:export_new") + query, {"form": "csv", "columns": columns()})
    return b"".join(response.streaming_content).decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_it_says_everything_about_a_contact(client: Client):
    a_custom_field("size", "number")
    a_contact("ada@example.org", others=("ada@home.example",), company="Acme", tags=("vip",), custom={"size": 3})
    an_address("ada@example.org", status="invalid", status_rule="hard_bounce")
    client.force_login(a_user("sales"))
    (row,) = rows(exported(client))
    assert (row["email"], row["other_emails"], row["company"]) == ("ada@example.org", "ada@home.example", "Acme")
    assert (row["tags"], row["size"], row["status"], row["verdict"]) == ("vip", "3", "invalid", "no")


def test_formulas_are_defused_and_come_back_as_they_were(client: Client):
    a_contact("ada@example.org", first_name="=cmd|' /C calc'!A0", phone="+49 30", title="-1", source="@x")
    before = Contact.objects.values("first_name", "phone", "title", "source").get()
    client.force_login(a_user("manager"))
    text = exported(client)
    assert rows(text)[0]["first_name"].startswith("'=")
    resource = ContactResource()
    result = resource.import_data(SheetDataset(read_sheet(text.encode())))
    assert resource.report(result).unchanged == 1
    assert Contact.objects.values("first_name", "phone", "title", "source").get() == before


def test_it_is_about_the_filter_of_the_list(client: Client):
    a_contact("ada@example.org", status="invalid")
    a_contact("bob@example.org", status="valid")
    client.force_login(a_user("sales"))
    assert [row["email"] for row in rows(exported(client, "?status=invalid"))] == ["ada@example.org"]


def test_a_filter_that_makes_no_sense_exports_nothing(client: Client):
    client.force_login(a_user("sales"))
    assert client.post(reverse("contacts:export_new") + "?status=nonsense", {"form": "csv"}).status_code == 302


def test_it_holds_only_what_the_person_sees(client: Client, settings):
    settings.SALES_SEE = "team"
    a_contact("ada@example.org", owner=a_user("sales"))
    a_contact("mine@example.org")
    client.force_login(a_user("sales"))
    assert [row["email"] for row in rows(exported(client))] == ["mine@example.org"]
    client.force_login(a_user("manager"))
    assert len(rows(exported(client))) == 2


def test_strangers_are_sent_to_sign_in(client: Client):
    assert client.get(reverse("contacts:export_new")).status_code == 302


def test_the_number_of_queries_does_not_grow_with_the_contacts(client: Client, django_assert_max_num_queries):
    for _ in range(12):
        a_contact(tags=("a", "b"), company="Acme")
    client.force_login(a_user("sales"))
    with django_assert_max_num_queries(13):
        assert len(rows(exported(client))) == 12
