"""What a test that commits leaves is gone before the next one, and what it took from the first rows is back."""

from __future__ import annotations

import pytest
from django.db import connection

from bounces.models import Policy, Schedule
from tests.builders import a_bounce, a_contact, a_user
from tests.first_state import FirstState

pytestmark = pytest.mark.django_db(transaction=True)


def content(state: FirstState) -> dict[str, list[bytes]]:
    return {table: sorted(rows.splitlines()) for table, rows in state.rows.items()}


def test_what_a_test_committed_is_taken_back() -> None:
    first = FirstState.keep()
    a_bounce("bob@x.example")
    a_contact("ada@x.example", owner=a_user("sales"), tags=("vip",))
    Policy.objects.update(is_active=False)
    Schedule.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE made_by_a_test AS SELECT 1 AS number")
    assert content(FirstState.keep()) != content(first)

    first.give_back()

    assert content(FirstState.keep()) == content(first)


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_finds_the_rows_that_migrations_wrote(time: str) -> None:
    assert Policy.objects.filter(version=1, is_active=True).exists(), time
    assert Schedule.objects.filter(task="read_mailboxes").exists(), time

    Schedule.objects.all().delete()
    Policy.objects.update(version=7)
