"""The ids by which several tools know one contact, and further addresses that find their contact, at every door."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse

from contacts.exporting.people import rows_of
from contacts.fields import FieldErrors
from contacts.importing import runs, working
from contacts.importing.outcomes import preview_rows
from contacts.merging import merge
from contacts.models import Contact, ContactExternalId
from contacts.people import Conflict, addresses_of, change_contact, delete_contact, save_contact
from tests.builders import NOW, a_contact, a_user
from tests.contacts.importing import LATER, done, imported, previewed

pytestmark = pytest.mark.django_db

HUBSPOT = "Record ID,First Name,Last Name,Email,Lifecycle Stage\n"
SALESFORCE = "Contact ID,First Name,Last Name,Email,Mailing Country\n"


def a_further_address(contact: Contact, email: str) -> Contact:
    emails = [reached.address.email for reached in addresses_of(contact)]
    return change_contact(contact, {"addresses": [*emails, email]}, by=None, now=NOW).contact


def ids() -> list[tuple[int, str, str]]:
    return list(ContactExternalId.objects.order_by("pk").values_list("contact", "tool", "external_id"))


def emails_of(contact: Contact) -> list[str]:
    return [reached.address.email for reached in addresses_of(contact)]


# --- further addresses ----------------------------------------------------------------------------


def test_a_known_further_address_finds_its_contact() -> None:
    ada = a_further_address(a_contact("ada@example.org", first_name="Ada"), "ada@home.example")

    report = imported("email,title\nada@home.example,Dr\n")
    saved = save_contact({"addresses": ["ada@home.example"], "phone": "030 1234"}, by=None, now=NOW)

    ada.refresh_from_db()
    assert (report.new, report.updated, saved.is_new) == (0, 1, False)
    assert (saved.contact.pk, ada.title, Contact.objects.count()) == (ada.pk, "Dr", 1)
    assert emails_of(ada) == ["ada@example.org", "ada@home.example"]


@pytest.mark.parametrize("update", ["overwrite", "fill"])
def test_a_row_that_a_further_address_finds_keeps_the_primary_address(update: str) -> None:
    ada = a_further_address(a_contact("ada@example.org", first_name="Ada"), "ada@home.example")

    done("email,other_emails,external_id\nada@home.example,ada@new.example,7\n", update=update)

    ada.refresh_from_db()
    assert emails_of(ada) == ["ada@example.org", "ada@home.example", "ada@new.example"]
    assert ada.external_id == "7"


def test_a_primary_address_comes_before_a_further_one() -> None:
    a_further_address(a_contact("ada@example.org"), "desk@example.org")
    desk = a_contact("desk@example.org", first_name="Desk")

    imported("email,title\ndesk@example.org,Dr\n")
    saved = save_contact({"addresses": ["desk@example.org"], "phone": "030 1234"}, by=None, now=NOW)

    desk.refresh_from_db()
    assert (desk.title, saved.contact.pk) == ("Dr", desk.pk)


def test_a_further_address_of_several_contacts_is_a_conflict() -> None:
    for email in ("ada@example.org", "eve@example.org"):
        a_further_address(a_contact(email), "desk@example.org")

    (problem,) = imported("email\ndesk@example.org\n").problems
    assert problem.sentence.startswith("desk@example.org is a further address of several contacts")
    with pytest.raises(Conflict, match="a further address of several contacts"):
        save_contact({"addresses": ["desk@example.org"]}, by=None, now=NOW)


@pytest.mark.parametrize("batch", [1, 10_000])
def test_a_further_address_that_the_file_itself_gives_finds_nobody_in_any_batch(batch, monkeypatch) -> None:
    monkeypatch.setattr("contacts.importing.applying.BATCH", batch)
    text = "email,other_emails,first_name\nada@example.org,desk@example.org,Ada\ndesk@example.org,,Desk\n"

    run = done(text)

    assert run.written == {"new": 2}
    assert done(text, now=LATER).counts == {"unchanged": 2}


# --- ids of tools ---------------------------------------------------------------------------------


def test_a_contact_of_one_tool_is_found_by_address_in_the_file_of_another() -> None:
    ada = a_contact("ada@example.org", first_name="Ada", external_id="crm-1815")

    hubspot = done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    salesforce = done(SALESFORCE + "003A,Ada,Lovelace,ada@example.org,GB\n", now=LATER)

    ada.refresh_from_db()
    assert (hubspot.written, salesforce.written) == ({"update": 1}, {"update": 1})
    assert ids() == [(ada.pk, "hubspot", "101"), (ada.pk, "salesforce", "003A")]
    assert (ada.external_id, Contact.objects.count()) == ("crm-1815", 1)


def test_the_same_id_in_two_tools_is_two_people() -> None:
    done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    done(SALESFORCE + "101,Eve,Lee,eve@example.org,GB\n", now=LATER)

    assert sorted(Contact.objects.values_list("first_name", flat=True)) == ["Ada", "Eve"]


def test_a_tools_id_finds_its_contact_under_a_new_address() -> None:
    done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    done(HUBSPOT + "101,Ada,Byron,ada@new.example,lead\n", now=LATER)

    (ada,) = Contact.objects.all()
    assert (ada.last_name, emails_of(ada)[0]) == ("Byron", "ada@new.example")


def test_another_id_of_the_same_tool_at_the_same_address_is_a_conflict() -> None:
    done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    run = previewed(HUBSPOT + "102,Ada,Lovelace,ada@example.org,lead\n", now=LATER)

    (row,) = preview_rows(run, ["conflict"], 9, LATER)
    assert "whose external id is 101" in row.problems[0][2]


def test_the_same_export_again_writes_nothing() -> None:
    text = HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n102,Eve,Lee,eve@example.org,lead\n"
    done(text)
    assert done(text, now=LATER).counts == {"unchanged": 2}


def test_an_id_that_a_deleted_contact_has_is_free_for_the_next() -> None:
    done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    delete_contact(Contact.objects.get(), by=None, now=NOW)

    run = done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n", now=LATER)

    (ada,) = Contact.objects.present()
    assert run.written == {"new": 1}
    assert ids() == [(ada.pk, "hubspot", "101")]


def test_undo_takes_the_ids_of_tools_back() -> None:
    ada = a_contact("ada@example.org", first_name="Ada", last_name="Lovelace", external_id="crm-1")
    run = done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n102,Eve,Lee,eve@example.org,lead\n")
    assert len(ids()) == 2

    runs.undo(run, None, "A wrong file.", LATER)
    working.work(run.pk, lambda: LATER)

    assert (ids(), list(Contact.objects.values_list("pk", "external_id"))) == ([], [(ada.pk, "crm-1")])


def test_a_merge_keeps_the_ids_of_both() -> None:
    done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    done(SALESFORCE + "003A,Ada,Lovelace,ada@new.example,GB\n", now=LATER)
    kept, other = Contact.objects.order_by("pk")

    merge(kept, other, [], by=a_user("manager"), now=LATER)

    assert ids() == [(kept.pk, "hubspot", "101"), (kept.pk, "salesforce", "003A")]


def test_saving_a_contact_adds_ids_and_changing_it_replaces_them() -> None:
    given = {"addresses": ["ada@example.org"], "external_ids": [{"tool": "HubSpot", "id": "101"}]}
    ada = save_contact(given, by=None, now=NOW).contact
    again = save_contact(given | {"external_ids": [{"tool": "salesforce", "id": "3"}]}, by=None, now=NOW)
    by_id = save_contact({"external_ids": [{"tool": "hubspot", "id": "101"}], "title": "Dr"}, by=None, now=NOW)

    assert (again.contact.pk, again.changed, by_id.contact.pk) == (ada.pk, ("external_ids",), ada.pk)
    assert [row[1:] for row in ids()] == [("hubspot", "101"), ("salesforce", "3")]

    change_contact(ada, {"external_ids": [{"tool": "salesforce", "id": "3"}]}, by=None, now=NOW)
    assert [row[1:] for row in ids()] == [("salesforce", "3")]


def test_ids_of_two_contacts_in_one_record_are_a_conflict() -> None:
    save_contact({"first_name": "Ada", "external_ids": [{"tool": "hubspot", "id": "1"}]}, by=None, now=NOW)
    save_contact({"first_name": "Eve", "external_id": "2"}, by=None, now=NOW)
    both = {"external_id": "2", "external_ids": [{"tool": "hubspot", "id": "1"}]}

    with pytest.raises(Conflict, match="those of several contacts"):
        save_contact(both, by=None, now=NOW)


def test_an_id_in_a_tool_belongs_to_one_contact() -> None:
    save_contact({"first_name": "Ada", "external_ids": [{"tool": "hubspot", "id": "1"}]}, by=None, now=NOW)
    with pytest.raises(FieldErrors, match="an id of Ada already"):
        change_contact(a_contact(), {"external_ids": [{"tool": "hubspot", "id": "1"}]}, by=None, now=NOW)


@pytest.mark.parametrize("wrong", [[{"tool": "", "id": "1"}], [{"tool": "hubspot", "id": " "}], ["hubspot: 1"]])
def test_an_id_without_its_tool_or_a_tool_without_its_id_is_refused(wrong: object) -> None:
    with pytest.raises(FieldErrors):
        save_contact({"first_name": "Ada", "external_ids": wrong}, by=None, now=NOW)


def test_ids_that_exports_brought_before_tools_had_names_are_known_under_both() -> None:
    run = done(HUBSPOT + "101,Ada,Lovelace,ada@example.org,lead\n")
    done("email,external_id\neve@example.org,102\n", now=LATER)
    ContactExternalId.objects.all().delete()
    Contact.objects.filter(contact_addresses__address__email="ada@example.org").update(external_id="101")

    migration = import_module("contacts.migrations.0131_ids_in_several_tools")
    for _ in "12":
        migration.name_the_tools(apps, SimpleNamespace(connection=connection))

    ada = Contact.objects.get(external_id="101")
    assert ids() == [(ada.pk, "hubspot", "101")]
    assert done(HUBSPOT + "101,Ada,Byron,new@example.org,lead\n", now=LATER).written == {"update": 1}

    runs.undo(run, None, "A wrong file.", LATER)
    working.work(run.pk, lambda: LATER)
    run.refresh_from_db()
    assert run.kept == 1  # it was changed since


def test_a_contacts_page_form_and_admin_show_its_ids_and_change_them() -> None:
    given = {"external_ids": [{"tool": "hubspot", "id": "101"}], "addresses": ["ada@example.org"]}
    ada = save_contact({"first_name": "Ada", **given}, by=None, now=NOW).contact
    client = Client()
    client.force_login(a_user("admin"))

    assert "HubSpot id</dt>" in client.get(reverse("contacts:contact", args=[ada.pk])).content.decode()
    edit, change = reverse("contacts:edit", args=[ada.pk]), reverse("admin:contacts_contact_change", args=[ada.pk])
    assert "hubspot: 101" in client.get(edit).content.decode()
    assert "hubspot: 101" in client.get(change).content.decode()

    form = {"first_name": "Ada", "external_ids": "HubSpot: 101\r\nsalesforce: 003A", "address-0": "ada@example.org"}
    client.post(edit, {**form, "primary": "0"})
    assert [row[1:] for row in ids()] == [("hubspot", "101"), ("salesforce", "003A")]
    page = client.post(edit, {**form, "external_ids": "no tool", "primary": "0"}).content.decode()
    assert "Name the tool" in page


def test_an_export_lists_the_ids_of_tools() -> None:
    save_contact({"first_name": "Ada", "external_ids": [{"tool": "hubspot", "id": "101"}]}, by=None, now=NOW)
    assert list(rows_of(Contact.objects.all(), ["first_name", "external_ids"], NOW)) == [["Ada", "hubspot: 101"]]
