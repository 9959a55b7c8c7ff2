"""What is done goes after a while, what somebody may look at stays, and the inbox's numbers add up all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bounces import lease, process, retention
from bounces.intake.events import keep_events
from bounces.lists import count_inbox
from bounces.models import Bounce, EarlyOutcome, EventKey, InboundItem, Outbox, PrunedCount, RawChunk, Schedule
from bounces.tasks import TASKS
from tests.bounces.arriving import a_bounce_mail, a_complaint_mail, an_out_of_office
from tests.builders import NOW, an_address, an_inbound_item, days_ago

pytestmark = pytest.mark.django_db

AN_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def days(settings) -> None:
    settings.RAW_DAYS, settings.INBOX_DAYS = 90, 400


def prune() -> tuple[int, int]:
    pruned = retention.prune(lambda: NOW, AN_HOUR)
    assert pruned is not None
    return pruned.raw, pruned.rows


def an_item(days: float, state: str = "ignored", **fields: Any) -> InboundItem:
    at = days_ago(days)
    return an_inbound_item(state=state, received_at=at, finished_at=at, **{"why": "An ordinary message.", **fields})


def raw_of(item: InboundItem) -> bool:
    return RawChunk.objects.filter(item_id=item.pk).exists()


def test_bytes_go_before_rows():
    young, older, oldest = an_item(89), an_item(91), an_item(401)
    assert prune() == (2, 1)
    assert [raw_of(each) for each in (young, older)] == [True, False]
    assert set(InboundItem.objects.values_list("pk", flat=True)) == {young.pk, older.pk}
    assert not raw_of(oldest)


def test_outcomes_of_messages_that_nobody_told_of_go_with_the_inbox() -> None:
    for name, days in (("m:old@b.example", 401), ("m:young@b.example", 399)):
        outcome = EarlyOutcome.objects.create(address=an_address(), name=name, event="delivered", occurred_at=NOW)
        EarlyOutcome.objects.filter(pk=outcome.pk).update(recorded_at=days_ago(days))

    prune()

    assert EarlyOutcome.objects.get().name == "m:young@b.example"


def test_announcements_that_all_were_told_go_with_the_inbox_and_others_stay() -> None:
    for name, done_at in (("old", days_ago(401)), ("young", days_ago(399)), ("waits", None)):
        Outbox.objects.create(topic=name, payload={}, created_at=days_ago(500), due_at=days_ago(500), done_at=done_at)

    prune()

    assert set(Outbox.objects.values_list("topic", flat=True)) == {"young", "waits"}


@pytest.mark.parametrize("state", ["pending", "unverified", "quarantined"])
def test_what_waits_for_somebody_stays(state):
    item = an_item(1000, state)
    assert prune() == (0, 0)
    assert raw_of(item)


def test_what_is_behind_a_bounce_or_a_complaint_stays_as_long_as_that_does():
    for mail in (a_bounce_mail(), a_complaint_mail(), an_out_of_office()):
        an_inbound_item(mail, received_at=days_ago(500))
    assert process.run_flow(lambda: days_ago(499))

    assert prune() == (1, 1)
    assert (InboundItem.objects.count(), RawChunk.objects.count()) == (2, 2)
    Bounce.objects.all().delete()
    assert prune() == (1, 1)


def test_the_numbers_are_all_that_ever_arrived():
    archive = an_item(500, "done", form="zip", why="2 messages.")
    for state in ("done", "ignored"):
        an_item(500, state, parent_id=archive.pk)
    an_item(5, "done")
    before = count_inbox()

    assert prune() == (3, 2)
    assert prune() == (0, 1)  # the archive, once its messages are gone

    assert count_inbox() == before
    assert dict(PrunedCount.objects.values_list("state", "items")) == {"done": 1, "ignored": 1}


def test_an_event_that_comes_again_after_its_row_went_changes_nothing():
    event = {"event_id": "e1", "event": "delivered", "recipient": "ada@example.org", "message_id": "m"}
    event["occurred_at"] = days_ago(500).isoformat()
    keep_events([event], "api:1", None, days_ago(500))
    assert process.run_flow(lambda: days_ago(499))
    assert prune() == (1, 1)

    keep_events([event], "api:1", None, NOW)
    assert process.run_flow(lambda: NOW)

    assert InboundItem.objects.get().why.startswith("Recorded before")
    assert EventKey.objects.count() == 1


def test_nought_keeps_for_ever(settings):
    settings.RAW_DAYS = settings.INBOX_DAYS = 0
    an_item(5000)
    assert prune() == (0, 0)


def test_batches_reach_everything(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    for _ in range(10):
        an_item(500)
    assert prune() == (10, 10)


def test_one_prunes_at_a_time():
    held = lease.acquire(retention.LEASE, AN_HOUR)
    assert held is not None
    assert retention.prune(timezone.now, AN_HOUR) is None


def test_it_is_begun_by_the_clock():
    assert Schedule.objects.get(task="prune_inbox").is_enabled
    assert TASKS["prune_inbox"].work(timezone.now).startswith("Deleted the raw bytes of 0 inbox items")
