"""What keeps pages quick where there are a million rows: orders that an index has, sets that are read once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import QuerySet

from bounces.lists import BounceFilter
from bounces.paging import page_of
from bounces.values import Answer
from bounces.verdict import answered
from bounces.views.bounce import ORDERS as ORDERS_OF_BOUNCES
from contacts import counting
from contacts.counting import count_answers, members_by_campaign, remembered
from contacts.filters import find_contacts
from contacts.models import Campaign, Contact, ContactAddress
from contacts.views.campaign import _sortable
from tests.builders import NOW, a_bounce, a_campaign, a_contact, a_suppression, a_user

pytestmark = pytest.mark.django_db

BY_ANOTHER_TABLE = {"address", "-address"}  # the address's own index has that order


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    caches["process"].clear()


def plan_of(rows: QuerySet[Any]) -> str:
    """As PostgreSQL would do it with more rows than it can sort."""
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("sort", sorted(ORDERS_OF_BOUNCES.keys() - BY_ANOTHER_TABLE))
def test_each_order_of_the_bounces_is_that_of_an_index(sort: str):
    a_bounce("gone@example.org")
    assert "Sort" not in plan_of(BounceFilter({}).rows().order_by(*ORDERS_OF_BOUNCES[sort])[:51])


def test_a_campaigns_members_are_read_once():
    a_campaign("Spring", members=(a_contact("ada@example.org"),))
    key = Campaign.objects.get().key
    found = find_contacts(a_user("manager"), {"campaign": [key]})
    assert str(found.query).count('FROM "contacts_campaignmember"') == 1
    assert "JOIN" not in str(found.query)
    assert [contact.first_name for contact in found] == ["Ada"]


def test_counting_answers_judges_each_address_once_and_agrees_with_the_sets():
    for number, status in enumerate(["valid", "at_risk", "invalid", "unverified"]):
        a_contact(f"p{number}@example.org", status=status)
    a_contact("info@example.org")
    a_contact(None)
    a_suppression("p0@example.org")
    people = Contact.objects.present()
    counted = count_answers(people, NOW)
    primary = ContactAddress.objects.filter(is_primary=True)
    by_set = [primary.filter(address__in=answered(answer, NOW)).count() for answer in Answer]
    assert [counted.yes, counted.caution, counted.no, counted.without] == [*by_set, 1]
    assert counted.total == 6


def test_an_address_of_two_contacts_counts_for_both():
    shared = a_contact("desk@example.net").contact_addresses.get().address
    ContactAddress.objects.create(contact=a_contact(None), address=shared, is_primary=True)
    assert count_answers(Contact.objects.present(), NOW).total == 2
    assert count_answers(Contact.objects.present(), NOW).without == 0


def test_what_took_long_to_count_is_remembered(monkeypatch):
    monkeypatch.setattr(counting, "FREE", 0.01)

    def slowly() -> dict[str, int]:
        time.sleep(0.02)
        return {"yes": 1}

    assert remembered("slow", slowly) == {"yes": 1}
    assert remembered("slow", lambda: {"yes": 2}) == {"yes": 1}


def test_what_took_no_time_is_counted_anew():
    assert remembered("quick", lambda: {"yes": 1}) == {"yes": 1}
    assert remembered("quick", lambda: {"yes": 2}) == {"yes": 2}


def test_campaigns_are_sorted_by_members_who_are_there():
    gone = a_contact("gone@example.org")
    small = a_campaign("Small", members=(a_contact("ada@example.org"), gone))
    large = a_campaign("Large", members=(a_contact("bob@example.org"), a_contact("eve@example.org")))
    empty = a_campaign("Empty")
    Contact.objects.filter(pk=gone.pk).update(deleted_at=NOW)
    assert members_by_campaign() == {small.pk: 1, large.pk: 2}
    page = page_of(_sortable(Campaign.objects.all()), ["-size", "-id"], size=2)
    assert [(each.name, each.size) for each in page.items] == [("Large", 2), ("Small", 1)]
    after = page_of(_sortable(Campaign.objects.all()), ["-size", "-id"], after=page.next_cursor, size=2)
    assert [each.pk for each in after.items] == [empty.pk]
