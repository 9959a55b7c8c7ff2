"""What incidents are noticed by is kept as the news come, and is what counting it anew would find."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from bounces import lease, noticing
from bounces.models import Bounce, Dirty, GoodFailure, GoodMail, Incident
from bounces.process import run_flow
from bounces.recording import Told, record
from bounces.standings import restand
from bounces.values import Standing
from tests.bounces.happening import delivery, good, happened, people, refusal
from tests.builders import NOW, an_address, an_attempt

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def kept() -> set[tuple[int, int, str, datetime]]:
    """Of bounces that count still."""
    counted = Bounce.objects.filter(standing=Standing.COUNTED).values("pk")
    rows = GoodFailure.objects.filter(bounce_id__in=counted)
    return set(rows.values_list("bounce_id", "address_id", "provider", "hour"))


def counted_anew() -> set[tuple[int, int, str, datetime]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM bounces_goodfailure")
        everybody = "SELECT id AS address_id FROM bounces_address"
        cursor.execute(noticing.KEEP.format(news=everybody), {"kept_since": NOW - noticing.KEPT})
        found = kept()
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_is_what_counting_anew_finds_whatever_the_order(seed: int) -> None:
    chance = random.Random(seed)
    emails = people(12)
    facts: list[Told] = [delivery(email, NOW - timedelta(days=chance.choice((20, 100)))) for email in emails[:9]]
    facts += [refusal(email, NOW - chance.randrange(100) * HOUR) for email in emails for _ in range(2)]
    facts += [delivery(email, NOW - chance.randrange(60) * HOUR) for email in emails[4:8]]
    chance.shuffle(facts)
    for start in range(0, len(facts), 7):
        happened(facts[start : start + 7])

    assert kept()
    assert kept() == counted_anew()


def test_a_bounce_that_counts_no_more_is_left_out_of_what_is_noticed() -> None:
    emails = good(people(20))
    happened([refusal(email, NOW - HOUR) for email in emails[:7]])
    restand(Bounce.objects.all(), Standing.DISCARDED)
    happened([refusal(email, NOW - HOUR) for email in emails[7:14]])

    assert (GoodFailure.objects.count() >= 7, Incident.objects.exists()) == (True, False)


@pytest.mark.parametrize("standing", [*Standing, None])
def test_a_mail_that_came_back_makes_no_address_good_whoever_holds_its_bounce(standing: Standing | None) -> None:
    """Servers that accept first and refuse later: the mail was delivered, and came back. None: it did not."""
    emails = people(20)
    earlier = NOW - timedelta(days=5)
    for email in emails:
        an_attempt(
            an_address(email, last_delivered_at=earlier),
            sent_at=earlier,
            delivered_at=earlier,
            provider="google",
            **({"bounced_at": earlier + HOUR, "bounce_standing": standing} if standing else {}),
        )
    happened([refusal(email, NOW - HOUR) for email in emails])

    assert GoodFailure.objects.exists() == (standing is None)
    assert Incident.objects.exists() == (standing is None)


def test_mails_beside_the_failures_are_counted_once() -> None:
    emails = good(people(400))
    happened([delivery(email, NOW - HOUR) for email in emails[20:]])
    happened([refusal(email, NOW - HOUR) for email in emails[:9]])
    known = set(GoodMail.objects.values_list("hours", "addresses"))
    assert known
    happened([refusal(email, NOW - HOUR) for email in emails[9:10]])

    assert set(GoodMail.objects.values_list("hours", "addresses")) == known
    assert not Incident.objects.exists()


def test_what_is_known_of_a_window_hides_no_incident_that_grows_in_it() -> None:
    emails = good(people(400))
    happened([delivery(email, NOW - HOUR) for email in emails[60:]])
    for start in range(0, 60, 5):
        happened([refusal(email, NOW - HOUR) for email in emails[start : start + 5]])

    assert Incident.objects.get().good_bounced >= 20


def test_what_is_kept_goes_with_the_days_that_are_looked_at() -> None:
    emails = good(people(12))
    happened([refusal(email, NOW - HOUR) for email in emails[:9]])
    assert noticing.forget(NOW) == 0
    assert GoodFailure.objects.exists()

    noticing.forget(NOW + noticing.KEPT + timedelta(days=2))

    assert not GoodFailure.objects.exists()
    assert not GoodMail.objects.exists()


def test_a_pass_that_is_repeated_keeps_the_same() -> None:
    with transaction.atomic():
        record([delivery(email, NOW - timedelta(days=20)) for email in people(9)])
        record([refusal(email, NOW - HOUR) for email in people(9)])
    held = lease.acquire("flow", timedelta(minutes=1))
    assert held is not None
    assert Dirty.objects.exists()
    found = [list(noticing.suspects(NOW, lambda *_: False)) and None for _ in range(2)]
    once = kept()
    noticing_again = list(noticing.suspects(NOW, lambda *_: False))
    lease.release(held)

    assert (len(found), kept(), len(noticing_again) >= 0) == (2, once, True)
    assert run_flow(lambda: NOW)
