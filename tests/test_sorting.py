"""Lists that sort: each order shows each row once over all pages; what is no order gives the first one."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Bounce, DailyStat, Suppression
from bounces.views import bounce, suppressions
from contacts.filters import ORDERS as CONTACT_ORDERS
from contacts.models import Campaign, Company, Contact
from contacts.views import campaign, company
from tests.builders import a_campaign, a_company, a_contact, a_daily_stat, a_user, an_address, days_ago

pytestmark = pytest.mark.django_db
ROWS = 110  # two pages and a bit
LISTS = {
    "contacts:list": CONTACT_ORDERS,
    "contacts:companies": company.ORDERS,
    "contacts:campaigns": campaign.ORDERS,
    "bounces:list": bounce.ORDERS,
    "bounces:suppressions": suppressions.ORDERS,
}


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(a_user("admin"))
    return client


def many_contacts() -> set[int]:
    for number in range(3):
        a_contact(f"p{number}@b.example", status=["valid", "invalid", "at_risk"][number], company=f"Firm {number}")
    Contact.objects.bulk_create(Contact(last_name=f"N{number % 7}") for number in range(ROWS))
    return set(Contact.objects.values_list("pk", flat=True))


def many_companies() -> set[int]:
    Company.objects.bulk_create(
        Company(name=f"Firm {number}", country="DE" if number % 3 else "") for number in range(ROWS)
    )
    for number in range(3):
        a_contact(f"p{number}@b.example", status="invalid", company=f"Firm {number}")
    return set(Company.objects.values_list("pk", flat=True))


def many_campaigns() -> set[int]:
    Campaign.objects.bulk_create(Campaign(name=f"C {number}", key=f"c-{number}") for number in range(ROWS))
    for number in range(0, ROWS, 9):
        DailyStat.objects.create(
            day=days_ago(1).date(), dimension="campaign", key=f"c-{number}", attempted=number + 3, bounced=number % 4
        )
    return set(Campaign.objects.values_list("pk", flat=True))


def many_bounces() -> set[int]:
    some = [an_address(f"p{number}@b.example") for number in range(5)]
    Bounce.objects.bulk_create(
        Bounce(
            address=some[number % 5],
            kind=["hard", "soft"][number % 2],
            fault=["recipient", "sender", "unknown"][number % 3],
            reason=["userunknown", "mailboxfull"][number % 2],
            smtp_code=550 if number % 4 else None,
            occurred_at=days_ago(number % 6),
            failure_key=number.to_bytes(16, "big"),
            standing="counted",
        )
        for number in range(ROWS)
    )
    return set(Bounce.objects.values_list("pk", flat=True))


def many_suppressions() -> set[int]:
    Suppression.objects.bulk_create(
        Suppression(
            scope="domain", domain=f"d{number}.example", reason="manual", source="page", created_at=days_ago(number % 5)
        )
        for number in range(ROWS)
    )
    return set(Suppression.objects.values_list("pk", flat=True))


MAKERS: dict[str, Callable[[], set[int]]] = {
    "contacts:list": many_contacts,
    "contacts:companies": many_companies,
    "contacts:campaigns": many_campaigns,
    "bounces:list": many_bounces,
    "bounces:suppressions": many_suppressions,
}


def pages_of(boss: Client, url: str) -> list[list[int]]:
    """The ids of each page, going forward to the end."""
    pages: list[list[int]] = []
    while url and len(pages) < 10:
        response = boss.get(url)
        pages.append([row.pk for row in response.context["page"].items])
        following = re.search(r'rel="next"\s+href="([^"]+)"', response.content.decode())
        url = url.partition("?")[0] + unescape(following[1]) if following else ""
    return pages


@pytest.mark.parametrize("name", LISTS)
def test_each_order_shows_each_row_once(boss: Client, name: str) -> None:
    rows = MAKERS[name]()
    for sort in LISTS[name]:
        pages = pages_of(boss, f"{reverse(name)}?sort={sort}")
        shown = [pk for page in pages for pk in page]
        assert len(pages) == 3, sort
        assert sorted(shown) == sorted(rows), sort


@pytest.mark.parametrize("name", LISTS)
def test_an_order_and_its_opposite_are_each_other_backwards(boss: Client, name: str) -> None:
    MAKERS[name]()
    for sort in [key for key in LISTS[name] if not key.startswith("-")]:
        up, down = (pages_of(boss, f"{reverse(name)}?sort={key}") for key in (sort, f"-{sort}"))
        assert [pk for page in up for pk in page] == [pk for page in down for pk in page][::-1], sort


@pytest.mark.parametrize("name", LISTS)
def test_the_head_of_the_sorted_column_says_so(boss: Client, name: str) -> None:
    MAKERS[name]()
    heads = set(re.findall(r"[?&]sort=-?(\w+)", boss.get(reverse(name)).content.decode()))
    assert {key.removeprefix("-") for key in LISTS[name]} - heads <= {
        "created",
        "since",
        "status",
    }  # without a head of their own
    for sort in heads:
        page = boss.get(f"{reverse(name)}?sort={sort}").content.decode()
        assert page.count('aria-sort="ascending"') == 1, sort
        assert boss.get(f"{reverse(name)}?sort=-{sort}").content.decode().count('aria-sort="descending"') == 1, sort


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("sort", ["password", "owner__password", "-", "id", "'"])
def test_an_order_that_is_not_in_the_table_is_the_first_one(boss: Client, name: str, sort: str) -> None:
    MAKERS[name]()
    first = boss.get(reverse(name)).context["page"].items
    assert [row.pk for row in boss.get(reverse(name), {"sort": sort}).context["page"].items] == [
        row.pk for row in first
    ]


def test_companies_sort_by_the_bad_addresses_that_the_user_sees(boss: Client) -> None:
    a_company("None")
    a_contact("a@b.example", status="invalid", company="One")
    for number in range(2):
        a_contact(f"{number}@b.example", status="invalid", company="Two")
    found = boss.get(reverse("contacts:companies"), {"sort": "-bad"}).context["page"].items
    assert [each.name for each in found] == ["Two", "One", "None"]


def test_a_campaign_without_attempts_has_no_rate_and_comes_last_going_up(boss: Client) -> None:
    quiet, good, poor = (a_campaign(name) for name in ("Quiet", "Good", "Poor"))
    a_daily_stat(campaign=good, attempted=100, bounced=1)
    a_daily_stat(campaign=poor, attempted=100, bounced=3)
    found = boss.get(reverse("contacts:campaigns"), {"sort": "rate"}).context["page"].items
    assert list(found) == [good, poor, quiet]


def test_contacts_filtered_by_status_say_since_when_and_why(boss: Client) -> None:
    a_contact("ada@b.example", status="invalid")
    Address.objects.update(status_rule="hard_bounce", status_changed_at=days_ago(40))
    page = boss.get(reverse("contacts:list"), {"status": "invalid"}).content.decode()
    assert 'data-label="Since"' in page
    assert 'data-label="Why"' in page
    assert 'data-label="Why"' not in boss.get(reverse("contacts:list")).content.decode()
