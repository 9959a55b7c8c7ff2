"""Readers that die, are replaced or come again: nothing is lost, nothing is recorded twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from bounces import inbox, lease, process, telling
from bounces.models import Bounce, Dirty, InboundItem
from tests.bounces.arriving import a_bounce_mail, a_complaint_mail, an_out_of_office
from tests.bounces.flowing import ingested, run, totals, upload
from tests.builders import NOW

pytestmark = pytest.mark.django_db


def test_an_item_that_stops_its_reader_three_times_is_set_aside() -> None:
    poison = upload(a_bounce_mail())
    InboundItem.objects.filter(pk=poison.pk).update(tries=inbox.TRIES)
    good = upload(an_out_of_office())

    run()

    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("quarantined", "ignored")
    assert "stopped its reader 5 times" in poison.why


def test_a_good_item_outlives_four_readers_that_were_killed_in_a_row() -> None:
    """As where workers are killed as often as a dead one's lease runs out: the first in line is hit each time."""
    item = upload(a_bounce_mail())
    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None
    for _ in range(4):
        inbox.take(held)
    lease.release(held)

    run()

    item.refresh_from_db()
    assert item.state == "done"


@pytest.mark.django_db(transaction=True)
def test_a_flow_that_is_put_out_from_without_counts_no_try() -> None:
    """By a deadlock each time, as often as would set the item aside."""
    item = upload(a_bounce_mail())
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION in_a_circle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$;
            CREATE TRIGGER in_a_circle BEFORE INSERT ON bounces_bounce EXECUTE FUNCTION in_a_circle();
        """)
    try:
        for _ in range(inbox.TRIES + 1):
            with pytest.raises(OperationalError):
                run()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION in_a_circle CASCADE")
    run()

    item.refresh_from_db()
    assert item.state == "done"


def test_items_that_stopped_their_reader_are_taken_with_few_others_then_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "FEWER", 3)
    for number in range(8):
        upload(a_bounce_mail(message_id=f"{number}@rebound.example"))

    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None
    assert [len(inbox.take(held)) for _ in range(3)] == [8, 3, 1]


def test_one_that_cannot_be_recorded_spoils_no_other_of_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [upload(a_bounce_mail(f"{number}@b.example", message_id=f"{number}@a.example")) for number in range(9)]
    of_the_house = telling.told_of

    def fails_for_one(item: InboundItem, *rest: Any) -> Any:
        if item.pk == items[4].pk:
            raise ArithmeticError
        return of_the_house(item, *rest)

    monkeypatch.setattr(process, "told_of", fails_for_one)
    run()

    states = list(InboundItem.objects.order_by("pk").values_list("state", flat=True))
    assert (states, Bounce.objects.count()) == ([*["done"] * 4, "quarantined", *["done"] * 4], 8)


def test_who_was_replaced_meanwhile_sets_nothing_aside_and_takes_nothing() -> None:
    item = upload(a_bounce_mail())
    stale = lease.acquire(process.LEASE, timedelta(seconds=-1))
    lease.acquire(process.LEASE, timedelta(seconds=-1))
    assert stale is not None

    with pytest.raises(lease.LeaseLost):
        inbox.take(stale)
    with pytest.raises(lease.LeaseLost):
        inbox.end({item.pk: inbox.quarantined("Late.")}, stale, NOW)

    item.refresh_from_db()
    assert (item.state, item.tries) == ("pending", 0)


def test_what_has_ended_is_not_ended_again() -> None:
    item = ingested(a_bounce_mail())
    held = lease.acquire(process.LEASE, timedelta(minutes=1))
    assert held is not None

    inbox.end({item.pk: inbox.quarantined("Late.")}, held, NOW)

    item.refresh_from_db()
    assert item.state == "done"


def test_what_everything_became_adds_up() -> None:
    for body in (a_bounce_mail(), an_out_of_office(), a_complaint_mail(), b""):
        upload(body)

    run()

    counts = inbox.counts()
    assert sum(counts.values()) == InboundItem.objects.count() == 4
    assert counts["pending"] == 0


def test_a_retried_item_records_nothing_twice() -> None:
    item = ingested(a_bounce_mail())
    InboundItem.objects.filter(pk=item.pk).update(state="quarantined", why="Our own fault.", facts=0)
    before = totals()

    assert inbox.retry(item, "Boss")
    run()

    assert totals() == before


def test_an_item_that_gave_its_facts_is_not_read_again() -> None:
    item = ingested(a_bounce_mail())

    assert not inbox.retry(item, "Boss")
    item.refresh_from_db()
    assert (item.state, item.facts) == ("done", 1)


def test_while_another_process_holds_the_flow_nothing_is_done() -> None:
    upload(a_bounce_mail())
    held = lease.acquire(process.LEASE, timedelta(seconds=20))

    assert held is not None
    assert process.run_flow(lambda: NOW) is False
    assert inbox.is_waiting()


def test_a_holder_that_was_presumed_dead_writes_nothing() -> None:
    upload(a_bounce_mail())
    stale = lease.acquire(process.LEASE, timedelta(seconds=20))
    assert stale is not None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bounces_lease SET expires_at = now() - interval '1 hour'")
    assert lease.acquire(process.LEASE, timedelta(seconds=20)) is not None

    with pytest.raises(lease.LeaseLost):
        process.drain_batch(stale, NOW)

    assert not Bounce.objects.exists()


def test_nothing_stays_dirty() -> None:
    ingested(a_bounce_mail())

    assert not Dirty.objects.exists()
    assert not process.has_work(NOW)
