"""Taking a run back: exactly, for good, and honestly where newer facts have decided since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from bounces import cleaning, policy, rulings
from bounces.cleaning import undo, working
from bounces.models import Address, CleaningRun, Policy, Ruling, StatusChange
from bounces.policy_versions import make_version
from bounces.sentences import explain_change
from tests.builders import NOW, a_bounce, a_user, an_address

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def soft(email: str, *days: float) -> None:
    for day in days:
        a_bounce(email, kind="soft", reason="mailboxfull", occurred_at=NOW - timedelta(days=day))


def a_list() -> None:
    """Addresses of every status, judged by a lenient policy; the strict one marks most of them."""
    Policy.objects.filter(is_active=True).update(hard_limit=9, soft_row_days=9, soft_window_count=20, risk_count=9)
    for number in range(3):
        a_bounce(an_address(f"hard{number}@example.org", last_delivered_at=NOW - timedelta(days=60)))
    an_address("risk@example.org", last_delivered_at=NOW - timedelta(days=40))
    soft("risk@example.org", 3, 1)
    soft("row@example.org", 20, 10, 1)  # in a row; without that rule at risk
    soft("both@example.org", 20, 15, 10, 5, 1)  # in a row and in the window
    a_bounce("mixed@example.org")
    soft("mixed@example.org", 20, 10, 1)
    an_address("alive@example.org", last_delivered_at=NOW)
    an_address("silent@example.org")
    finished()
    strict = {field.name: field.default for field in Policy._meta.fields if field.name in Policy.NUMBERS}
    Policy.objects.filter(is_active=True).update(**strict)


def finished(now: datetime = NOW, **options: Any) -> CleaningRun:
    run = cleaning.start_run(via="command", now=now, **options)
    assert cleaning.work(run.pk, lambda: now)
    run.refresh_from_db()
    return run


def taken_back(run: CleaningRun, clock: Callable[[], Any] = lambda: LATER) -> CleaningRun:
    cleaning.undo_run(run, a_user("manager"), "the policy was wrong", clock())
    assert cleaning.work(run.pk, clock)
    run.refresh_from_db()
    return run


def statuses() -> dict[str, tuple[str, str]]:
    return {
        email: (status, rule) for email, status, rule in Address.objects.values_list("email", "status", "status_rule")
    }


def test_undo_restores_exactly_and_the_next_full_run_writes_nothing() -> None:
    a_list()
    before = statuses()
    run = finished()
    assert statuses() != before

    taken_back(run)

    assert statuses() == before
    assert (run.state, run.undone, run.kept) == ("done", run.applied, 0)
    assert finished().changes == 0


def test_undo_takes_back_the_very_first_judgement_too() -> None:
    a_bounce("dead@example.org")
    an_address("alive@example.org", last_delivered_at=NOW - timedelta(days=1))
    before = statuses()

    taken_back(finished())

    assert statuses() == before


def test_undo_goes_on_after_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "UNDO_CHUNK", 2)
    a_list()
    before = statuses()
    run = finished()
    cleaning.undo_run(run, a_user("manager"), "wrong", LATER)
    held = working.lease.acquire(cleaning.LEASE, timedelta(seconds=30))
    assert held is not None
    cleaning.step(run.pk, held, LATER)
    working.lease.release(held)

    cleaning.work(run.pk, lambda: LATER)

    run.refresh_from_db()
    assert statuses() == before
    assert run.undone == run.applied == Ruling.objects.values("address").distinct().count()


def test_a_bounce_since_the_run_keeps_its_mark_and_the_report_says_so() -> None:
    a_bounce("dead@example.org")
    a_bounce("wronged@example.org")
    run = finished()
    a_bounce("dead@example.org", occurred_at=NOW + timedelta(minutes=5))

    taken_back(run)

    assert (run.undone, run.kept) == (1, 1)
    assert Address.objects.get(email="dead@example.org").status == "invalid"
    assert run.rows.get(address__email="dead@example.org").outcome == "kept"


def test_what_somebody_decided_since_is_left_alone() -> None:
    address = a_bounce("dead@example.org").address
    run = finished()
    rulings.restore(address, a_user("manager"), "she called", NOW + timedelta(minutes=5))

    taken_back(run)

    assert (run.undone, run.kept) == (0, 1)
    assert not Ruling.objects.filter(kind="waive").exists()


def test_a_new_bounce_counts_after_the_undo() -> None:
    address = a_bounce("dead@example.org").address
    taken_back(finished())

    a_bounce(address, occurred_at=LATER + timedelta(hours=1))
    with transaction.atomic():
        policy.judge_now([address.pk], LATER + timedelta(hours=2))

    address.refresh_from_db()
    assert address.status == "invalid"


def looser(**numbers: int) -> CleaningRun:
    """Another version of the policy, put in force by its run."""
    make_version({**Policy.active().numbers, **numbers}, by=a_user("admin"), note="test")
    return finished()


def test_what_a_looser_policy_lifted_is_as_it_was_and_the_next_full_run_writes_nothing() -> None:
    a_bounce(an_address("dead@example.org", last_delivered_at=NOW - timedelta(days=60)))
    soft("row@example.org", 20, 10, 1)
    soft("risk@example.org", 3, 1)
    finished()
    before = dict(Address.objects.values_list("email", "status")), statuses(), due()
    run = looser(hard_limit=2, soft_row_days=9, soft_window_count=20, risk_count=9)
    assert set(dict(Address.objects.values_list("email", "status")).values()) == {"valid", "unverified"}

    preview = cleaning.preview_undo(run)
    taken_back(run)

    assert preview.back == {"invalid": 2, "at_risk": 1}
    assert (run.undone, run.kept, run.can_undo) == (3, 0, False)
    assert (dict(Address.objects.values_list("email", "status")), statuses(), due()) == before
    assert finished().changes == 0


def due() -> dict[str, Any]:
    return dict(Address.objects.values_list("email", "reevaluate_at"))


def test_an_upheld_status_says_so_and_who_decided_it() -> None:
    a_bounce("dead@example.org")
    finished()
    run = taken_back(looser(hard_limit=2))

    sentence = explain_change(StatusChange.objects.latest("pk"))

    assert "does not exist (550 5.1.1)" in sentence
    assert sentence.endswith("a person kept it so on 2 November 2026.")
    assert Ruling.objects.get().by == run.undone_by


def test_a_delivery_after_the_undo_lifts_what_it_had_upheld() -> None:
    address = a_bounce("dead@example.org").address
    finished()
    taken_back(looser(hard_limit=2))

    Address.objects.filter(pk=address.pk).update(last_delivered_at=LATER)
    with transaction.atomic():
        policy.judge_now([address.pk], LATER + timedelta(hours=1))

    address.refresh_from_db()
    assert address.status == "valid"


def test_an_upheld_risk_passes_when_it_would_have_passed() -> None:
    soft("risk@example.org", 3, 1)
    finished()
    taken_back(looser(risk_count=9))

    in_a_month = finished(now=NOW + timedelta(days=28))

    assert in_a_month.rows.get().to_status == "unverified"


def test_what_newer_facts_or_the_clock_would_have_lifted_is_kept_lifted() -> None:
    soft("passed@example.org", 3, 1)
    alive = a_bounce("alive@example.org").address
    finished()
    run = looser(hard_limit=2, risk_count=9)
    Address.objects.filter(pk=alive.pk).update(last_delivered_at=LATER)

    taken_back(run, lambda: NOW + timedelta(days=40))

    assert (run.undone, run.kept) == (0, 2)
    assert set(run.rows.values_list("outcome", flat=True)) == {"kept"}
    assert not Address.objects.filter(status__in=["invalid", "at_risk"]).exists()


def test_chosen_rows_alone_are_taken_back_at_once() -> None:
    a_bounce("dead@example.org")
    a_bounce("wronged@example.org")
    run = finished()
    row = run.rows.get(address__email="wronged@example.org")

    assert cleaning.undo_rows(run, [row.pk], a_user("manager"), "she wrote to me", LATER) == (1, 0)

    assert dict(run.rows.values_list("address__email", "outcome")) == {
        "dead@example.org": "applied",
        "wronged@example.org": "undone",
    }
    assert Address.objects.get(email="wronged@example.org").status == "unverified"


def test_every_undo_names_its_person_its_reason_and_its_run() -> None:
    a_bounce("dead@example.org")
    run = taken_back(finished())

    ruling = Ruling.objects.get()
    change = StatusChange.objects.latest("pk")

    assert (ruling.run, ruling.reason, ruling.rule, ruling.by) == (
        run,
        "the policy was wrong",
        "hard_bounce",
        run.undone_by,
    )
    assert change.actor == run.undone_by
    assert run.undone_at == LATER


def test_the_preview_counts_where_addresses_go_back_to() -> None:
    a_list()
    run = finished()
    rulings.restore(Address.objects.get(email="hard0@example.org"), a_user("manager"), "called", LATER)

    preview = cleaning.preview_undo(run)

    assert preview.back == {"valid": 4, "unverified": 3}
    assert (preview.decided_since, preview.unmoved, preview.is_capped) == (1, 0, False)


def test_an_undo_needs_a_reason_and_something_applied() -> None:
    a_bounce("dead@example.org")
    preview, by = finished(dry_run=True), a_user("manager")

    with pytest.raises(rulings.NoReason):
        cleaning.undo_run(preview, by, "  ", NOW)
    with pytest.raises(cleaning.NotReady, match="Only a run that has ended"):
        cleaning.undo_run(preview, by, "wrong", NOW)
    with pytest.raises(cleaning.NothingToUndo):
        cleaning.undo_run(finished(addresses=Address.objects.none()), by, "wrong", NOW)


def test_an_undo_waits_for_the_run_that_goes_on() -> None:
    a_bounce("dead@example.org")
    run = finished()
    cleaning.start_run(via="page", now=NOW)

    with pytest.raises(cleaning.AlreadyRunning):
        cleaning.undo_run(run, a_user("manager"), "wrong", NOW)
