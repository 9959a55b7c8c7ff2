"""What-if: other numbers are tried by the same evaluator, change nothing, and are put in force with a run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bounces import cleaning
from bounces.cleaning.report import Silent, report_of, silent_of
from bounces.models import Address, CleaningRow, CleaningRun, Policy
from bounces.policy_versions import SameNumbers
from bounces.rulings import NoReason
from tests.builders import NOW, a_bounce, a_cleaning_run, a_silence, a_user, an_address

pytestmark = pytest.mark.django_db


def numbers(**changed: int) -> dict[str, int]:
    return {**Policy.active().numbers, **changed}


def two_dead_addresses() -> None:
    """Invalid by the policy in force."""
    for name in ("ada", "bob"):
        a_bounce(f"{name}@example.org")
    an_address("eve@example.org")
    cleaning.work(cleaning.start_run(via="page", now=NOW).pk, lambda: NOW)


def tried(**changed: int) -> CleaningRun:
    run = cleaning.try_numbers(numbers(**changed), by=a_user("manager"), now=NOW)
    cleaning.work(run.pk, lambda: NOW)
    run.refresh_from_db()
    return run


def test_it_finds_what_would_move_and_moves_nothing() -> None:
    two_dead_addresses()

    run = tried(hard_limit=2)

    report = report_of(run)
    assert [(move.before, move.after, move.rule, move.number) for move in report.moves] == [
        ("invalid", "unverified", "", 2)
    ]
    assert (report.moving, report.staying, run.state) == (2, 0, "ready")
    assert Address.objects.filter(status="invalid").count() == 2


def test_it_finds_what_the_policy_then_does() -> None:
    two_dead_addresses()
    run = tried(hard_limit=2)
    foreseen = set(run.rows.values_list("address", "to_status", "rule"))

    applying = cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW + timedelta(minutes=1))
    cleaning.work(applying.pk, lambda: NOW + timedelta(minutes=1))

    assert set(applying.rows.filter(outcome="applied").values_list("address", "to_status", "rule")) == foreseen
    assert not Address.objects.filter(status="invalid").exists()


def test_it_counts_the_addresses_that_other_numbers_would_call_silent() -> None:
    for mails in (5, 6, 7):
        a_silence(delivered=mails)

    run = tried(silent_count=6)

    assert silent_of(run, Policy.active().numbers) == Silent(0, 2)
    assert silent_of(run, run.policy.numbers) is None


def test_it_is_about_the_addresses_of_its_scope() -> None:
    two_dead_addresses()

    run = cleaning.try_numbers(
        numbers(hard_limit=2),
        by=a_user("manager"),
        now=NOW,
        addresses=Address.objects.filter(email="ada@example.org"),
        label="Ada",
    )
    cleaning.work(run.pk, lambda: NOW)

    assert run.rows.get().address.email == "ada@example.org"


def test_putting_in_force_makes_a_version_with_a_note() -> None:
    run, boss = tried(hard_limit=2), a_user("admin")

    applying = cleaning.put_in_force(run, by=boss, note=" One full mailbox is normal ", now=NOW)

    made = Policy.active()
    assert (made.version, made.hard_limit, made.note) == (2, 2, "One full mailbox is normal")
    assert (made.created_by, applying.started_by, applying.what_if) == (boss, boss, False)
    assert applying.policy == made
    assert Policy.objects.filter(version=1, is_active=False, hard_limit=1).exists()


def test_it_needs_a_note() -> None:
    run = tried(hard_limit=2)

    with pytest.raises(NoReason):
        cleaning.put_in_force(run, by=a_user("admin"), note="  ", now=NOW)


def test_numbers_are_put_in_force_once() -> None:
    run = tried(hard_limit=2)
    first = cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW)
    cleaning.work(first.pk, lambda: NOW)

    with pytest.raises(SameNumbers):
        cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW)

    assert Policy.active().version == 2


def test_what_another_version_has_overtaken_is_worked_out_anew() -> None:
    run = tried(hard_limit=2)
    cleaning.work(cleaning.put_in_force(tried(hard_limit=3), by=a_user("admin"), note="x", now=NOW).pk, lambda: NOW)

    with pytest.raises(cleaning.NotReady, match="version 2 came into force after"):
        cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW)


def test_a_run_that_goes_on_leaves_the_policy_as_it_is() -> None:
    run = tried(hard_limit=2)
    cleaning.start_run(via="page", now=NOW)

    with pytest.raises(cleaning.AlreadyRunning):
        cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW)

    assert Policy.active().version == 1


def test_only_a_what_if_that_has_ended_is_put_in_force() -> None:
    waiting = cleaning.try_numbers(numbers(hard_limit=2), by=a_user("manager"), now=NOW)

    for run in (waiting, a_cleaning_run("ready", dry_run=True)):
        with pytest.raises(cleaning.NotReady, match="Only a what-if"):
            cleaning.put_in_force(run, by=a_user("admin"), note="Clinics", now=NOW)


def test_the_numbers_in_force_are_nothing_to_try() -> None:
    with pytest.raises(SameNumbers, match="change at least one"):
        cleaning.try_numbers(numbers(), by=a_user("manager"), now=NOW)


def test_several_people_try_at_once_and_each_is_worked_at() -> None:
    two_dead_addresses()
    runs = [cleaning.try_numbers(numbers(hard_limit=n), by=a_user("manager"), now=NOW) for n in (2, 3)]

    while run := cleaning.unfinished():
        cleaning.work(run.pk, lambda: NOW)

    assert [CleaningRun.objects.get(pk=run.pk).changes for run in runs] == [2, 2]


def test_a_new_try_takes_the_place_of_the_same_persons_older_one() -> None:
    person = a_user("manager")
    older = cleaning.try_numbers(numbers(hard_limit=2), by=person, now=NOW)

    newer = cleaning.try_numbers(numbers(hard_limit=3), by=person, now=NOW)

    older.refresh_from_db()
    assert (older.state, newer.state) == ("cancelled", "queued")


def test_what_is_meant_goes_before_what_is_tried() -> None:
    cleaning.try_numbers(numbers(hard_limit=2), by=a_user("manager"), now=NOW)

    meant = cleaning.start_run(via="schedule", now=NOW)

    assert cleaning.unfinished() == meant


def test_it_gives_way_to_what_is_meant_and_goes_on_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounces.cleaning.working.EVALUATE_CHUNK", 1)
    two_dead_addresses()
    tried_first = cleaning.try_numbers(numbers(hard_limit=2), by=a_user("manager"), now=NOW)
    meant: list[CleaningRun] = []

    def start_another(seen: CleaningRun) -> None:
        if seen.evaluated == 1:
            meant.append(cleaning.start_run(via="page", now=NOW))

    cleaning.work(tried_first.pk, lambda: NOW, start_another)
    tried_first.refresh_from_db()
    assert (tried_first.state, cleaning.unfinished()) == ("evaluating", meant[0])

    while run := cleaning.unfinished():
        cleaning.work(run.pk, lambda: NOW)
    tried_first.refresh_from_db()
    assert (tried_first.state, tried_first.changes) == ("ready", 2)


def test_it_may_be_tried_while_a_run_goes_on() -> None:
    cleaning.start_run(via="page", now=NOW)

    assert cleaning.try_numbers(numbers(hard_limit=2), by=a_user("manager"), now=NOW).state == "queued"


def test_it_is_cancelled_and_paused_like_any_run() -> None:
    run = cleaning.try_numbers(numbers(hard_limit=2), by=a_user("manager"), now=NOW)
    cleaning.start_run(via="page", now=NOW)

    assert cleaning.pause_run(run)
    cleaning.resume_run(run)
    assert cleaning.cancel_run(run, a_user("manager"), NOW)


def test_old_ones_are_forgotten_with_their_drafts() -> None:
    two_dead_addresses()
    old = tried(hard_limit=2)
    CleaningRun.objects.filter(pk=old.pk).update(created_at=NOW - timedelta(days=8))
    Policy.objects.filter(version=None).update(created_at=NOW - timedelta(days=8))
    new = tried(hard_limit=3)
    meant = CleaningRun.objects.filter(what_if=False).get()

    assert cleaning.forget_old(NOW) == 1
    assert cleaning.forget_old(NOW) == 0

    assert set(CleaningRun.objects.all()) == {new, meant}
    assert [draft.hard_limit for draft in Policy.objects.filter(version=None)] == [3]
    assert not CleaningRow.objects.filter(run_id=old.pk).exists()
