"""The pages of companies."""

import pytest
from django.urls import reverse

from contacts.models import Company, Contact
from tests.builders import a_campaign, a_company, a_contact, a_suppression, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


def test_companies_show_their_contacts_and_the_share_of_bad_addresses(client, sales):
    for status in ("invalid", "valid", "valid", "valid"):
        a_contact(company="Navy", status=status)
    a_company("Army")
    page = text_of(client.get(reverse("contacts:companies")))
    assert "25 %" in page
    assert "Army" not in text_of(client.get(reverse("contacts:companies"), {"q": "nav"}))


def test_a_company_page_counts_who_may_be_written_to(client, sales):
    company = a_company("Navy")
    a_contact("ok@navy.example", company=company, status="valid")
    a_contact("sup@navy.example", company=company, status="valid")
    a_contact(company=company, email=None)
    a_suppression("sup@navy.example")
    answers = client.get(company.get_absolute_url()).context["answers"]
    assert (answers.yes, answers.caution, answers.no, answers.without) == (1, 0, 1, 1)


def test_a_company_is_made_and_its_new_name_is_found(client, sales):
    client.post(reverse("contacts:company_new"), {"name": " Navy  Inc ", "domain": "WWW.navy.example", "country": "US"})
    company = Company.objects.get()
    assert (company.name, company.domain) == ("Navy Inc", "navy.example")
    contact = a_contact(company=company)
    client.post(reverse("contacts:company_edit", args=[company.pk]), {"name": "Fleet"})
    assert "fleet" in Contact.objects.get(pk=contact.pk).document


@pytest.mark.parametrize("name", ["company", "campaign"])
def test_a_name_that_is_taken_in_any_case_is_said_at_the_field(client, sales, name):
    a_company("Navy")
    a_campaign("Navy")
    form = client.post(reverse(f"contacts:{name}_new"), {"name": " NAVY "}).context["form"]
    assert form.errors == {"name": [f"There is a {name} called “Navy” already. Choose another name."]}


def test_a_row_may_keep_its_own_name(client, sales):
    company = a_company("Navy")
    client.post(reverse("contacts:company_edit", args=[company.pk]), {"name": "NAVY"})
    assert Company.objects.get().name == "NAVY"


def test_sales_edit_own_and_unowned_companies(client, sales):
    own, bobs = a_company(owner=sales), a_company(owner=a_user())
    urls = [reverse("contacts:company_edit", args=[company.pk]) for company in (own, bobs)]
    assert [client.get(url).status_code for url in urls] == [200, 403]
    client.force_login(a_user("manager"))
    assert client.get(urls[1]).status_code == 200
