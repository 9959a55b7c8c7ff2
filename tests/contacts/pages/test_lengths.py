"""What is true of every list: it asks as much for any length, and says what to do next where it is empty."""

import pytest
from django.urls import reverse

from tests.builders import NOW, a_campaign, a_company, a_contact, a_daily_stat, a_segment, a_user
from tests.contacts.pages.seen import text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", [2, 12])
@pytest.mark.parametrize(
    ("name", "most"), [("companies", 12), ("campaigns", 12), ("segments", 12), ("company", 17), ("campaign", 18)]
)
def test_pages_ask_as_much_for_any_length(client, sales, number, name, most, django_assert_max_num_queries):
    company, campaign = a_company(), a_campaign(owner=sales)
    for position in range(number):
        contact = a_contact(company=company, owner=a_user())
        campaign.members.create(contact=contact)
        a_company(owner=a_user())
        a_daily_stat(NOW.date(), campaign=a_campaign(owner=a_user(), members=(contact,)), attempted=1)
        a_segment(status=["valid"], owner=[str(contact.owner_id)], company=[str(company.pk)], tag=[f"t{position}"])
    row = {"company": company, "campaign": campaign}.get(name)
    url = row.get_absolute_url() if row else reverse(f"contacts:{name}")
    with django_assert_max_num_queries(most):
        client.get(url)


def test_each_empty_list_says_what_to_do_next(client, sales):
    for name, words in (
        ("companies", "No companies yet"),
        ("campaigns", "No campaigns yet"),
        ("segments", "No segments yet"),
    ):
        assert words in text_of(client.get(reverse(f"contacts:{name}")))
