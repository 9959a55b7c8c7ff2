"""The page Reputation: what is paused (one row a cause), the trend, the advice, and then the rates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.advice import DOES, DOES_BY_FAULT, FAULTS, Tally, advise, tally, under
from bounces.classification import load_reasons
from bounces.models import Guard
from bounces.pauses import group, paused_causes
from bounces.trend import trend
from bounces.values import Fault
from tests.builders import NOW, a_bounce, a_daily_stat, a_paused_guard, a_user, an_attempt

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def a_tally(fault: str = "sender", reason: str = "authfailure", number: int = 1, **places: str) -> Tally:
    given = {"sender": "ann@s.example", "campaign": "spring", "provider": "google", **places}
    return Tally(fault=fault, reason=reason, number=number, **given)


def the_page(role: str = "manager", **params: str) -> str:
    client = Client()
    client.force_login(a_user(role))
    return client.get(reverse("bounces:reputation"), params).content.decode()


# --- what is paused ---------------------------------------------------------------------------------


def test_campaign_sender_and_domain_of_the_same_emails_are_one_cause():
    an_attempt(campaign_key="spring", sender="ann@s.example", bounced_at=NOW, bounce_standing="counted")
    keys = {"campaign": "spring", "sender": "ann@s.example", "sender_domain": "s.example"}
    for dimension, key in keys.items():
        a_paused_guard(key, dimension)
    (cause,) = paused_causes()
    assert [guard.dimension for guard in cause.guards] == ["sender_domain", "sender", "campaign"]


def test_senders_of_other_domains_are_causes_of_their_own():
    a_paused_guard("ann@s.example")
    a_paused_guard("bob@t.example")
    assert len(paused_causes()) == 2


def test_a_campaign_joins_the_causes_of_all_its_failing_senders():
    paused = [
        Guard(pk=1, dimension="sender", key="ann@s.example"),
        Guard(pk=2, dimension="sender", key="bob@t.example"),
        Guard(pk=3, dimension="campaign", key="spring"),
        Guard(pk=4, dimension="campaign", key="autumn"),
    ]
    causes = group(paused, {"spring": {"s.example", "t.example"}})
    assert [[guard.pk for guard in cause.guards] for cause in causes] == [[1, 2, 3], [4]]


def test_each_cause_is_one_row_with_its_reason_its_advice_and_one_button():
    a_paused_guard("ann@s.example")
    a_paused_guard("s.example", "sender_domain")
    for _ in range(6):
        a_bounce(sender="ann@s.example", fault="sender", reason="authfailure", occurred_at=timezone.now())
    page = the_page()
    assert len(re.findall(r'data-dialog="resume-', page)) == 1
    assert "5 of the last 219 emails bounced (2.3%, limit 2%)." in page
    assert page.count("100% of bounces are the sender’s fault: check the authentication") == 2  # its row, and the page
    assert "data-dialog" not in the_page("sales").split('id="paused"')[1].split('id="trend-title"')[0]


def test_many_paused_guards_do_not_push_the_rates_down():
    for number in range(30):
        a_paused_guard(f"ann@s{number}.example")
    shown, _, folded = the_page().partition('<details class="paused-more">')
    assert shown.count('class="paused-what"') == 5
    assert folded.count('class="paused-what"') == 25
    assert "Show 25 more" in folded


def test_the_page_begins_with_what_is_paused_then_the_trend_then_the_tabs():
    a_paused_guard()
    a_daily_stat(timezone.now().date(), attempted=100, hard=1)
    page = the_page()
    places = [page.index(part) for part in ('id="paused"', 'id="trend-title"', 'data-chart="rates"', 'class="tabs"')]
    assert places == sorted(places)


# --- the trend --------------------------------------------------------------------------------------


def test_the_rates_of_hard_soft_and_complaints_are_apart():
    a_daily_stat(TODAY, attempted=1000, delivered=500, hard=20, soft=10, complaints=1)
    point = trend("all", "", 7, TODAY)[-1]
    assert (point.hard, point.soft, point.complaints) == (0.02, 0.01, 0.002)


def test_a_point_covers_the_seven_days_that_end_with_it():
    for back, hard in ((0, 1), (6, 2), (7, 50)):
        a_daily_stat(TODAY - timedelta(days=back), attempted=100, hard=hard)
    assert trend("all", "", 30, TODAY)[-1].hard == 3 / 200


def test_without_attempts_the_line_has_a_gap():
    a_daily_stat(TODAY - timedelta(days=20), attempted=100, hard=1)
    points = trend("all", "", 30, TODAY)
    assert len(points) == 30
    assert (points[-1].hard, points[-1].complaints) == (None, None)


def test_the_chart_has_both_lines_and_a_table_beside_it():
    a_daily_stat(timezone.now().date(), attempted=1000, delivered=900, hard=20)
    page = the_page()
    assert '"name": "1%: watch"' in page
    assert '"value": 2.0' in page
    assert '<td class="end num">2.00 %</td>' in page


# --- the advice -------------------------------------------------------------------------------------


def test_the_advice_names_the_share_the_fault_and_what_to_check():
    tallies = [a_tally(number=81), a_tally("recipient", "userunknown", 19)]
    assert advise(tallies) == (
        "81% of bounces are the sender’s fault: check the authentication (SPF, DKIM and DMARC) of s.example."
    )


def test_few_bounces_are_no_reason_for_advice():
    assert advise([a_tally(number=4)]) == ""


def test_every_fault_and_every_reason_of_the_senders_has_advice():
    assert set(FAULTS) == set(DOES_BY_FAULT) == set(Fault)
    theirs = {name for name, reason in load_reasons().items() if reason.fault == Fault.SENDER}
    assert theirs - set(DOES) == set()
    for reason in theirs:
        assert "{" not in advise([a_tally(reason=reason, number=9)])


def test_the_advice_of_one_key_goes_by_its_own_bounces():
    tallies = [a_tally(), a_tally(sender="bob@t.example", campaign="autumn")]
    assert len(under(tallies, [("sender_domain", "t.example")])) == 1
    assert len(under(tallies, [("campaign", "spring")])) == 1
    assert len(under(tallies, [("recipient_domain", "example.org")])) == 2


def test_held_bounces_and_deferrals_are_not_tallied():
    a_bounce(standing="held")
    a_bounce(kind="deferred")
    a_bounce()
    assert sum(each.number for each in tally(NOW - timedelta(days=30))) == 1
