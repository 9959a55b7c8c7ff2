"""Rates, their words and their page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.models import DailyStat
from bounces.reputation import DIMENSIONS, Standing, Word, by_day, standings
from bounces.values import Event
from tests.bounces.histories import complained, delivered, hard, recorded, soft, told
from tests.builders import NOW, a_user

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def a_standing(**counts: int) -> Standing:
    return Standing("key", "key", **counts)


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({}, Word.UNKNOWN),
        ({"delivered": 0, "complaints": 3}, Word.UNKNOWN),
        ({"attempted": 1000, "bounced": 9}, Word.HEALTHY),
        ({"attempted": 1000, "bounced": 10}, Word.WATCH),
        ({"attempted": 1000, "bounced": 20}, Word.STOP),
        ({"attempted": 10_000, "delivered": 9_999, "complaints": 9}, Word.HEALTHY),
        ({"attempted": 1000, "delivered": 1000, "complaints": 1}, Word.WATCH),
        ({"attempted": 1000, "delivered": 1000, "complaints": 3}, Word.STOP),
        ({"attempted": 3, "bounced": 1}, Word.WATCH),
    ],
)
def test_the_word_of_a_rate(counts: dict[str, int], word: Word) -> None:
    assert a_standing(**counts).word == word


def test_nothing_attempted_is_no_rate() -> None:
    assert (a_standing().bounce_rate, a_standing().complaint_rate) == (None, None)


def test_a_fact_is_counted_under_all_that_it_belongs_to() -> None:
    recorded(told(Event.SENT, 1, sender="ann@Mail.example", campaign="spring"))()
    keys = dict(DailyStat.objects.values_list("dimension", "key"))
    assert keys == {
        "all": "",
        "campaign": "spring",
        "sender": "ann@Mail.example",
        "sender_domain": "mail.example",
        "provider": "other",
        "recipient_domain": "example.org",
    }


def test_every_dimension_counts_the_same() -> None:
    for fact in (delivered(3), hard(2), soft(1), complained(1)):
        fact()
    recorded(told(Event.SENT, 1, sender="tool"))()
    sums = {name: [row.attempted for row in standings(name, 30, TODAY)] for name in ("provider", "recipient_domain")}
    assert sums == {"provider": [5], "recipient_domain": [5]}


def test_counts_move_with_what_is_learnt_later() -> None:
    """The tool tells the sender with its second event only: the counts so far move under it."""
    recorded(told(Event.SENT, 1, message_id="one@x"))()
    assert standings("sender", 30, TODAY) == []
    recorded(told(Event.DELIVERED, 1, message_id="one@x", sender="ann@mail.example"))()
    (row,) = standings("sender", 30, TODAY)
    assert (row.attempted, row.delivered) == (1, 1)


def test_a_recipient_domain_has_one_row_a_month() -> None:
    for days in range(1, 20):
        delivered(days)()
    assert DailyStat.objects.filter(dimension="recipient_domain").count() == 2


def test_only_the_last_days_are_looked_at() -> None:
    delivered(8)()
    recorded(told(Event.SENT, 8, sender="ann"))()
    assert (len(standings("sender", 7, TODAY)), len(standings("sender", 30, TODAY))) == (0, 1)


@pytest.mark.parametrize("by", [*DIMENSIONS, "nonsense"])
def test_the_page_of_each_dimension_takes_the_same_few_queries(by: str, django_assert_max_num_queries) -> None:
    today = timezone.now().date()
    for number in range(5):
        DailyStat.objects.create(day=today.replace(day=1), dimension=by, key=f"k{number}", attempted=9)
    client = Client()
    client.force_login(a_user())
    with django_assert_max_num_queries(7):
        assert client.get(reverse("bounces:reputation"), {"by": by, "days": "90"}).status_code == 200


def test_the_page_says_how_a_rate_comes_about() -> None:
    today = timezone.now().date()
    DailyStat.objects.create(day=today, dimension="provider", key="google", attempted=1000, bounced=25)
    client = Client()
    client.force_login(a_user())
    page = client.get(reverse("bounces:reputation"), {"by": "provider", "days": "7"}).content.decode()
    assert "Google" in page
    assert "2.50 %" in page
    assert "Stop" in page
    assert "unknown" in page


def test_one_campaign_is_told_day_by_day() -> None:
    today = timezone.now().date()
    for days_ago, attempted in ((0, 100), (1, 900), (40, 5)):
        day = today - timedelta(days=days_ago)
        DailyStat.objects.create(day=day, dimension="campaign", key="spring", attempted=attempted, delivered=77)
    DailyStat.objects.create(day=today, dimension="campaign", key="autumn", attempted=1)
    assert [row.attempted for row in by_day("campaign", "spring", 30, today)] == [100, 900]
    client = Client()
    client.force_login(a_user())
    page = client.get(reverse("bounces:reputation"), {"by": "campaign", "key": "spring\0"}).content.decode()
    assert "spring, by day" in page
    assert f"{today.day} {today:%B %Y}" in page
    assert "77" in page


def test_a_recipient_domain_is_told_month_by_month() -> None:
    first = TODAY.replace(day=1)
    DailyStat.objects.create(day=first, dimension="recipient_domain", key="example.org", attempted=3)
    assert [row.label for row in by_day("recipient_domain", "example.org", 7, TODAY)] == [f"{first:%B %Y}"]


def test_strangers_are_sent_to_sign_in() -> None:
    assert Client().get(reverse("bounces:reputation")).status_code == 302
