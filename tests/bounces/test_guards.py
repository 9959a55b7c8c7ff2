"""Guards: what pauses a campaign, a sender or a sending domain, and who lets it go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from bounces import guards
from bounces.models import Guard
from bounces.process import run_flow
from bounces.recording import record
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.histories import told
from tests.builders import NOW, a_campaign, a_user

pytestmark = pytest.mark.django_db
FULL = Judgement(Kind.SOFT, Fault.RECIPIENT, "mailboxfull", False, "test")
SENDER = "ann@mail.example"


def sent(count: int, failed: int, *, days: float = 1.0, campaign: str = "spring", sender: str = SENDER) -> None:
    """Mails to `count` strangers, of which the first `failed` came back."""
    reports = []
    for number in range(count):
        fields = {"recipient": f"s{number}@d{number}.example", "campaign": campaign, "sender": sender}
        when = days - number / 100_000
        is_failed = number < failed
        reports.append(told(Event.BOUNCED if is_failed else Event.SENT, when, FULL if is_failed else None, **fields))
    with transaction.atomic():
        record(reports)
    run_flow(lambda: NOW)


def paused() -> set[tuple[str, str]]:
    return set(Guard.objects.filter(state="paused").values_list("dimension", "key"))


@pytest.mark.parametrize(
    ("first", "lately", "is_fresh", "rule"),
    [
        ((2, 50), (2, 250), True, None),
        ((3, 50), (3, 50), True, "first"),
        ((3, 3), (3, 3), True, "first"),
        ((3, 50), (3, 250), False, None),
        ((0, 50), (4, 100), False, None),
        ((0, 50), (5, 250), False, "lately"),
        ((0, 50), (5, 251), False, None),
        ((9, 50), (9, 50), False, "lately"),
    ],
)
def test_what_pauses(first: tuple[int, int], lately: tuple[int, int], is_fresh: bool, rule: str | None) -> None:
    found = guards.judge(first, lately, is_fresh=is_fresh)
    assert (found[0] if found else None) == rule


def test_three_of_the_first_fifty_pause_campaign_sender_and_domain() -> None:
    sent(50, 3)
    assert paused() == {("campaign", "spring"), ("sender", SENDER), ("sender_domain", "mail.example")}
    assert Guard.objects.get(dimension="campaign").sentence == "3 of the first 50 emails bounced (limit 3 of 50)."


def test_two_of_the_first_fifty_do_not() -> None:
    sent(50, 2)
    assert not Guard.objects.exists()


def test_an_old_sender_is_judged_by_its_last_mails_only() -> None:
    sent(50, 0, days=30)
    sent(40, 3, campaign="autumn")
    assert paused() == {("campaign", "autumn")}


def test_a_slow_campaign_is_judged_by_its_first_fifty_however_long_they_take() -> None:
    for week in (4, 3):
        sent(10, 1, days=week * 7, sender=f"s{week}@mail.example")
    assert not Guard.objects.exists()
    sent(10, 1, sender="s0@mail.example")
    assert paused() == {("campaign", "spring"), ("sender_domain", "mail.example")}
    assert Guard.objects.get(dimension="campaign").sentence == "3 of the first 30 emails bounced (limit 3 of 50)."


def test_what_failed_among_the_first_long_ago_pauses_nothing_any_more() -> None:
    sent(60, 3, days=30)
    sent(40, 1, days=1)
    assert not Guard.objects.exists()


def test_a_domain_is_judged_by_all_its_senders_together() -> None:
    for number in range(3):
        sent(10, 1, sender=f"s{number}@mail.example", campaign=f"c{number}")
    assert paused() == {("sender_domain", "mail.example")}


def test_failures_of_more_than_a_week_ago_pause_nothing() -> None:
    sent(50, 20, days=8)
    assert not Guard.objects.exists()


def test_the_running_campaign_of_that_key_is_paused() -> None:
    campaign, other = a_campaign("Spring", key="spring", state="running"), a_campaign("Summer", state="running")
    sent(50, 3)
    campaign.refresh_from_db()
    other.refresh_from_db()
    assert (campaign.state, other.state) == ("paused", "running")


def test_a_campaign_runs_again_only_once_its_guard_was_resumed() -> None:
    boss = a_user("manager")
    campaign = a_campaign("Spring", key="spring", state="running", owner=boss)
    sent(50, 3)
    client = Client()
    client.force_login(boss)
    start = reverse("contacts:campaign_state", args=[campaign.pk])
    page = client.post(start, {"state": "running"}, follow=True).content.decode()
    campaign.refresh_from_db()
    assert ("A manager resumes sending first" in page, campaign.state) == (True, "paused")
    for guard in Guard.objects.all():
        guards.resume(guard, boss, "The list is clean now.", NOW)
    campaign.refresh_from_db()
    assert campaign.state == "paused"
    client.post(start, {"state": "running"})
    campaign.refresh_from_db()
    assert campaign.state == "running"


def test_nor_does_the_admin_let_it_run_before() -> None:
    campaign = a_campaign("Spring", key="spring", state="running")
    sent(50, 3)
    client = Client()
    client.force_login(a_user("admin"))
    fields = {"name": "Spring", "state": "running", "writes_to": campaign.writes_to, "quiet_days": "0", "owner": ""}
    page = client.post(reverse("admin:contacts_campaign_change", args=[campaign.pk]), fields).content.decode()
    campaign.refresh_from_db()
    assert ("A manager resumes sending first" in page, campaign.state) == (True, "paused")


def test_resumed_it_is_armed_again_and_counts_anew() -> None:
    sent(50, 3)
    guard = Guard.objects.get(dimension="campaign")
    assert guards.resume(guard, a_user("manager"), "The list is clean now.", NOW - timedelta(hours=12))
    sent(40, 2, days=0.4)
    assert ("campaign", "spring") not in paused()
    sent(40, 2, days=0.2)
    assert ("campaign", "spring") in paused()


def test_a_resume_needs_a_reason() -> None:
    sent(50, 3)
    with pytest.raises(guards.NoReason):
        guards.resume(Guard.objects.all()[0], a_user("manager"), " ", NOW)


def test_looking_twice_announces_once() -> None:
    sent(50, 3)
    before = list(Guard.objects.order_by("pk").values())
    run_flow(lambda: NOW)
    assert list(Guard.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("role", "code", "state"), [("sales", 403, "paused"), ("manager", 302, "armed")])
def test_managers_resume_and_sales_do_not(role: str, code: int, state: str) -> None:
    sent(50, 3)
    guard = Guard.objects.get(dimension="campaign")
    client = Client()
    client.force_login(a_user(role))
    fields = {"pk": [guard.pk], "reason": "The list is clean now."}
    assert client.post(reverse("bounces:guards_resume"), fields).status_code == code
    guard.refresh_from_db()
    assert guard.state == state


def test_the_pages_say_why_it_is_paused() -> None:
    campaign = a_campaign("Spring", key="spring", state="running")
    sent(50, 3)
    client = Client()
    client.force_login(a_user("manager"))
    for url in (campaign.get_absolute_url(), reverse("bounces:reputation")):
        assert "3 of the first 50 emails bounced (limit 3 of 50)." in client.get(url).content.decode()
