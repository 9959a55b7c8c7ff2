"""Leases: one holder at a time, and a stale one finds out."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread
from time import sleep

import pytest
from django.db import connection, transaction

from bounces import lease

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
GONE = timedelta(seconds=-1)


def test_a_lease_is_held_by_one() -> None:
    assert lease.acquire("x", MINUTE) is not None
    assert lease.acquire("x", MINUTE) is None
    assert lease.is_free("y")


def test_a_released_lease_is_free_at_once() -> None:
    held = lease.acquire("x", MINUTE)
    assert held is not None

    lease.release(held)

    assert lease.is_free("x")
    assert lease.acquire("x", MINUTE) is not None


def test_a_lease_that_ran_out_goes_to_the_next_with_a_greater_fence() -> None:
    first = lease.acquire("x", GONE)
    second = lease.acquire("x", MINUTE)

    assert first is not None
    assert second is not None
    assert second.fence > first.fence


def test_a_stale_holder_finds_out() -> None:
    stale = lease.acquire("x", GONE)
    lease.acquire("x", MINUTE)
    assert stale is not None

    with pytest.raises(lease.LeaseLost):
        lease.guard(stale)
    with pytest.raises(lease.LeaseLost):
        lease.renew(stale)


def test_a_stale_holder_releases_nothing_of_the_next() -> None:
    stale = lease.acquire("x", GONE)
    lease.acquire("x", MINUTE)
    assert stale is not None

    lease.release(stale)

    assert not lease.is_free("x")


def test_renewing_puts_off_the_end() -> None:
    held = lease.acquire("x", GONE)
    assert held is not None

    lease.renew(lease.Lease(held.name, held.fence, MINUTE))

    assert not lease.is_free("x")


def test_a_step_may_not_stand_still_for_longer_than_its_lease_lasts() -> None:
    held = lease.acquire("x", MINUTE)
    assert held is not None

    with transaction.atomic(), connection.cursor() as cursor:
        lease.guard(held)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


@pytest.mark.django_db(transaction=True)
def test_who_stands_still_amid_a_step_writes_nothing_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEAST_STANDSTILL", timedelta(seconds=0.3))
    amid, said = Event(), []

    def a_step_that_stops() -> None:
        held = lease.acquire("x", timedelta(seconds=0.1))
        assert held is not None
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                lease.guard(held)
                amid.set()
                sleep(1)
                cursor.execute("SELECT 1")
                said.append("wrote")
        except lease.PUT_OUT:
            said.append("was put out")
        finally:
            connection.close()

    step = Thread(target=a_step_that_stops)
    step.start()
    amid.wait(5)
    sleep(0.15)
    said.append("took over" if lease.acquire("x", MINUTE) else "found it taken")
    step.join()

    assert said == ["took over", "was put out"]


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_step_sees_what_it_wrote() -> None:
    amid, said = Event(), []

    def a_step() -> None:
        held = lease.acquire("x", MINUTE)
        assert held is not None
        with transaction.atomic():
            lease.guard(held)
            amid.set()
            sleep(0.2)
            said.append("written")
        connection.close()

    step = Thread(target=a_step)
    step.start()
    amid.wait(5)
    with transaction.atomic():
        lease.wait_for_step("x")
        said.append("waited")
    step.join()

    assert said == ["written", "waited"]
