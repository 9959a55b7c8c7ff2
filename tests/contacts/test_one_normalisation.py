"""A phone, a country and an address are kept in one form, whichever door they come through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from contacts.people import change_contact
from tests.builders import NOW, a_contact, a_user
from tests.contacts.importing import imported
from tests.tools import a_tool

pytestmark = pytest.mark.django_db

WRITTEN = {"first_name": "Ada", "phone": "030 901820", "country": "Germany"}
KEPT = ("Ada", "+4930901820", "DE", "ada@example.org")


def by_the_api(email: str) -> None:
    assert a_tool().post("contacts/", {**WRITTEN, "addresses": [{"email": email}]}).status_code == 201


def by_bulk(email: str) -> None:
    answer = a_tool().post("contacts/bulk/", {"contacts": [{**WRITTEN, "addresses": [{"email": email}]}]})
    assert answer.json()["created"] == 1


def by_the_page(email: str) -> None:
    client = Client()
    client.force_login(a_user("manager"))
    client.post(reverse("contacts:new"), {**WRITTEN, "country": "DE", "address-0": email, "primary": "0"})


def by_the_admin(email: str) -> None:
    client = Client()
    client.force_login(a_user("admin"))
    empty = dict.fromkeys(("last_name", "title", "owner", "source", "external_id", "company"), "")
    forms = {"contact_addresses-TOTAL_FORMS": "0", "contact_addresses-INITIAL_FORMS": "0"}
    given = {**empty, **forms, **WRITTEN, "custom": "{}", "emails": email}
    assert client.post(reverse("admin:contacts_contact_add"), given).status_code == 302


def by_an_import(email: str) -> None:
    imported(f"email,first_name,phone,country\n{email},Ada,030 901820,Germany\n")


DOORS = (by_the_api, by_bulk, by_the_page, by_the_admin, by_an_import)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_door_keeps_a_contact_in_one_form(door: Callable[[str], None]) -> None:
    door("ADA@Example.org")

    (ada,) = Contact.objects.all()
    assert (ada.first_name, ada.phone, ada.country, ada.contact_addresses.get().address.email) == KEPT


@pytest.mark.parametrize("given", [{"phone": "030 901820"}, {"phone": "030 901820", "country": ""}])
def test_a_phone_is_read_as_one_of_the_contacts_country_or_left_alone(given: dict[str, Any]) -> None:
    ada = a_contact(country="DE", phone="")
    change_contact(ada, given, by=None, now=NOW)

    ada.refresh_from_db()
    assert ada.phone == ("030 901820" if "country" in given else "+4930901820")


def test_a_phone_that_nobody_touched_stays_as_it_was_written() -> None:
    ada = a_contact(country="DE", phone="030 901820")
    saved = change_contact(ada, {"phone": "030 901820", "title": "Dr"}, by=None, now=NOW)

    assert (saved.contact.phone, saved.changed) == ("030 901820", ("title",))
