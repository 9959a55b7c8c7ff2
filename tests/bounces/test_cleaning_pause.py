"""A run that is paused, resumed, watched: where it stops, what goes on meanwhile, how quickly it goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bounces import cleaning, lease
from bounces.cleaning import working
from bounces.models import Address, CleaningRun, Policy, StatusChange
from bounces.policy_versions import make_version
from tests.builders import NOW, a_bounce, a_cleaning_run, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "EVALUATE_CHUNK", 2)
    monkeypatch.setattr(working, "APPLY_CHUNK", 2)


def dead_addresses(count: int) -> None:
    for number in range(count):
        a_bounce(f"dead{number}@example.org")


def steps(run: CleaningRun, count: int) -> CleaningRun:
    for _ in range(count):
        held = lease.acquire(cleaning.LEASE, timedelta(seconds=30))
        assert held is not None
        run = cleaning.step(run.pk, held, NOW)
        lease.release(held)
    return run


def applied_preview() -> CleaningRun:
    run = cleaning.start_run(via="page", now=NOW, dry_run=True)
    cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    cleaning.apply_run(run, a_user("manager"))
    return run


@pytest.mark.parametrize(("taken", "stage"), [(0, "queued"), (2, "evaluating"), (1, "applying")])
def test_a_paused_run_stands_still_and_goes_on_where_it_was(taken: int, stage: str) -> None:
    dead_addresses(5)
    run = applied_preview() if stage == "applying" else cleaning.start_run(via="page", now=NOW)
    run = steps(run, taken)

    assert cleaning.pause_run(run)
    cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.state, run.returns_to) == ("paused", stage)
    assert cleaning.unfinished() is None

    cleaning.resume_run(run)
    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.state, run.evaluated, run.applied) == ("done", 5, 5)
    assert StatusChange.objects.count() == 5


def test_a_watcher_may_pause_a_run_amid_its_work() -> None:
    dead_addresses(5)
    run = cleaning.start_run(via="page", now=NOW)

    def pause(seen: CleaningRun) -> None:
        cleaning.pause_run(seen)

    cleaning.work(run.pk, lambda: NOW, pause)

    run.refresh_from_db()
    assert run.state == "paused"


def test_another_run_may_go_on_meanwhile_and_the_paused_one_waits_for_it() -> None:
    paused = cleaning.start_run(via="page", now=NOW)
    cleaning.pause_run(paused)
    cleaning.start_run(via="page", now=NOW)

    with pytest.raises(cleaning.AlreadyRunning):
        cleaning.resume_run(paused)


def test_only_what_goes_on_is_paused_and_only_what_is_paused_resumed() -> None:
    run = a_cleaning_run("done")

    assert not cleaning.pause_run(run)
    with pytest.raises(cleaning.NotReady, match="Only a paused run"):
        cleaning.resume_run(run)


def test_a_paused_run_is_cancelled() -> None:
    run = cleaning.start_run(via="page", now=NOW)
    cleaning.pause_run(run)

    assert cleaning.cancel_run(run, a_user("manager"), NOW)
    assert run.state == "cancelled"


def test_a_run_says_how_quickly_it_goes_and_how_long_it_takes() -> None:
    run = a_cleaning_run("evaluating", total=1000, evaluated=300, pace_at=NOW, pace_from=100)

    pace = run.pace(NOW + timedelta(seconds=10))

    assert pace is not None
    assert (pace.rate, pace.left) == (20.0, timedelta(seconds=35))


@pytest.mark.parametrize("now", [NOW, NOW + timedelta(seconds=5)])
def test_a_run_that_has_not_come_any_way_says_no_pace(now: datetime) -> None:
    assert a_cleaning_run("evaluating", total=1000, pace_at=NOW).pace(now) is None


def test_a_run_keeps_the_statuses_that_it_found() -> None:
    dead_addresses(3)
    run = cleaning.start_run(via="page", now=NOW)

    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert run.before == {"unverified": 3}


def test_a_preview_of_an_older_policy_is_not_applied() -> None:
    dead_addresses(1)
    run = cleaning.start_run(via="page", now=NOW, dry_run=True)
    cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    Policy.objects.filter(is_active=True).update(is_active=False)
    Policy.objects.create(version=2, is_active=True)

    with pytest.raises(cleaning.NotReady, match="The policy has changed"):
        cleaning.apply_run(run, a_user("manager"))


def test_a_run_writes_the_date_on_which_the_clock_decides() -> None:
    for day in (3, 1):
        a_bounce("ada@example.org", kind="soft", reason="mailboxfull", occurred_at=NOW - timedelta(days=day))
    cleaning.work(cleaning.start_run(via="page", now=NOW).pk, lambda: NOW)
    first = Address.objects.get().reevaluate_at
    Policy.objects.filter(is_active=True).update(risk_window_days=20)

    run = cleaning.start_run(via="page", now=NOW)
    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert first is not None
    assert run.changes == 0
    assert Address.objects.get().reevaluate_at == first - timedelta(days=10)


def test_applying_leaves_no_row_out_wherever_its_cursor_stood() -> None:
    dead_addresses(5)
    run = steps(applied_preview(), 1)
    CleaningRun.objects.filter(pk=run.pk, state="applying").update(cursor=10**12)

    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.state, run.applied) == ("done", 5)


def looser() -> Policy:
    return make_version({**Policy.active().numbers, "hard_limit": 9}, by=a_user("admin"), note="they all move")


@pytest.mark.parametrize("taken", [1, 2])
def test_a_run_hands_over_when_another_policy_comes_into_force(taken: int) -> None:
    dead_addresses(5)
    run = steps(cleaning.start_run(via="page", now=NOW, addresses=Address.objects.filter(email__gt="dead1")), taken)
    looser()

    assert cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    follower = run.goes_on_as
    assert follower is not None
    assert run.state == "cancelled"
    assert run.error == f"Policy version 2 came into force: run {follower.pk} goes on by it."
    assert cleaning.unfinished() == follower
    cleaning.work(follower.pk, lambda: NOW)
    follower.refresh_from_db()
    assert (follower.state, follower.evaluated, follower.policy.version) == ("done", 4, 2)
    assert not Address.objects.filter(status="invalid").exists()


def test_a_run_that_waits_begins_by_the_policy_that_is_in_force_then() -> None:
    run = cleaning.start_run(via="page", now=NOW)
    looser()

    cleaning.work(run.pk, lambda: NOW)

    run.refresh_from_db()
    assert (run.state, run.policy.version, run.goes_on_as) == ("done", 2, None)
