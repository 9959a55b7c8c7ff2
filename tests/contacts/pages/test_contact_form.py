"""The form of a contact: errors stand at their fields, and what was typed stays."""

import pytest
from django.urls import reverse

from contacts.models import Contact, ContactAddress
from tests.builders import a_company, a_contact, a_custom_field, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


TYPED = {"first_name": "Grace", "last_name": "Hopper", "address-0": "Grace@Navy.example", "primary": "0"}


def test_a_new_contact_belongs_to_its_maker_unless_they_say_otherwise(client, sales):
    response = client.get(reverse("contacts:new"))
    assert response.context["form"]["owner"].value() == sales.pk
    response = client.post(
        reverse("contacts:new"), {**TYPED, "owner": sales.pk, "tags": "vip, fair", "company": "Navy"}
    )
    contact = Contact.objects.get()
    assert response.url == contact.get_absolute_url()
    assert (contact.owner, contact.company.name, contact.tags.count()) == (sales, "Navy", 2)


def test_errors_stand_at_their_fields_and_keep_what_was_typed(client, sales):
    a_custom_field("size", "number", label="Size")
    typed = {**TYPED, "address-0": "not an address", "custom.size": "big", "phone": "x" * 51}
    response = client.post(reverse("contacts:new"), typed)
    page = text_of(response)
    form = response.context["form"]
    assert "“not an address” is not an e-mail address" in page
    assert form.errors["custom.size"] == ["“big” is not a number. Write it like 12 or 12.5."]
    assert "At most 50 characters" in form.errors["phone"][0]
    assert 'value="not an address"' in page
    assert not Contact.objects.exists()


def test_an_address_that_somebody_has_is_shared_only_on_purpose(client, sales):
    other = a_contact("grace@navy.example", last_name="Other")
    response = client.post(reverse("contacts:new"), TYPED)
    assert response.context["sharing"] == [other]
    assert Contact.objects.count() == 1
    client.post(reverse("contacts:new"), {**TYPED, "share": "on"})
    assert ContactAddress.objects.filter(address__email="grace@navy.example").count() == 2


def test_addresses_are_added_removed_and_made_primary(client, sales):
    contact = a_contact("one@example.org", others=("two@example.org",), owner=sales)
    typed = {
        "last_name": "Hopper",
        "address-0": "one@example.org",
        "remove-0": "on",
        "address-1": "two@example.org",
        "address-2": "three@example.org",
        "primary": "2",
    }
    client.post(reverse("contacts:edit", args=[contact.pk]), typed)
    reached = contact.contact_addresses.order_by("-is_primary").values_list("address__email", "is_primary")
    assert list(reached) == [("three@example.org", True), ("two@example.org", False)]


def test_the_form_shows_what_is_there_and_saves_it_unchanged(client, sales):
    a_custom_field("member", "yes_no", label="Member")
    contact = a_contact(
        "one@example.org", company=a_company("Navy"), tags=("vip",), custom={"member": True}, owner=sales
    )
    form = client.get(reverse("contacts:edit", args=[contact.pk])).context["form"]
    typed = {bound.name: bound.value() or "" for bound in form} | {"owner": sales.pk}
    assert (typed["custom.member"], str(typed["company"]), typed["tags"]) == ("yes", "Navy", "vip")
    client.post(reverse("contacts:edit", args=[contact.pk]), {**typed, "address-0": "one@example.org", "primary": "0"})
    assert not contact.activities.filter(kind="edited").exists()


def test_sales_edit_own_and_unowned_contacts_and_managers_everyones(client, sales):
    own, unowned, bobs = a_contact(owner=sales), a_contact(), a_contact(owner=a_user())
    answers = [client.get(reverse("contacts:edit", args=[contact.pk])).status_code for contact in (own, unowned, bobs)]
    assert answers == [200, 200, 403]
    assert client.post(reverse("contacts:edit", args=[bobs.pk]), TYPED).status_code == 403
    client.force_login(a_user("manager"))
    assert client.get(reverse("contacts:edit", args=[bobs.pk])).status_code == 200


def test_company_names_are_suggested_from_those_one_sees(client, settings):
    settings.SALES_SEE = "team"
    a_company("Navy", owner=a_user())
    client.force_login(a_user("sales"))
    url = reverse("contacts:company_names")
    assert "Navy" not in text_of(client.get(url, {"company": "nav"}))
    client.force_login(a_user("manager"))
    assert "Navy" in text_of(client.get(url, {"company": "nav"}))


def test_one_more_address_row_comes_with_the_button_for_the_next(client, sales):
    page = text_of(client.get(reverse("contacts:address_row"), {"number": "3"}))
    assert 'name="address-3"' in page
    assert "number=4" in page
