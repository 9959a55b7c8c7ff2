"""The list of contacts: what it shows, how it is narrowed, and that its length costs no more."""

import pytest
from django.urls import reverse

from tests.builders import a_contact, a_suppression, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


def names_in(response):
    return [contact.last_name for contact in response.context["page"].items]


# --- the list ---------------------------------------------------------------------------------------


def test_strangers_are_sent_to_sign_in(client):
    contact = a_contact()
    for url in (reverse("contacts:list"), contact.get_absolute_url(), reverse("contacts:new")):
        assert client.get(url).status_code == 302


def test_an_empty_house_says_what_to_do_first(client, sales):
    assert "No contacts yet" in text_of(client.get(reverse("contacts:list")))


def test_the_list_shows_status_owner_company_and_tags(client, sales):
    a_contact("ada@example.org", status="at_risk", company="Navy", tags=("vip",), owner=sales)
    page = text_of(client.get(reverse("contacts:list")))
    for words in ("ada@example.org", "At risk", "Navy", "vip", "Sam Sales"):
        assert words in page


def test_a_filter_narrows_and_says_so_in_chips(client, sales):
    a_contact(status="invalid", last_name="Bad", country="DE")
    a_contact(status="valid", last_name="Good")
    response = client.get(reverse("contacts:list"), {"status": "invalid", "country": "DE", "owner": ""})
    assert names_in(response) == ["Bad"]
    assert [(chip.text, chip.without) for chip in response.context["chips"]] == [
        ("Invalid", "country=DE"),
        ("Germany", "status=invalid"),
    ]


def test_a_filter_that_fits_nobody_offers_to_clear_it(client, sales):
    a_contact()
    assert "No contact fits" in text_of(client.get(reverse("contacts:list"), {"q": "zzz"}))


def test_a_word_that_makes_no_sense_is_said_and_left_out(client, sales):
    a_contact()
    page = text_of(client.get(reverse("contacts:list"), {"status": "broken"}))
    assert "“broken” is not a status" in page
    assert "Lovelace" in page


def test_the_answer_to_htmx_names_the_clean_address(client, sales):
    a_contact()
    response = client.get(
        reverse("contacts:list"), {"q": "ada", "status": "", "sort": "name"}, headers={"HX-Request": "true"}
    )
    assert response["HX-Push-Url"] == "/contacts/?q=ada&sort=name"


def test_sorting_and_pages_keep_the_filter(client, sales, monkeypatch):
    for name in "CAB":
        a_contact(last_name=name)
    assert names_in(client.get(reverse("contacts:list"), {"sort": "name"})) == ["A", "B", "C"]
    assert names_in(client.get(reverse("contacts:list"), {"sort": "-name"})) == ["C", "B", "A"]
    assert client.get(reverse("contacts:list"), {"sort": "password", "after": "%%%"}).status_code == 200


def test_a_suppressed_address_is_marked_whatever_its_status(client, sales):
    a_contact("ada@example.org", status="valid")
    a_suppression("ada@example.org", "unsubscribe")
    assert "Valid · unsubscribed" in text_of(client.get(reverse("contacts:list")))


def test_hostile_names_are_only_text(client, sales):
    contact = a_contact(first_name="<script>alert(1)</script>", tags=("<b>",), company="<i>Corp")
    for url in (reverse("contacts:list"), contact.get_absolute_url(), contact.company.get_absolute_url()):
        page = text_of(client.get(url))
        assert "<script>alert" not in page
        assert "<i>Corp" not in page


@pytest.mark.parametrize("number", [2, 12])
def test_the_list_asks_the_same_number_of_questions_for_any_length(
    client, sales, number, django_assert_max_num_queries
):
    for position in range(number):
        a_contact(company=f"Company {position}", tags=("a", f"b{position}"), owner=a_user(), status="valid")
    with django_assert_max_num_queries(15):
        assert len(names_in(client.get(reverse("contacts:list")))) == number


# --- the form ---------------------------------------------------------------------------------------


def test_nothing_on_the_pages_breaks_the_content_policy(client, manager):
    contact = a_contact("ada@example.org", status="invalid", company="Navy")
    urls = ("contacts:list", "contacts:new", "contacts:companies", "contacts:campaigns", "contacts:segments")
    for url in [
        *[reverse(name) for name in urls],
        contact.get_absolute_url(),
        reverse("contacts:edit", args=[contact.pk]),
    ]:
        page = text_of(client.get(url))
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
