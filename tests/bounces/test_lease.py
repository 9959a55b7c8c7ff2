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


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
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
