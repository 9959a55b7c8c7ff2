"""Contacts, companies and their exports in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from contacts import models as contacts
from contacts.models import Contact
from tests.builders import a_company, a_contact
from tests.crm.admin_pages import url

pytestmark = pytest.mark.django_db


def contact_data(**changed: Any) -> dict[str, Any]:
    return {
        "first_name": "Ada", "last_name": "Lovelace", "title": "", "owner": "", "phone": "", "country": "",
        "source": "", "external_id": "", "custom": "{}", "company": "", "emails": "ADA@example.org",
        "contact_addresses-TOTAL_FORMS": "0", "contact_addresses-INITIAL_FORMS": "0", **changed,
    }  # fmt: skip


def test_a_contact_is_made_and_can_be_searched_for(signed_in):
    company = a_company("Engines Ltd")
    signed_in.post(url(Contact, "add"), contact_data(company=company.pk))
    found = signed_in.get(url(Contact, "changelist"), {"q": "engines ada@"}).context["cl"].result_list
    assert [each.name for each in found] == ["Ada Lovelace"]


def test_a_contacts_addresses_are_changed_and_their_status_shown(signed_in):
    contact = a_contact("old@example.org", status="invalid", custom={})
    signed_in.post(url(Contact, "change", contact.pk), contact_data(emails="new@example.org\nold@example.org"))
    assert contact.contact_addresses.get(is_primary=True).address.email == "new@example.org"
    page = signed_in.get(url(Contact, "change", contact.pk)).content.decode()
    assert "bg-red-100" in page
    assert "(&#x27;" not in page
    assert contact.activities.filter(kind="edited").exists()


@pytest.mark.parametrize(
    ("field", "value"), [("emails", "not one"), ("country", "Atlantis"), ("custom", '{"nokey": 1}'), ("custom", "{")]
)
def test_a_contact_of_nonsense_is_refused_at_its_field(signed_in, field, value):
    page = signed_in.post(url(Contact, "add"), contact_data(**{field: value}))
    assert field in page.context["adminform"].form.errors
    assert not Contact.objects.exists()


def test_deleting_a_contact_hides_it(signed_in):
    contact = a_contact()
    assert signed_in.post(url(Contact, "delete", contact.pk), {"post": "yes"}).status_code == 403
    signed_in.post(url(Contact, "changelist"), {"action": "delete_contacts", "_selected_action": [contact.pk]})
    contact.refresh_from_db()
    assert contact.deleted_at is not None


def test_renaming_a_company_is_found_by_its_new_name(signed_in):
    contact = a_contact(company="Old Ltd")
    data = {"name": "New Ltd", "domain": "", "country": "", "owner": "", "notes": ""}
    signed_in.post(url(contacts.Company, "change", contact.company.pk), data)
    contact.refresh_from_db()
    assert "new ltd" in contact.document


def test_contacts_are_exported_defused(signed_in):
    a_contact("ada@example.org", first_name="=1+1")
    data = {"format": "0", "resource": "0", "contactexport_email": "on", "contactexport_first_name": "on"}
    page = signed_in.post(reverse("admin:contacts_contact_export"), data)
    assert page.content.decode().splitlines() == ["email,first_name", "ada@example.org,'=1+1"]
