"""The state by which disturbed and undisturbed runs are compared: what it sees, and what it does not mind."""

from __future__ import annotations

import pytest
from django.db import connection

from bounces.models import Address
from tests.builders import a_bounce, a_status_change, an_address
from tests.chaos.state import differences, state_of

pytestmark = pytest.mark.django_db


def state() -> dict[str, str]:
    with connection.cursor() as cursor:
        return state_of(cursor)


def test_each_part_that_differs_is_named() -> None:
    address = an_address("ada@example.org")
    before = state()

    Address.objects.filter(pk=address.pk).update(status="invalid")
    a_bounce(address)

    assert differences(before, state()) == ["addresses", "bounces"]


def test_a_change_told_twice_is_another_state() -> None:
    a_status_change("ada@example.org")
    before = state()

    a_status_change("ada@example.org")

    assert differences(before, state()) == ["status changes"]


def test_the_order_in_which_things_came_is_none_of_it() -> None:
    first, second = a_bounce("ada@example.org"), a_bounce("ben@example.org")
    before = state()
    for bounce in (first, second):
        bounce.delete()

    a_bounce("ben@example.org")
    a_bounce("ada@example.org")

    assert differences(before, state()) == []
