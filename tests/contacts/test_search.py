"""Search by part of a name, company or address."""

import pytest

from contacts.models import Contact
from contacts.search import index_documents, matching
from tests.builders import a_contact

pytestmark = pytest.mark.django_db


def found(text):
    return list(matching(Contact.objects.present(), text).order_by("id"))


def test_it_finds_parts_of_names_companies_and_addresses_in_any_case():
    ada = a_contact(
        "ada@engines.example", others=("countess@home.example",), last_name="Lovelace", company="Analytical"
    )
    a_contact("bob@example.org", first_name="Bob", last_name="Builder")
    assert [found(text) for text in ("lovel", "NALYTIC", "engines", "countess@")] == [[ada]] * 4


def test_every_word_must_match():
    ada = a_contact(first_name="Ada", last_name="Lovelace", company="Analytical")
    a_contact(first_name="Ada", last_name="Byron")
    assert found("ada analytical") == [ada]


@pytest.mark.parametrize("text", ["%", "_da", "\\", "'", "a\x00%"])
def test_wildcards_are_only_characters(text):
    a_contact(first_name="Ada", last_name="Lovelace")
    assert found(text) == []


def test_an_international_address_is_found_as_it_is_written():
    contact = a_contact("info@xn--bcher-kva.example")
    assert found("Info@Bücher.example") == [contact]


def test_it_uses_the_trigram_index(django_assert_num_queries):
    a_contact()
    plan = matching(Contact.objects.all(), "lovelace").explain()
    assert "document" in plan


def test_indexing_again_writes_nothing():
    contact = a_contact()
    before = Contact.objects.values_list("document", flat=True).get(pk=contact.pk)
    index_documents([contact.pk])
    assert Contact.objects.values_list("document", flat=True).get(pk=contact.pk) == before
