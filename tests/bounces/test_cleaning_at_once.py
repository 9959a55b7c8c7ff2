"""A run in earnest beside others: it judges and writes in one statement, waits for no row, and overrules nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from bounces import cleaning, lease, policy
from bounces.models import Address, CleaningRun, Dirty, StatusChange
from contacts.erasure import erase_email
from tests.builders import NOW, a_bounce, a_contact, a_user

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER_JUDGEMENT = "SELECT pg_advisory_xact_lock_shared(%s)"
A_STEP = "SELECT pg_advisory_xact_lock(%s)"
HOLD = "SELECT 1 FROM bounces_address WHERE email = %s FOR NO KEY UPDATE"


@pytest.fixture
def somebody() -> Iterator[psycopg.Connection]:
    """Another process in a transaction."""
    params = {k: v for k, v in connection.get_connection_params().items() if k in ("host", "user", "dbname", "port")}
    with psycopg.connect(**params) as other:
        yield other


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    def carried() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=carried)
    thread.start()
    return thread


def waits_for_advisory_lock() -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
            if cursor.fetchone()[0]:
                return True
        time.sleep(0.02)
    return False


def carried_out() -> CleaningRun:
    run = cleaning.start_run(via="page", now=NOW)
    assert cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    return run


def test_a_run_waits_for_no_address_that_somebody_holds_and_leaves_it_to_the_news(
    somebody: psycopg.Connection,
) -> None:
    a_bounce("free@example.org")
    held_address = a_bounce("held@example.org").address
    Dirty.objects.all().delete()
    somebody.execute(HOLD, ["held@example.org"])

    run = carried_out()

    assert (run.state, run.evaluated, run.changes, run.applied, run.left_out) == ("done", 2, 2, 1, 1)
    assert run.before == {"unverified": 2}
    assert list(Dirty.objects.values_list("address_id", flat=True)) == [held_address.pk]
    assert Address.objects.get(email="held@example.org").status == "unverified"

    somebody.rollback()
    held = lease.acquire("flow", timedelta(seconds=30))
    assert held is not None
    policy.evaluate_news(NOW, held)
    lease.release(held)
    assert Address.objects.get(email="held@example.org").status == "invalid"
    assert StatusChange.objects.count() == 2


def test_a_step_waits_for_a_judgement_under_way_and_judges_by_what_it_has_left(somebody: psycopg.Connection) -> None:
    """Else the step would write what older facts say over a judgement that knew newer ones."""
    a_bounce("ada@example.org")
    somebody.execute(ANOTHER_JUDGEMENT, [policy.JUDGING])
    somebody.execute("UPDATE bounces_address SET restored_at = %s", [NOW])
    run = in_a_thread(carried_out)

    assert waits_for_advisory_lock()
    somebody.commit()
    run.join(timeout=20)

    assert not run.is_alive()
    assert Address.objects.get().status == "unverified"
    assert not StatusChange.objects.exists()


def test_a_judgement_waits_for_a_step_before_it_reads_the_facts(somebody: psycopg.Connection) -> None:
    address = a_bounce("ada@example.org").address
    somebody.execute(A_STEP, [policy.JUDGING])
    somebody.execute("UPDATE bounces_address SET restored_at = %s", [NOW])
    judging = in_a_thread(lambda: policy.judge_now([address.pk], NOW))

    assert waits_for_advisory_lock()
    somebody.commit()
    judging.join(timeout=20)

    assert not judging.is_alive()
    assert Address.objects.get().status == "unverified"


def test_an_erasure_waits_for_a_step_before_it_locks_an_address(somebody: psycopg.Connection) -> None:
    """What a step writes of an address waits for the eraser's lock when it commits: a circle, were it the other way."""
    a_contact("ada@example.org")
    admin = a_user("admin")
    somebody.execute(A_STEP, [policy.JUDGING])
    erasing = in_a_thread(lambda: erase_email("ada@example.org", admin, "They asked.", NOW))

    assert waits_for_advisory_lock()
    somebody.execute(HOLD + " NOWAIT", ["ada@example.org"])
    somebody.commit()
    erasing.join(timeout=20)

    assert not erasing.is_alive()
    assert not Address.objects.filter(email="ada@example.org").exists()
