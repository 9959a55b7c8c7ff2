"""What a row of a file becomes: a contact, a change, or nothing, and which contact it is about."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from bounces.intake.upload import keep_upload
from bounces.models import Address
from bounces.process import run_flow
from contacts.models import Activity, Company, Contact, Tag
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_contact, a_custom_field, a_suppression, a_user, an_address
from tests.contacts.importing import imported

pytestmark = pytest.mark.django_db


def primary(contact: Contact) -> str:
    return contact.contact_addresses.get(is_primary=True).address.email


# --- what a row becomes -----------------------------------------------------------------------------


def test_a_new_row_becomes_a_whole_contact():
    owner = a_user("sales", email="sam@rebound.example")
    a_custom_field("size", "number")
    imported(
        "Email,First Name,last_name,Company,owner,phone,country,tags,external_id,size,title\n"
        'ADA@Example.org,Ada,Lovelace,Engines Ltd,SAM@rebound.example,\'+49 30,de,"vip, maths",x1,12,Countess\n'
    )
    ada = Contact.objects.get()
    assert (ada.first_name, ada.last_name, ada.title, ada.phone) == ("Ada", "Lovelace", "Countess", "+49 30")
    assert (ada.company.name, ada.owner, ada.country, ada.custom) == ("Engines Ltd", owner, "DE", {"size": 12})
    assert {tag.name for tag in ada.tags.all()} == {"vip", "maths"}
    assert (ada.external_id, ada.source, primary(ada)) == ("x1", "people.csv", "ada@example.org")
    assert "ada@example.org" in ada.document


def test_each_import_stands_in_the_timeline():
    imported("email\nada@example.org\n", by=a_user("manager"))
    activity = Activity.objects.get()
    assert (activity.kind, activity.text) == ("imported", "From people.csv, row 2.")


def test_the_same_file_twice_changes_nothing_the_second_time():
    text = 'email,company,tags,first_name\na@x.example,Acme,"a, b",Ada\nb@x.example,ACME,b,Bob\n'
    imported(text)
    before = list(Contact.objects.values())
    report = imported(text)
    assert (report.new, report.updated, report.unchanged) == (0, 0, 2)
    assert list(Contact.objects.values()) == before
    assert (Company.objects.count(), Tag.objects.count(), Activity.objects.count()) == (1, 2, 2)


def test_a_preview_changes_nothing():
    report = imported("email,company\nada@example.org,Acme\n", dry_run=True)
    assert report.new == 1
    assert [model.objects.count() for model in (Contact, Address, Company)] == [0, 0, 0]


def test_empty_cells_never_overwrite():
    a_contact("ada@example.org", first_name="Ada", phone="123")
    imported("email,first_name,phone\nada@example.org,,456\n")
    ada = Contact.objects.get()
    assert (ada.first_name, ada.phone) == ("Ada", "456")


def test_the_first_source_stands():
    a_contact("ada@example.org", source="fair")
    imported("email,source,title\nada@example.org,list,Dr\n")
    assert Contact.objects.get().source == "fair"


def test_a_status_column_is_left_out_and_said():
    an_address("ada@example.org", status="invalid")
    report = imported("email,status\nada@example.org,valid\n")
    assert Address.objects.get().status == "invalid"
    assert any("“status”" in notice for notice in report.notices)


def test_tags_are_added_and_none_is_taken_away():
    a_contact("ada@example.org", tags=("Old",))
    imported('email,tags\nada@example.org,"OLD, new"\n')
    assert {tag.name for tag in Contact.objects.get().tags.all()} == {"Old", "new"}


# --- which contact a row is about -------------------------------------------------------------------


def test_the_external_id_matches_before_the_address():
    ada = a_contact("old@example.org", external_id="x1")
    other = a_contact("new@example.org")
    imported("external_id,email,title\nx1,new@example.org,Dr\n")
    ada.refresh_from_db()
    other.refresh_from_db()
    assert (ada.title, primary(ada), other.title) == ("Dr", "new@example.org", "")


def test_a_new_address_becomes_primary_with_its_own_status_and_the_old_one_stays():
    ada = a_contact("old@example.org", status="invalid", external_id="x1")
    imported("external_id,email\nx1,new@example.org\n")
    assert primary(ada) == "new@example.org"
    assert {each.address.status for each in ada.contact_addresses.all()} == {"invalid", "unverified"}


def test_an_address_is_matched_in_any_case():
    a_contact("ada@example.org")
    assert imported("email,title\n ADA@EXAMPLE.ORG ,Dr\n").updated == 1


def test_an_address_of_several_contacts_is_a_conflict_not_a_guess():
    a_contact("desk@example.org", last_name="One")
    a_contact("desk@example.org", last_name="Two")
    report = imported("email,title\ndesk@example.org,Dr\n")
    (problem,) = report.problems
    assert (problem.row, problem.column, problem.value) == (2, "email", "desk@example.org")
    assert "several contacts" in problem.sentence


def test_another_external_id_at_the_same_address_is_a_conflict():
    a_contact("ada@example.org", external_id="x1")
    (problem,) = imported("email,external_id\nada@example.org,x2\n").problems
    assert problem.column == "external_id"
    assert "x1" in problem.sentence


def test_a_row_that_repeats_another_is_done_once():
    report = imported("email,first_name\nada@example.org,Ada\nADA@example.org,Ada\n")
    assert (report.new, report.unchanged, report.failed) == (1, 1, 0)


def test_a_row_that_contradicts_another_is_reported():
    report = imported("email,first_name\nada@example.org,Ada\nada@example.org,Eve\n")
    assert (report.new, report.failed) == (1, 1)
    assert report.problems[0].row == 3


def test_an_external_id_given_twice_is_reported():
    a_contact("ada@example.org")
    report = imported("email,external_id\nada@example.org,x1\nbob@example.org,x1\n")
    assert (report.updated, report.failed, report.fault) == (1, 1, "")


def test_a_deleted_contact_is_not_brought_back():
    a_contact("ada@example.org", deleted_at="2026-01-01T00:00Z")
    assert imported("email\nada@example.org\n").new == 1


def test_another_owners_contact_is_changed_by_a_manager_who_says_so():
    a_contact("ada@example.org", owner=a_user("sales", name="Sam"))
    text = "email,title\nada@example.org,Dr\n"
    (problem,) = imported(text, by=a_user("sales")).problems
    assert "belongs to Sam" in problem.sentence
    manager = a_user("manager")
    assert imported(text, by=manager).failed == 1
    assert imported(text, by=manager, change_others=True).updated == 1


# --- addresses that are known -----------------------------------------------------------------------


def test_an_address_that_bounced_before_gives_a_contact_that_is_invalid_at_once():
    an_address("gone@example.org", status="invalid", status_rule="hard_bounce")
    report = imported("email\ngone@example.org\nnew@example.org\n")
    assert Contact.objects.get(contact_addresses__address__status="invalid")
    assert [(each.row, each.email) for each in report.dead] == [(2, "gone@example.org")]


def test_a_bounce_mail_that_arrived_before_the_import_decides():
    """The whole way: a mail comes in and is judged, then somebody imports the address."""
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail("gone@example.org")), a_user("manager"), NOW)
    run_flow(lambda: NOW)
    report = imported("email,first_name\ngone@example.org,Ada\n")
    contact = Contact.objects.get()
    assert contact.contact_addresses.get().address.status == "invalid"
    assert "the mailbox does not exist" in report.dead[0].verdict.sentence


def test_a_suppressed_address_is_imported_and_stays_suppressed():
    a_suppression("ada@example.org")
    report = imported("email\nada@example.org\n")
    assert (report.new, len(report.suppressed), len(report.dead)) == (1, 1, 0)


# --- the doors --------------------------------------------------------------------------------------


def test_a_row_about_an_address_that_an_earlier_row_moved_is_a_repetition():
    a_contact("old@x.example", external_id="m")
    text = "email,external_id,first_name\nnew@x.example,m,Moved\nnew@x.example,,Repeated\n"

    first = imported(text)
    again = imported(text)

    assert Contact.objects.count() == 1
    assert (first.new, again.new, again.updated) == (0, 0, 0)


def test_addresses_are_made_in_sorted_order_so_that_two_who_make_them_never_wait_in_a_circle():
    imported("email\nz@x.example\na@x.example\n")

    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM bounces_address ORDER BY ctid")
        assert cursor.fetchall() == [("a@x.example",), ("z@x.example",)]


def test_a_second_column_of_addresses_holds_further_ones():
    report = imported("email,E-Mail\na@x.example,b@x.example\n,c@x.example\n")
    kept = {" ".join(contact.document.split()) for contact in Contact.objects.all()}
    assert (report.new, kept) == (2, {"a@x.example b@x.example", "c@x.example"})
