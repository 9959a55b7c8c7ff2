"""Whoever changes a part of a search document: it is up to date when they have done it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from bounces.models import Address
from contacts.models import Company, Contact, ContactAddress, Tag
from contacts.search import documents_given, matching, write_documents
from tests.builders import a_company, a_contact, a_tag, an_address
from tests.documents import stale_documents

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return a_contact(
        "ada@old.example", last_name="Old", title="Old", phone="+4930111", company="Old Ltd", tags=("Old",)
    )


def save_as_it_was_read(ada):
    Contact.objects.filter(pk=ada.pk).update(last_name="New")
    ada.save()
    Contact.objects.filter(pk=ada.pk).update(last_name="New")


def take_the_place_of_another_address(ada):
    ContactAddress.objects.filter(contact=ada).update(address=an_address("new@new.example"))


def move_a_tag(ada):
    other = a_contact(tags=("New",))
    Contact.tags.through.objects.filter(contact=other).update(contact=ada)


def move_a_company(ada):
    Contact.objects.filter(company=ada.company).update(company=a_company("New Ltd"))


def write_sql(text):
    def write(ada):
        with connection.cursor() as cursor:
            cursor.execute(text)

    return write


# Every column of the document, by the ORM's ways and by bare SQL: what a door uses is one of these.
WRITERS = {
    "first name": lambda ada: Contact.objects.filter(pk=ada.pk).update(first_name="New"),
    "last name": lambda ada: Contact.objects.filter(pk=ada.pk).update(last_name="New"),
    "title": lambda ada: Contact.objects.filter(pk=ada.pk).update(title="New"),
    "phone": lambda ada: Contact.objects.filter(pk=ada.pk).update(phone="new 1"),
    "an object saved as it was read before": save_as_it_was_read,
    "another company": lambda ada: Contact.objects.filter(pk=ada.pk).update(company=a_company("New Ltd")),
    "all of a company": move_a_company,
    "company renamed": lambda ada: Company.objects.filter(pk=ada.company_id).update(name="New Ltd"),
    "tag added": lambda ada: ada.tags.add(a_tag("New")),
    "tags set": lambda ada: ada.tags.set([a_tag("New")]),
    "tag moved": move_a_tag,
    "tag renamed": lambda ada: Tag.objects.filter(name="Old").update(name="New"),  # noqa: ARG005
    "address added": lambda ada: ContactAddress.objects.create(contact=ada, address=an_address("new@new.example")),
    "address replaced": take_the_place_of_another_address,
    "address rewritten": lambda ada: Address.objects.filter(email="ada@old.example").update(email="new@new.example"),  # noqa: ARG005
    "bare SQL": write_sql("UPDATE contacts_contact SET last_name = 'New', document = 'something else'"),
    "COPY's inserts": write_sql(
        "INSERT INTO contacts_contact (first_name, last_name, title, phone, country, custom, source)"
        " VALUES ('', 'New', '', '', '', '{}', '')"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_of_a_part_keeps_the_document(ada, name):
    WRITERS[name](ada)
    assert matching(Contact.objects.all(), "new").count() == 1
    assert stale_documents() == []


GOING = {
    "tag removed": lambda ada: ada.tags.clear(),
    "tag deleted": lambda ada: Tag.objects.all().delete(),  # noqa: ARG005
    "address removed": lambda ada: ada.contact_addresses.all().delete(),
    "company deleted": lambda ada: ada.company.delete(),
    "contact deleted": lambda ada: ada.delete(),
}


@pytest.mark.parametrize("name", GOING)
def test_what_goes_is_found_no_longer(ada, name):
    GOING[name](ada)
    assert stale_documents() == []


def test_an_object_that_is_saved_again_unchanged_is_saved():
    contact = Contact(last_name="New")
    contact.save()
    contact.save()
    assert stale_documents() == []


def test_asking_for_a_document_that_is_right_writes_nothing(ada):
    before = Contact.objects.extra(select={"version": "xmin::text || ctid::text"}).get(pk=ada.pk).version
    with connection.cursor() as cursor:
        write_documents(cursor, [ada.pk])
    assert Contact.objects.extra(select={"version": "xmin::text || ctid::text"}).get(pk=ada.pk).version == before


def test_a_bulk_writer_brings_documents_itself(ada):
    with transaction.atomic(), connection.cursor() as cursor:
        with documents_given(cursor):
            ada.tags.add(a_tag("New"))
        assert matching(Contact.objects.all(), "new").count() == 0
        ada.tags.add(a_tag("Newer"))
        assert matching(Contact.objects.all(), "new").count() == 1
