"""What the dashboard says, and what it costs."""

import re
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.urls import reverse
from django.utils import timezone

from crm.dashboard import Rate, look
from tests.builders import (
    NOW,
    a_bounce,
    a_campaign,
    a_cleaning_run,
    a_contact,
    a_daily_stat,
    a_status_change,
    a_user,
    an_address,
    an_inbound_item,
    days_ago,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered():
    caches["process"].clear()


def test_it_counts_contacts_by_the_status_of_their_primary_address():
    a_contact(status="invalid")
    a_contact(status="valid", others=("second@example.org",))
    a_contact(status="valid")
    board = look(a_user(), NOW)
    assert [(each.status, each.number) for each in board.statuses] == [
        ("valid", 2),
        ("at_risk", 0),
        ("invalid", 1),
        ("unverified", 0),
    ]


def test_it_counts_only_whom_the_user_sees(settings):
    settings.SALES_SEE = "team"
    a_contact(status="valid", owner=a_user())
    a_contact(status="valid")
    assert look(a_user(), NOW).contacts == 1


def test_deleted_contacts_do_not_count():
    a_contact(status="valid", deleted_at=NOW)
    assert look(a_user(), NOW).contacts == 0


def test_the_rate_is_of_the_last_thirty_days():
    a_daily_stat(NOW.date(), attempted=150, bounced=3)
    a_daily_stat(days_ago(29).date(), attempted=50, bounced=1)
    a_daily_stat(days_ago(30).date(), attempted=1000, bounced=900)
    rate = look(a_user(), NOW).rate
    assert (rate.attempted, rate.bounced, rate.word) == (200, 4, "stop")


def test_without_attempts_the_rate_is_unknown():
    a_daily_stat(NOW.date(), hard=3)
    rate = look(a_user(), NOW).rate
    assert rate.value is None
    assert rate.word == "unknown"


@pytest.mark.parametrize(("attempted", "bounced", "left"), [(1000, 5, 15), (1000, 20, 0), (1000, 30, 0), (10, 0, 1)])
def test_it_says_how_many_failures_are_left_until_the_line(attempted, bounced, left):
    assert Rate(attempted, bounced).left == left


def test_every_day_has_its_entry():
    a_daily_stat(days_ago(2).date(), hard=2, soft=1, deferred=4)
    days = look(a_user(), NOW).days
    assert len(days) == 30
    assert (days[-3].hard, days[-3].soft, days[-3].deferred) == (2, 1, 4)
    assert days[-1].total == 0


def test_it_says_whose_fault_the_failures_were():
    a_bounce(fault="sender", occurred_at=days_ago(3))
    a_bounce(fault="recipient", occurred_at=days_ago(40))
    a_bounce(fault="recipient", kind="deferred", occurred_at=days_ago(3))
    faults = look(a_user(), NOW).faults
    assert (faults.total, faults.by_fault["sender"]) == (1, 1)


def test_the_latest_change_comes_first_with_its_sentence_and_contact():
    contact = a_contact("ada@example.org", status="invalid")
    address = contact.contact_addresses.get().address
    evidence = {"reason": "userunknown", "smtp_code": 550, "last_at": NOW.isoformat()}
    a_status_change(at=days_ago(5))
    a_status_change(address, at=days_ago(1), evidence=evidence)
    newest, older = look(a_user(), NOW).changes
    assert newest.contact == contact
    assert newest.sentence.startswith("Invalid since 1 November 2026: ")
    assert older.contact is None


def test_a_contact_that_the_user_does_not_see_is_not_named_nor_its_address(settings):
    settings.SALES_SEE = "team"
    contact = a_contact(owner=a_user())
    a_status_change(contact.contact_addresses.get().address)
    assert look(a_user(), NOW).changes == []


def test_it_names_the_campaigns_over_the_line():
    bad, good = a_campaign("Bad"), a_campaign("Good")
    a_daily_stat(campaign=bad, attempted=100, bounced=2)
    a_daily_stat(campaign=good, attempted=100, bounced=1)
    assert [each.campaign for each in look(a_user(), NOW).campaigns] == [bad]


def test_it_shows_the_inbox_and_the_last_run():
    an_inbound_item()
    an_inbound_item(state="quarantined", why="a zip inside a zip")
    a_cleaning_run()
    last = a_cleaning_run("failed", error="The database went away.")
    board = look(a_user(), NOW)
    assert (board.pending.number, board.quarantined.number, board.run) == (1, 1, last)


def test_it_is_empty_before_anything_came():
    board = look(a_user(), NOW)
    assert board.is_empty
    assert not board.is_set_up


def test_it_is_set_up_once_the_three_steps_are_done():
    a_contact()
    an_inbound_item()
    a_cleaning_run()
    assert look(a_user(), NOW).is_set_up


def fill(rows: int) -> None:
    for number in range(rows):
        contact = a_contact(status="invalid")
        a_status_change(contact.contact_addresses.get().address, at=NOW - timedelta(hours=number))
        a_bounce(an_address(), occurred_at=days_ago(1))
        a_daily_stat(campaign=a_campaign(), attempted=10, bounced=5)


@pytest.mark.parametrize("rows", [1, 12])
def test_the_number_of_queries_does_not_grow(rows, django_assert_num_queries):
    fill(rows)
    user = a_user()
    with django_assert_num_queries(16):
        look(user, NOW)


def test_strangers_are_sent_to_the_sign_in(client):
    assert client.get(reverse("dashboard")).url == f"{reverse('account_login')}?next=/"


def test_the_empty_page_tells_a_manager_what_to_do(client):
    client.force_login(a_user("manager"))
    html = client.get(reverse("dashboard")).content.decode()
    assert "Bring in your contacts" in html
    assert reverse("bounces:upload") in html
    assert "Run a cleaning" in html


def test_the_empty_page_offers_sales_no_closed_door(client):
    client.force_login(a_user("sales"))
    html = client.get(reverse("dashboard")).content.decode()
    assert reverse("bounces:upload") not in html
    assert "A manager does this." in html


def test_the_page_links_each_status_to_its_contacts(client):
    a_contact(status="at_risk")
    client.force_login(a_user())
    assert f"{reverse('contacts:list')}?status=at_risk" in client.get(reverse("dashboard")).content.decode()


def test_the_chart_has_a_table_beside_it(client):
    a_daily_stat(timezone.now().date(), attempted=9, hard=7)
    client.force_login(a_user())
    html = client.get(reverse("dashboard")).content.decode()
    assert 'data-chart="bounces-a-day"' in html
    assert '<td class="end">7</td>' in html


def test_nothing_stands_inline(client):
    """The Content-Security-Policy allows no style attribute, no inline script and no event attribute."""
    fill(2)
    client.force_login(a_user("admin"))
    html = client.get(reverse("dashboard")).content.decode()
    assert " style=" not in html
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert not re.search(r"\son[a-z]+=", html)
