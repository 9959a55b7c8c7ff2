"""Exports by the page: what one sees and no more, in the order in which one sees it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Export
from tests.builders import (
    a_bounce,
    a_cleaning_row,
    a_cleaning_run,
    a_contact,
    a_suppression,
    a_user,
    an_address,
    days_ago,
)
from tests.contacts.exporting import body, new

pytestmark = pytest.mark.django_db


def test_a_short_list_is_sent_at_once(client: Client):
    a_contact("ada@example.org", status="invalid")
    a_contact("bob@example.org", status="valid")
    client.force_login(a_user("sales"))
    page = client.get(reverse("contacts:export_new"), {"status": "invalid"})
    assert "Status: Invalid" in page.content.decode()
    response = new(client, "?status=invalid")
    assert body(response) == "email\r\nada@example.org\r\n"
    assert response["Content-Disposition"].endswith('.csv"')
    assert not Export.objects.exists()


def test_it_holds_only_what_the_person_sees(client: Client, settings):
    settings.SALES_SEE = "team"
    a_contact("ada@example.org", owner=a_user("sales"))
    a_contact("mine@example.org")
    client.force_login(a_user("sales"))
    assert body(new(client)) == "email\r\nmine@example.org\r\n"
    client.force_login(a_user("manager"))
    assert "ada@example.org" in body(new(client))


def test_the_other_lists_are_exported_as_their_pages_show_them(client: Client):
    a_bounce("gone@example.org")
    a_suppression("never@example.org")
    client.force_login(a_user("manager"))
    assert body(new(client, "?what=bounces", columns=["email", "kind"])) == "Address,Kind\r\ngone@example.org,hard\r\n"
    assert "never@example.org" in body(new(client, "?what=suppressions", columns=["target"]))
    assert "never@example.org" not in body(new(client, "?what=suppressions&state=lifted", columns=["target"]))


def test_suppressions_are_for_those_who_may_see_them(client: Client):
    url = f"{reverse('contacts:export_new')}?what=suppressions"
    client.force_login(a_user("sales"))
    assert client.get(url).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "query", ["?status=nonsense", "?what=cleaning", "?what=cleaning&run=99", "?what=bounces&kind=x"]
)
def test_a_filter_that_makes_no_sense_exports_nothing(client: Client, query: str):
    client.force_login(a_user("manager"))
    assert new(client, query).status_code == 302


def test_what_cannot_be_exported_is_not_there(client: Client):
    client.force_login(a_user("admin"))
    assert new(client, "?what=users").status_code == 404
    assert "Choose at least one column" in new(client, columns=[]).content.decode()


def test_each_list_is_in_the_order_of_its_page(client: Client):
    run = a_cleaning_run()
    late, early = an_address("late@example.org"), an_address("early@example.org")
    for address in (early, late):
        a_cleaning_row(run, address)
    a_bounce("new@example.org", occurred_at=days_ago(1))
    a_bounce("old@example.org", occurred_at=days_ago(9))
    client.force_login(a_user("manager"))
    cleaned = body(new(client, f"?what=cleaning&run={run.pk}", columns=["email"])).split()
    bounced = body(new(client, "?what=bounces", columns=["email"])).split()
    assert cleaned == ["Address", "late@example.org", "early@example.org"]
    assert bounced == ["Address", "new@example.org", "old@example.org"]


def test_what_a_sheet_cannot_hold_is_refused_rather_than_cut(client: Client, monkeypatch):
    monkeypatch.setattr("contacts.exporting.files.LONGEST_CELL", 20)
    a_contact("ada@example.org", title="x" * 21)
    client.force_login(a_user("sales"))
    response = client.post(reverse("contacts:export_new"), {"form": "xlsx", "columns": ["title"]}, follow=True)
    assert "Row 2 has more in “title” than a cell of XLSX holds" in response.content.decode()
