"""Lists sorted by name: without accents and case, the nameless last, and every contact once at any depth."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from bounces.paging import page_of
from contacts.filters import ORDERS, with_primary
from contacts.models import Company, Contact
from contacts.views.company import ORDERS as COMPANY_ORDERS
from tests.builders import a_company, a_contact

pytestmark = pytest.mark.django_db

BY_NAME = [key for key in ORDERS if key.endswith(("name", "company"))]


def walked(order: str, size: int = 7, direction: str = "next_cursor") -> list[Any]:
    """Every page of the list, from its beginning, or back from its end."""
    rows = with_primary(Contact.objects.present()).select_related("company")
    cursor: dict[str, str] = {}
    found: list[Any] = []
    while True:
        page = page_of(rows, ORDERS[order], size=size, **cursor)
        found += page.items
        if not page.next_cursor:
            break
        cursor = {"after": page.next_cursor}
    if direction == "next_cursor":
        return found
    back = page.items
    while page.previous_cursor:
        page = page_of(rows, ORDERS[order], size=size, before=page.previous_cursor)
        back = page.items + back
    return back


def names(order: str) -> list[str]:
    return [contact.name for contact in walked(order)]


def test_accents_and_case_do_not_part_names():
    for last_name in ("Özil", "zebra", "Abel", "ábel", "Oz", "Zoë", "ozzy"):
        a_contact(first_name="", last_name=last_name)
    assert [name.lower() for name in names("name")] == ["abel", "ábel", "oz", "özil", "ozzy", "zebra", "zoë"]
    assert names("-name") == names("name")[::-1]


def test_the_last_name_counts_before_the_first():
    for first_name, last_name in (("Zoe", "Li"), ("Adam", "Li Bai"), ("Bea", "Li"), ("Cher", "")):
        a_contact(first_name=first_name, last_name=last_name)
    assert names("name") == ["Cher", "Bea Li", "Zoe Li", "Adam Li Bai"]


@pytest.mark.parametrize("order", ["name", "-name"])
def test_the_nameless_come_last_up_and_down(order):
    a_contact("nobody@x.example", first_name="", last_name="")
    a_contact(first_name="Ada", last_name="Zuse")
    a_contact(first_name="Ada", last_name="Abel")
    assert names(order)[-1] == ""


@pytest.fixture
def many_of_the_same():
    companies = [a_company(name) for name in ("Äbel", "abel 2", "Zuse")]
    contacts = [
        Contact(first_name="", last_name=["", "Same", "sáme", "Other"][n % 4], company=[None, *companies][n % 7 % 4])
        for n in range(300)
    ]
    Contact.objects.bulk_create(contacts)


@pytest.mark.parametrize("direction", ["next_cursor", "previous_cursor"])
@pytest.mark.parametrize("order", BY_NAME)
def test_of_300_with_equal_and_blank_names_each_appears_once(many_of_the_same, order, direction):
    shown = [contact.pk for contact in walked(order, direction=direction)]
    assert len(shown) == 300
    assert sorted(shown) == sorted(Contact.objects.values_list("pk", flat=True))
    assert shown == [contact.pk for contact in walked(order, size=1000)]


def test_companies_sort_likewise():
    for name in ("Zuse", "äbel", "Abt", "OTTO", "Öl"):
        a_company(name)
    page = page_of(Company.objects.all(), COMPANY_ORDERS["name"])
    assert [company.name for company in page.items] == ["äbel", "Abt", "Öl", "OTTO", "Zuse"]


@pytest.mark.parametrize("order", ["name", "-name"])
def test_an_index_has_the_order(many_of_the_same, order):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    page = page_of(Contact.objects.present(), ORDERS[order], size=5)
    rows = Contact.objects.present().filter(sort_name__isnull=False)
    plan = rows.order_by(*(key.rstrip("?") for key in ORDERS[order])).explain()
    assert "contact_sort_name" in plan
    assert "Sort" not in plan
    assert len(page.items) == 5
