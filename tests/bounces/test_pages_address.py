"""One address: its verdict, its history, and what people decide about it."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Suppression
from bounces.policy import judge_now
from tests.builders import a_bounce, a_complaint, a_silence, a_status_change, a_suppression, a_user, an_address

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager", name="Mara Manager"))
    return client


def an_invalid_address() -> Address:
    """Made invalid by the policy itself."""
    address = a_bounce("ada@b.example").address
    judge_now([address.pk], NOW)
    address.refresh_from_db()
    return address


def url_of(thing: Address | Suppression, name: str = "address") -> str:
    return reverse(f"bounces:{name}", args=[thing.pk])


def test_an_address_says_in_one_sentence_why_it_is_invalid(manager):
    page = manager.get(url_of(an_invalid_address())).content.decode()
    assert "Invalid since 2 November 2026: the mailbox does not exist (550 5.1.1)" in page


def test_an_address_without_facts_says_so(manager):
    page = manager.get(url_of(an_address())).content.decode()
    assert "Nothing came back" in page
    assert "Its status has never changed." in page


def test_an_address_shows_its_complaints(manager):
    address = an_address()
    a_complaint(address)
    assert "Reported as spam" in manager.get(url_of(address)).content.decode()


def test_an_address_takes_the_same_number_of_queries_whatever_happened(manager, django_assert_max_num_queries):
    address = an_address()
    for _ in range(5):
        a_bounce(address)
        a_complaint(address)
        a_status_change(address)
    with django_assert_max_num_queries(11):
        manager.get(url_of(address))


def test_restoring_needs_a_reason(manager):
    address = an_invalid_address()
    page = manager.post(url_of(address, "restore"), {"reason": " "}).content.decode()
    assert "Say why: the history keeps the reason with your name." in page
    address.refresh_from_db()
    assert address.status == "invalid"


def test_a_restored_address_is_judged_at_once_and_the_history_names_who_did_it(manager):
    address = an_invalid_address()
    manager.post(url_of(address, "restore"), {"reason": "She called."})
    address.refresh_from_db()
    page = manager.get(url_of(address)).content.decode()
    assert address.status == "unverified"
    assert "She called." in page
    assert "Mara Manager" in page


@pytest.mark.parametrize(
    ("next_url", "lands"),
    [
        ("/contacts/7/", "/contacts/7/"),
        ("https://evil.example/", None),
        ("//evil.example", None),
        ("no-path", None),
        ("", None),
    ],
)
def test_restoring_leads_back_to_where_one_came_from_and_nowhere_else(manager, next_url, lands):
    address = an_invalid_address()
    response = manager.post(f"{url_of(address, 'restore')}?next={next_url}", {"reason": "She called."})
    assert response["Location"] == (lands or url_of(address))


def test_a_suppression_is_lifted_with_a_reason(manager):
    suppression = a_suppression("ada@b.example", "complaint")
    page = manager.get(url_of(suppression, "lift")).content.decode()
    assert "The recipient asked for this" in page
    manager.post(url_of(suppression, "lift"), {"reason": "He wrote that it was a mistake."})
    suppression.refresh_from_db()
    assert suppression.lifted_at
    assert suppression.lift_reason == "He wrote that it was a mistake."


def test_lifting_without_a_reason_lifts_nothing(manager):
    suppression = a_suppression("ada@b.example")
    manager.post(url_of(suppression, "lift"), {"reason": ""})
    suppression.refresh_from_db()
    assert suppression.lifted_at is None


def test_a_suppressed_domain_shows_on_each_of_its_addresses(manager):
    suppression = a_suppression(domain="b.example", reason="manual")
    page = manager.get(url_of(an_address("ada@b.example"))).content.decode()
    assert "the whole domain" in page
    assert url_of(suppression, "lift") in page


def test_a_suppression_that_was_lifted_is_not_lifted_twice(manager):
    suppression = a_suppression("ada@b.example", lifted_at=NOW, lifted_by=a_user("manager"), lift_reason="Asked.")
    manager.post(url_of(suppression, "lift"), {"reason": "Again."})
    suppression.refresh_from_db()
    assert suppression.lift_reason == "Asked."


def test_mails_without_an_answer_are_counted(client):
    client.force_login(a_user("sales"))
    silence = a_silence("quiet@b.example", delivered=7)
    page = " ".join(client.get(reverse("bounces:address", args=[silence.address_id])).content.decode().split())
    assert "7 mails since" in page
    other = an_address("ada@b.example")
    assert "Unanswered" not in client.get(reverse("bounces:address", args=[other.pk])).content.decode()
