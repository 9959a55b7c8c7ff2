"""Saving people: matching, fields, addresses, notes, deletion."""

import pytest

from bounces.models import Address
from contacts.fields import FieldErrors
from contacts.models import Activity, Company, Contact, Tag
from contacts.people import (
    Conflict,
    NotAllowed,
    add_note,
    addresses_of,
    change_contact,
    create_contact,
    delete_contact,
    save_contact,
)
from tests.builders import NOW, a_company, a_contact, a_custom_field, a_tag, a_user, an_address

pytestmark = pytest.mark.django_db


def emails_of(contact):
    return [reached.address.email for reached in addresses_of(contact)]


def errors_of(error):
    return {field: sentences[0] for field, sentences in error.value.errors.items()}


def test_a_new_person_gets_everything_in_one_go():
    a_custom_field("size", "number")
    fields = {
        "first_name": "Grace",
        "last_name": "Hopper",
        "company": "Navy",
        "country": "us",
        "tags": ["VIP", "vip", "Compilers"],
        "addresses": ["Grace@Navy.example", "hopper@example.org"],
        "custom": {"size": "12"},
    }
    saved = save_contact(fields, by=a_user(), now=NOW)
    contact = Contact.objects.get(pk=saved.contact.pk)
    assert saved.is_new
    assert (contact.company.name, contact.country, contact.custom) == ("Navy", "US", {"size": 12})
    assert emails_of(contact) == ["grace@navy.example", "hopper@example.org"]
    assert sorted(tag.name for tag in contact.tags.all()) == ["Compilers", "VIP"]
    assert {"grace", "hopper@example.org", "compilers", "vip"} < set(contact.document.split())
    assert contact.activities.get().kind == Activity.Kind.CREATED


def test_saving_the_same_again_changes_nothing():
    fields = {"last_name": "Hopper", "addresses": ["grace@navy.example"], "tags": ["vip"], "company": "Navy"}
    first = save_contact(fields, by=None, now=NOW)
    second = save_contact(fields, by=None, now=NOW)
    assert (second.contact.pk, second.is_new, second.changed) == (first.contact.pk, False, ())
    assert first.contact.activities.count() == 1


def test_the_external_id_matches_before_the_address():
    by_id = a_contact("old@example.org", external_id="7")
    a_contact("new@example.org")
    saved = save_contact({"external_id": "7", "addresses": ["new@example.org"]}, by=None, now=NOW)
    assert saved.contact.pk == by_id.pk
    assert emails_of(saved.contact) == ["new@example.org", "old@example.org"]


def test_the_primary_address_matches_where_no_id_does():
    contact = a_contact("ada@example.org")
    saved = save_contact({"external_id": "7", "addresses": ["ADA@example.org"]}, by=None, now=NOW)
    assert (saved.contact.pk, saved.contact.external_id) == (contact.pk, "7")


def test_several_matches_are_a_conflict_and_nothing_is_written():
    shared = [a_contact("info@example.org"), a_contact("info@example.org")]
    with pytest.raises(Conflict) as error:
        save_contact({"last_name": "New", "addresses": ["info@example.org"]}, by=None, now=NOW)
    assert error.value.contacts == shared
    assert not Contact.objects.filter(last_name="New").exists()


def test_another_external_id_at_the_same_address_is_a_conflict():
    a_contact("info@example.org", external_id="1")
    with pytest.raises(Conflict, match="whose external id is another one"):
        save_contact({"external_id": "2", "addresses": ["info@example.org"]}, by=None, now=NOW)


def test_saving_again_takes_away_no_tags_and_no_addresses_and_keeps_the_first_source():
    contact = a_contact("ada@example.org", others=("a@home.example",), tags=("friend",), source="fair.csv")
    save_contact({"addresses": ["ada@example.org"], "tags": ["vip"], "source": "again.csv"}, by=None, now=NOW)
    contact.refresh_from_db()
    assert emails_of(contact) == ["ada@example.org", "a@home.example"]
    assert sorted(tag.name for tag in contact.tags.all()) == ["friend", "vip"]
    assert contact.source == "fair.csv"


def test_a_contact_made_on_a_page_may_share_its_address():
    a_contact("info@example.org")
    second = create_contact({"last_name": "Other", "addresses": ["info@example.org"]}, by=a_user(), now=NOW)
    assert emails_of(second) == ["info@example.org"]
    assert Address.objects.count() == 1


def test_a_replaced_address_keeps_its_state_and_the_new_one_starts_with_its_own():
    contact = a_contact("old@example.org", status="invalid")
    an_address("new@example.org", status="valid")
    change_contact(contact, {"addresses": ["new@example.org"]}, by=None, now=NOW)
    assert emails_of(contact) == ["new@example.org"]
    assert dict(Address.objects.values_list("email", "status")) == {
        "old@example.org": "invalid",
        "new@example.org": "valid",
    }
    assert "old@example.org → new@example.org" in contact.activities.get().text


def test_the_first_address_given_becomes_the_primary_one():
    contact = a_contact("one@example.org", others=("two@example.org",))
    change_contact(contact, {"addresses": ["two@example.org", "one@example.org"]}, by=None, now=NOW)
    assert emails_of(contact) == ["two@example.org", "one@example.org"]


def test_fields_that_are_not_given_stay():
    contact = a_contact(first_name="Ada", title="Countess", company="Analytical")
    saved = change_contact(contact, {"title": "Analyst"}, by=None, now=NOW)
    assert saved.changed == ("title",)
    assert (saved.contact.first_name, saved.contact.company.name) == ("Ada", "Analytical")


def test_a_company_and_tags_are_found_in_any_case():
    a_company("Navy")
    a_tag("VIP")
    contact = create_contact({"last_name": "Hopper", "company": "NAVY", "tags": ["vip"]}, by=None, now=NOW)
    assert (contact.company.name, Company.objects.count(), Tag.objects.count()) == ("Navy", 1, 1)


def test_an_address_at_a_bare_host_is_refused_in_plain_words():
    with pytest.raises(FieldErrors) as error:
        save_contact({"addresses": ["bob@example"]}, by=None, now=NOW)
    assert "“bob@example” is not an e-mail address: Its domain has no dot" in errors_of(error)["addresses"]


LOST_IN: dict[str, dict[str, object]] = {
    **{word: {word: "Jos\ufffd"} for word in ("first_name", "last_name", "title", "company", "source", "external_id")},
    "phone": {"phone": "030 \ufffd"},
    "country": {"country": "Espa\ufffda"},
    "tags": {"tags": ["Jos\ufffd"]},
    "addresses": {"addresses": ["jos\ufffd@b.example"]},
    "custom.city": {"custom": {"city": "M\ufffdnchen"}},
}


@pytest.mark.parametrize("word", LOST_IN)
def test_no_field_keeps_a_character_that_was_lost(word: str):
    a_custom_field("city")
    with pytest.raises(FieldErrors) as error:
        save_contact({"last_name": "Lee", **LOST_IN[word]}, by=None, now=NOW)
    assert set(errors_of(error)) == {word}


def test_no_note_keeps_one():
    with pytest.raises(FieldErrors):
        add_note(a_contact(), "Jos\ufffd called.", by=a_user(), now=NOW)


def test_all_errors_are_told_at_once_by_field():
    a_custom_field("size", "number")
    fields = {
        "first_name": "x" * 201,
        "country": "Nowhereland",
        "addresses": ["ada@example.org", "not an address"],
        "custom": {"size": "big", "colour": "red"},
        "owner": "nobody@example.org",
        "tags": ["a,b"],
        "nickname": "x",
    }
    with pytest.raises(FieldErrors) as error:
        save_contact(fields, by=None, now=NOW)
    assert set(errors_of(error)) == {
        "first_name", "country", "addresses", "custom.size", "custom.colour", "owner", "tags", "nickname",
    }  # fmt: skip
    assert "“not an address” is not an e-mail address" in errors_of(error)["addresses"]
    assert not Contact.objects.exists()


def test_a_nul_is_refused_before_the_database_refuses_it():
    with pytest.raises(FieldErrors) as error:
        save_contact({"last_name": "a\x00b", "addresses": ["a\x00@example.org"]}, by=None, now=NOW)
    assert set(errors_of(error)) == {"last_name", "addresses"}


def test_a_contact_needs_a_name_or_an_address():
    with pytest.raises(FieldErrors, match="needs a name or an address"):
        create_contact({"title": "Boss"}, by=None, now=NOW)


def test_an_external_id_belongs_to_one_contact():
    a_contact(external_id="7")
    with pytest.raises(FieldErrors) as error:
        change_contact(a_contact(), {"external_id": "7"}, by=None, now=NOW)
    assert "It is the external id of" in errors_of(error)["external_id"]


def test_custom_values_merge_and_an_empty_one_goes():
    for key in ("size", "colour"):
        a_custom_field(key)
    contact = a_contact(custom={"size": "L", "colour": "red"})
    saved = change_contact(contact, {"custom": {"size": ""}}, by=None, now=NOW)
    assert saved.contact.custom == {"colour": "red"}


@pytest.mark.parametrize(
    ("type_", "written", "kept"),
    [
        ("text", " L ", "L"),
        ("number", "12.50", 12.5),
        ("number", 3, 3),
        ("date", "2026-05-31", "2026-05-31"),
        ("yes_no", "Yes", True),
        ("yes_no", False, False),
        ("choice", "RED", "red"),
    ],
)
def test_custom_values_become_their_type(type_, written, kept):
    a_custom_field("value", type_, options=["red", "blue"])
    contact = create_contact({"last_name": "X", "custom": {"value": written}}, by=None, now=NOW)
    assert contact.custom == {"value": kept}


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        ("number", "twelve"),
        ("number", "1e999"),
        ("number", True),
        ("date", "31.5.2026"),
        ("yes_no", "perhaps"),
        ("choice", "green"),
    ],
)
def test_custom_values_of_the_wrong_type_are_refused(type_, written):
    a_custom_field("value", type_, options=["red", "blue"])
    with pytest.raises(FieldErrors) as error:
        create_contact({"last_name": "X", "custom": {"value": written}}, by=None, now=NOW)
    assert list(errors_of(error)) == ["custom.value"]


def test_sales_change_their_own_and_unowned_contacts():
    sales = a_user("sales")
    assert change_contact(a_contact(owner=sales), {"title": "A"}, by=sales, now=NOW).changed
    assert change_contact(a_contact(), {"title": "A"}, by=sales, now=NOW).changed


def test_sales_do_not_change_a_colleagues_contact_and_managers_do():
    contact = a_contact("ada@example.org", owner=a_user("sales", name="Bob"))
    with pytest.raises(NotAllowed, match="belongs to Bob"):
        save_contact({"title": "A", "addresses": ["ada@example.org"]}, by=a_user("sales"), now=NOW)
    assert save_contact({"title": "A", "addresses": ["ada@example.org"]}, by=a_user("manager"), now=NOW).changed
    assert Contact.objects.get(pk=contact.pk).title == "A"


def test_what_one_does_not_see_is_not_named(settings):
    settings.SALES_SEE = "team"
    hidden = a_contact("ada@example.org", last_name="Secret", owner=a_user(name="Bob"), external_id="7")
    sales = a_user("sales")
    with pytest.raises(NotAllowed) as refusal:
        save_contact({"addresses": ["ada@example.org"]}, by=sales, now=NOW)
    with pytest.raises(Conflict) as conflict:
        save_contact({"addresses": ["ada@example.org"], "external_id": "8"}, by=sales, now=NOW)
    with pytest.raises(FieldErrors) as taken:
        change_contact(a_contact(owner=sales), {"external_id": "7"}, by=sales, now=NOW)
    said = f"{refusal.value} {conflict.value} {taken.value}"
    assert "Secret" not in said
    assert "Bob" not in said
    with pytest.raises(Conflict, match=hidden.last_name):
        save_contact({"addresses": ["ada@example.org"], "external_id": "8"}, by=a_user("manager"), now=NOW)


def test_a_change_leaves_a_name_or_an_address():
    contact = a_contact("ada@example.org")
    with pytest.raises(FieldErrors, match="needs a name or an address"):
        change_contact(contact, {"first_name": "", "last_name": "", "addresses": []}, by=None, now=NOW)
    assert emails_of(contact) == ["ada@example.org"]


def test_a_deleted_contact_is_gone_and_frees_its_external_id():
    contact = a_contact("ada@example.org", external_id="7")
    delete_contact(contact, by=a_user("manager"), now=NOW)
    assert not Contact.objects.present().exists()
    assert save_contact({"external_id": "7", "addresses": ["ada@example.org"]}, by=None, now=NOW).is_new


def test_sales_do_not_delete():
    with pytest.raises(NotAllowed):
        delete_contact(a_contact(), by=a_user("sales"), now=NOW)


def test_a_note_is_kept_with_its_writer():
    sales = a_user()
    note = add_note(a_contact(owner=a_user()), "  Likes tea.\r\nCall on Monday. ", by=sales, now=NOW)
    assert (note.text, note.by) == ("Likes tea.\nCall on Monday.", sales)


@pytest.mark.parametrize("text", ["", "  ", "x" * 10_001, "a\x00b"])
def test_a_note_that_cannot_be_kept_says_why(text):
    with pytest.raises(FieldErrors):
        add_note(a_contact(), text, by=a_user(), now=NOW)
