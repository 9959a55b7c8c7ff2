"""How many mails went unanswered: always what counting the attempts would give, in whatever order they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounces.models import Address, Attempt, Silence
from bounces.recording import Told, record
from bounces.values import Event
from tests.bounces.histories import ago, clicked, delivered, forged, lived, replied, told

pytestmark = pytest.mark.django_db


def silence() -> tuple[int, datetime] | None:
    found = Silence.objects.first()
    return (found.delivered, found.since) if found else None


def counted() -> tuple[int, datetime] | None:
    """What the row must say."""
    address = Address.objects.get()
    answers = [at for at in (address.last_reply_at, address.last_click_at) if at]
    dates = [a.delivered_at for a in Attempt.objects.all() if a.delivered_at]
    unanswered = [at for at in dates if not answers or at > max(answers)]
    return (len(unanswered), min(unanswered)) if unanswered else None


def write(reports: Sequence[Told]) -> None:
    with transaction.atomic():
        record(reports)


def test_each_delivered_mail_counts_from_the_first_on() -> None:
    lived([delivered(3), delivered(9), delivered(5)])

    assert silence() == (3, ago(9))


def test_a_mail_counts_once_however_often_and_by_whom_it_is_told() -> None:
    one = told(Event.DELIVERED, 5, message_id="a@rebound.example")
    again = told(Event.DELIVERED, 4, message_id="a@rebound.example")

    write([one, one])
    write([again])
    write([one])

    assert silence() == (1, ago(5))


@pytest.mark.parametrize("answer", [replied, clicked])
def test_an_answer_ends_the_silence_and_later_mails_begin_it_anew(answer: Any) -> None:
    lived([delivered(9), delivered(8), answer(7)])
    assert silence() is None

    lived([delivered(6)])
    assert silence() == (1, ago(6))


def test_the_order_in_which_it_is_told_does_not_matter() -> None:
    facts = [delivered(9), replied(7), delivered(6), clicked(8)]
    found = set()
    for order in permutations(facts):
        with transaction.atomic():
            lived(order)
            found.add(silence())
            transaction.set_rollback(True)

    assert found == {(1, ago(6))}


def test_what_nobody_trusted_said_counts_nothing() -> None:
    lived([forged(lambda: told(Event.DELIVERED, 3))])

    assert silence() is None


def test_a_mail_that_two_names_told_twice_counts_once() -> None:
    write([told(Event.DELIVERED, 5, message_id="", envelope_id="p")])
    write([told(Event.DELIVERED, 4, message_id="m@rebound.example", envelope_id="")])
    assert silence() == (2, ago(5))

    write([told(Event.OPENED, 3, message_id="m@rebound.example", envelope_id="p")])

    assert silence() == (1, ago(5))


events = st.lists(
    st.tuples(
        st.sampled_from([Event.DELIVERED, Event.REPLIED, Event.CLICKED, Event.OPENED, Event.SENT]),
        st.integers(0, 20),
        st.sampled_from(["", "a", "b", "c"]),
        st.sampled_from(["", "a", "b", "c"]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events, st.integers(1, 5))
def test_after_any_history_in_any_batches_the_row_is_the_count(
    history: list[tuple[Event, int, str, str]], size: int
) -> None:
    reports = [told(event, day, message_id=m, envelope_id=p) for event, day, m, p in history]
    with transaction.atomic():
        for start in range(0, len(reports), size):
            write(reports[start : start + size])
        if reports:
            assert silence() == counted()
        transaction.set_rollback(True)
