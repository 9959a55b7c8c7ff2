"""Contacts by what identifies them, as tools ask for them by the API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from contacts.lookups import LOOK_UPS
from contacts.models import Contact
from contacts.people import delete_contact
from tests.builders import a_contact
from tests.tools import a_tool, errors_of

pytestmark = pytest.mark.django_db


def found(**params: str) -> list[int]:
    response = a_tool().get("contacts/", **params)
    assert response.status_code == 200, response.content
    return [each["id"] for each in response.json()["results"]]


@pytest.mark.parametrize(
    "text",
    [
        "ada@home.example",
        " ADA@Home.Example ",
        "Ada <ada@home.example>",
        "mailto:ada@home.example",
        "<ada@home.example>",
    ],
)
def test_any_address_of_a_contact_finds_it_in_any_form(text):
    contact = a_contact("ada@work.example", others=("ada@home.example",))
    a_contact("ada@home.example.org")
    assert found(email=text) == [contact.pk]


@pytest.mark.parametrize("text", ["info@bücher.example", "Info@BÜCHER.example", "info@xn--bcher-kva.example"])
def test_an_international_address_is_looked_up_in_either_form(text):
    contact = a_contact("info@xn--bcher-kva.example")
    assert found(email=text) == [contact.pk]


def test_all_who_share_an_address_are_found():
    both = [a_contact("desk@x.example").pk, a_contact("desk@x.example").pk]
    assert found(email="desk@x.example") == both


@pytest.mark.parametrize(
    ("text", "count"), [("101", 2), ("hubspot:101", 1), ("HubSpot: 101", 1), ("10", 0), ("x:101", 0)]
)
def test_an_external_id_is_compared_whole_in_any_tool_or_in_one(text, count):
    a_contact(external_id="101")
    a_contact().external_ids.create(tool="hubspot", external_id="101")
    a_contact(external_id="1011")
    assert len(found(external_id=text)) == count


SAME_NUMBER = ["+49 30 1234567", "0049301234567", "(030) 12345-67", "+49 (0)30 1234567", "030/123.45.67", "301234567"]


@pytest.mark.parametrize("typed", SAME_NUMBER)
@pytest.mark.parametrize("stored", SAME_NUMBER)
def test_a_phone_number_is_compared_by_its_digits(stored, typed):
    contact = a_contact(phone=stored)
    for other in ("+49 30 12345670", "+49 30 123456", "+33 30 9234567", ""):
        a_contact(phone=other)
    assert found(phone=typed) == [contact.pk]


def test_numbers_of_two_countries_are_two():
    german, french = a_contact(phone="+49301234567"), a_contact(phone="+33301234567")
    assert found(phone="+49 30 1234567") == [german.pk]
    assert found(phone="30 1234567") == [german.pk, french.pk]


@pytest.mark.parametrize(("word", "value"), [("email", "a@b.example"), ("external_id", "x"), ("phone", "+49301234567")])
def test_nothing_found_is_an_empty_list(word, value):
    a_contact()
    assert found(**{word: value}) == []


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("email", "ada", "is not an e-mail address"),
        ("email", "a@b.example, c@d.example", "several addresses"),
        ("email", "", "no value"),
        ("external_id", " ", "no value"),
        ("external_id", "x" * 1001, "longer"),
        ("phone", "call me", "is not a phone number"),
        ("phone", "12", "5 to 20 digits"),
        ("phone", "1" * 21, "5 to 20 digits"),
        ("phone", "1\x0034567", ""),
    ],
)
def test_what_cannot_be_looked_up_is_refused_with_a_sentence(word, value, said):
    response = a_tool().get("contacts/", **{word: value})
    assert response.status_code == 400
    assert said in str(errors_of(response))


@pytest.mark.parametrize("word", LOOK_UPS)
def test_a_look_up_is_given_once(word):
    assert a_tool().get("contacts/", **{word: ["a@b.example", "c@d.example"]}).status_code == 400


def test_look_ups_and_filters_narrow_each_other():
    contact = a_contact("ada@x.example", phone="+49301234567", external_id="7", country="DE")
    assert found(email="ada@x.example", phone="030 1234567", external_id="7", country="DE") == [contact.pk]
    assert found(email="ada@x.example", country="FR") == []


def test_deleted_contacts_are_not_found():
    contact = a_contact("ada@x.example", phone="+49301234567")
    delete_contact(contact, by=None, now=timezone.now())
    assert found(email="ada@x.example") == found(phone="+49301234567") == []


@pytest.mark.parametrize(
    ("word", "value"), [("email", "p500@x.example"), ("external_id", "id500"), ("phone", "+49300000500")]
)
def test_an_index_answers_each(word, value):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    a_contact("p500@x.example", external_id="id500", phone="+49300000500")
    plan = LOOK_UPS[word](Contact.objects.present(), value).order_by().explain()
    assert "Seq Scan" not in plan
