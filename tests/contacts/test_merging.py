"""Two contacts that are one person: what both have is kept, where they differ a person chooses, one is deleted."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.merging import differences, merge
from contacts.models import Activity, Contact, Task
from contacts.people import NotAllowed
from contacts.search import matching
from tests.builders import a_campaign, a_contact, a_custom_field, a_note, a_status_change, a_suppression, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return a_user("manager")


def merged(kept: Contact, other: Contact, by, *take_other: str) -> Contact:
    merge(kept, other, take_other, by=by, now=timezone.now())
    other.refresh_from_db()
    kept.refresh_from_db()
    return kept


def emails_of(contact: Contact) -> list[str]:
    reached = contact.contact_addresses.order_by("-is_primary", "address__email")
    return [str(one.address) for one in reached.select_related("address")]


def test_the_kept_one_has_what_both_had_and_the_other_is_deleted(manager):
    kept = a_contact("ada@b.example", tags=("vip",), others=("info@b.example",))
    other = a_contact("ada@new.example", tags=("vip", "trial"), others=("info@b.example",), phone="+1 555")
    both, theirs = a_campaign("Both", members=(kept, other)), a_campaign("Theirs", members=(other,))
    a_note(other, "Called.")
    Task.objects.create(contact=other, text="Call again.")
    merged(kept, other, manager)
    assert other.deleted_at
    assert emails_of(kept) == ["ada@b.example", "ada@new.example", "info@b.example"]
    assert kept.contact_addresses.filter(is_primary=True).count() == 1
    assert {tag.name for tag in kept.tags.all()} == {"vip", "trial"}
    assert set(kept.campaigns.all()) == {both, theirs}
    assert kept.phone == "+1 555"
    assert kept.tasks.get().text == "Call again."
    assert kept.activities.filter(text="Called.").exists()
    assert kept.activities.filter(text__startswith="Merged with Ada Lovelace", by=manager).exists()


def test_the_kept_ones_word_stands_where_nothing_else_is_chosen(manager):
    a_custom_field("size")
    kept = a_contact("ada@b.example", title="CTO", custom={"size": "10"})
    other = a_contact("ada@new.example", title="CEO", custom={"size": "20", "only": "here"}, last_name=kept.last_name)
    assert [one.name for one in differences(kept, other)] == ["title", "custom_size", "primary"]
    merged(kept, other, manager)
    assert (kept.title, kept.custom) == ("CTO", {"size": "10", "only": "here"})


def test_the_other_ones_word_stands_where_it_is_chosen(manager):
    kept = a_contact("ada@b.example", title="CTO", custom={"size": "10"})
    other = a_contact("ada@new.example", title="CEO", custom={"size": "20"}, external_id="x-1")
    merged(kept, other, manager, "title", "custom_size", "primary")
    assert (kept.title, kept.custom, emails_of(kept)[0]) == ("CEO", {"size": "20"}, "ada@new.example")
    assert (kept.external_id, other.external_id) == ("x-1", None)


def test_a_contact_without_an_address_gets_the_other_ones_as_its_primary(manager):
    kept = a_contact(None)
    merged(kept, a_contact("ada@new.example"), manager)
    assert kept.contact_addresses.get().is_primary


def test_the_same_primary_address_stays_the_only_one(manager):
    kept, other = a_contact("ada@b.example"), a_contact("ada@b.example")
    for take_other in ((), ("primary",)):
        other = a_contact("ada@b.example")
        merged(kept, other, manager, *take_other)
        assert kept.contact_addresses.get().is_primary


def test_a_status_change_that_both_know_is_one_line(manager):
    kept, other = a_contact("ada@b.example"), a_contact("ada@b.example")
    change = a_status_change("ada@b.example")
    for contact in (kept, other):
        Activity.objects.create(contact=contact, kind="status_changed", status_change_id=change.pk)
    merged(kept, other, manager)
    assert kept.activities.filter(kind="status_changed").count() == 1


def test_what_is_known_about_an_address_stays_with_it(manager):
    kept, other = a_contact("ada@b.example"), a_contact("ada@new.example", status="invalid")
    a_suppression("ada@new.example", "complaint")
    merged(kept, other, manager)
    address = kept.contact_addresses.get(address__email="ada@new.example").address
    assert (address.status, address.suppressions.get().reason) == ("invalid", "complaint")


def test_the_kept_one_is_found_by_the_other_ones_address(manager):
    kept = a_contact("ada@b.example")
    merged(kept, a_contact("ada@new.example"), manager)
    assert list(matching(Contact.objects.present(), "ada@new.example")) == [kept]


def test_nobody_is_merged_with_themselves_or_with_who_is_gone(manager):
    kept = a_contact("ada@b.example")
    gone = a_contact("bob@b.example", deleted_at=timezone.now())
    for other in (kept, gone):
        with pytest.raises(NotAllowed):
            merge(kept, other, [], by=manager, now=timezone.now())


def test_the_page_finds_who_has_the_same_name_asks_where_they_differ_and_merges(manager):
    kept = a_contact("ada@b.example", last_name="Byron", title="CTO")
    other = a_contact("ada@new.example", last_name="Byron", title="CEO")
    client = Client()
    client.force_login(manager)
    confirm = reverse("contacts:merge_confirm", args=[kept.pk, other.pk])
    assert confirm in client.get(reverse("contacts:merge", args=[kept.pk])).content.decode()
    assert "Choose the values to keep" in client.get(confirm).content.decode()
    client.post(confirm, {"title": str(other.pk), "primary": str(kept.pk)})
    kept.refresh_from_db()
    assert (kept.title, emails_of(kept)) == ("CEO", ["ada@b.example", "ada@new.example"])
    assert client.get(confirm).status_code == 404


def test_only_those_who_may_delete_contacts_merge_them(manager):
    kept, other = a_contact("ada@b.example"), a_contact("ada@new.example")
    urls = [
        reverse("contacts:merge", args=[kept.pk]),
        reverse("contacts:merge_confirm", args=[kept.pk, other.pk]),
    ]
    sales, client = Client(), Client()
    sales.force_login(a_user("sales"))
    client.force_login(manager)
    assert [sales.post(url).status_code for url in urls] == [403, 403]
    assert [client.get(url).status_code for url in urls] == [200, 200]
    other.refresh_from_db()
    assert other.deleted_at is None
