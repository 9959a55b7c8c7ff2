"""Cleaning runs: previewed, applied, resumed, left alone where news have come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from bounces import cleaning, lease
from bounces.cleaning import working
from bounces.models import Address, CleaningRun, Policy, StatusChange
from tests.builders import NOW, a_bounce, a_user, an_address

pytestmark = pytest.mark.django_db


def dead_addresses(count: int) -> None:
    """Addresses with a hard bounce that nobody has judged yet: as after a change of the policy."""
    for number in range(count):
        a_bounce(f"dead{number}@example.org")


def finished(**options: object) -> CleaningRun:
    run = cleaning.start_run(via="command", now=NOW, **options)  # type: ignore[arg-type]  # a test's options
    assert cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    return run


def test_a_run_marks_what_the_policy_says() -> None:
    dead_addresses(3)
    an_address("alive@example.org", last_delivered_at=NOW)

    run = finished()

    assert (run.state, run.total, run.changes, run.applied) == ("done", 4, 4, 4)
    assert Address.objects.filter(status="invalid").count() == 3
    assert StatusChange.objects.filter(run=run).count() == 4


def test_a_dry_run_changes_nothing_and_shows_what_would() -> None:
    dead_addresses(3)

    run = finished(dry_run=True)

    assert (run.state, run.changes, run.applied) == ("ready", 3, 0)
    assert not Address.objects.filter(status="invalid").exists()
    assert not StatusChange.objects.exists()
    assert run.rows.count() == 3


def test_a_preview_can_be_applied() -> None:
    dead_addresses(3)
    run = finished(dry_run=True)

    cleaning.apply_run(run, a_user("manager"))
    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.state, run.applied) == ("done", 3)


def test_a_run_that_is_not_previewed_cannot_be_applied() -> None:
    run = finished()

    with pytest.raises(cleaning.NotReady):
        cleaning.apply_run(run, a_user("manager"))


def test_a_second_run_changes_nothing() -> None:
    dead_addresses(3)
    finished()

    again = finished()

    assert (again.state, again.changes) == ("done", 0)


def test_only_the_chosen_addresses_are_judged() -> None:
    dead_addresses(3)

    run = finished(addresses=Address.objects.filter(email="dead1@example.org"), label="One")

    assert run.total == 1
    assert list(Address.objects.filter(status="invalid").values_list("email", flat=True)) == ["dead1@example.org"]


def test_an_empty_scope_ends_at_once() -> None:
    run = finished(addresses=Address.objects.none(), label="Nobody")

    assert (run.state, run.total, run.changes) == ("done", 0, 0)


def test_two_runs_do_not_go_on_at_once() -> None:
    cleaning.start_run(via="page", now=NOW)

    with pytest.raises(cleaning.AlreadyRunning, match="still going on"):
        cleaning.start_run(via="page", now=NOW)


def test_an_address_with_news_since_the_preview_is_left_out() -> None:
    dead_addresses(2)
    run = finished(dry_run=True)
    Address.objects.filter(email="dead0@example.org").update(restored_at=NOW)

    cleaning.apply_run(run, a_user("manager"))
    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.applied, run.left_out) == (1, 1)
    assert Address.objects.get(email="dead0@example.org").status == "unverified"


def test_a_killed_run_goes_on_to_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "EVALUATE_CHUNK", 2)
    monkeypatch.setattr(working, "APPLY_CHUNK", 2)
    dead_addresses(5)
    run = cleaning.start_run(via="page", now=NOW)
    for _ in range(4):
        held = lease.acquire(cleaning.LEASE, timedelta(seconds=30))
        assert held is not None
        cleaning.step(run.pk, held, NOW)
        with connection.cursor() as cursor:  # its holder dies, and the lease runs out
            cursor.execute("UPDATE bounces_lease SET expires_at = now() - interval '1 hour'")

    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.state, run.evaluated, run.changes, run.applied) == ("done", 5, 5, 5)
    assert StatusChange.objects.count() == 5


def test_a_cancelled_run_stops_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "EVALUATE_CHUNK", 2)
    dead_addresses(5)
    run = cleaning.start_run(via="page", now=NOW)

    assert cleaning.cancel_run(run, a_user("manager"), NOW)
    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not StatusChange.objects.exists()


def test_a_changed_policy_is_applied_by_a_run() -> None:
    dead_addresses(1)
    finished()
    Policy.objects.filter(is_active=True).update(hard_limit=2)

    run = finished()

    assert run.changes == 1
    assert Address.objects.get().status == "unverified"
