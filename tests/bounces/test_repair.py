"""Repair afterwards: what one provider made invalid in one time is taken back, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from bounces import repair as repairing
from bounces import schedule
from bounces.cleaning import start_run, work
from bounces.models import Address, Repair, Ruling
from bounces.process import run_flow
from bounces.recording import record
from bounces.repair import NoReason, Scope, preview, start, undo
from tests.bounces.happening import delivery, invalid, refusal
from tests.builders import NOW, a_bounce, a_user

pytestmark = pytest.mark.django_db
THEN = NOW - timedelta(days=10)
SCOPE = Scope("google", THEN - timedelta(hours=1), THEN + timedelta(hours=1), "userunknown")


def bounced(*emails: str, days: float = 10) -> None:
    with transaction.atomic():
        record([refusal(email, NOW - timedelta(days=days)) for email in emails])
    run_flow(lambda: NOW)


def repair(scope: Scope, by: Any, why: str, now: datetime) -> int:
    """Started, and carried to its end as the job does it."""
    begun = start(scope, by, why, now)
    repairing.work(begun.pk, lambda: now)
    begun.refresh_from_db()
    return begun.restored


def test_what_the_provider_made_invalid_then_is_taken_back_and_stays_so() -> None:
    bounced("ada@gmail.com", "bob@gmail.com")
    assert repair(SCOPE, a_user("manager"), "Gmail was wrong.", NOW) == 2
    assert invalid() == set()
    run = start_run(via="command", now=NOW)
    work(run.pk, lambda: NOW)
    run.refresh_from_db()
    assert (run.changes, repair(SCOPE, a_user("manager"), "Once more.", NOW)) == (0, 0)


def test_a_delivered_address_is_valid_again() -> None:
    with transaction.atomic():
        record([delivery("ada@gmail.com", NOW - timedelta(days=30))])
    bounced("ada@gmail.com")
    repair(SCOPE, a_user("manager"), "Gmail was wrong.", NOW)
    assert Address.objects.get().status == "valid"


def test_other_providers_times_and_reasons_stay() -> None:
    bounced("ada@outlook.com")
    bounced("bob@gmail.com", days=5)
    bounced("cy@gmail.com")
    assert [each.email for each in preview(SCOPE)] == ["cy@gmail.com"]
    assert preview(Scope("google", SCOPE.since, SCOPE.until, "hasmoved")) == []


def test_an_address_that_bounced_at_another_time_too_stays_invalid() -> None:
    bounced("ada@gmail.com")
    bounced("ada@gmail.com", days=3)
    assert preview(SCOPE) == []


def test_what_was_waived_before_does_not_keep_an_address_from_repair() -> None:
    bounced("ada@gmail.com", days=20)
    earlier = Scope("google", NOW - timedelta(days=21), NOW - timedelta(days=19))
    assert repair(earlier, a_user("manager"), "Gmail was wrong.", NOW) == 1
    bounced("ada@gmail.com")
    assert [each.email for each in preview(SCOPE)] == ["ada@gmail.com"]
    assert repair(SCOPE, a_user("manager"), "Gmail was wrong again.", NOW) == 1
    assert invalid() == set()


def test_a_temporary_refusal_does_not_keep_an_address_from_repair() -> None:
    bounced("ada@gmail.com")
    a_bounce("ada@gmail.com", smtp_code=450, enhanced_code="4.1.1", occurred_at=NOW - timedelta(days=40))
    assert [each.email for each in preview(SCOPE)] == ["ada@gmail.com"]


def test_a_bounce_that_is_waived_already_is_not_repaired_again() -> None:
    bounced("ada@gmail.com")
    repair(SCOPE, a_user("manager"), "Gmail was wrong.", NOW)
    bounced("ada@gmail.com", days=3)
    assert preview(SCOPE) == []


def test_a_preview_changes_nothing() -> None:
    bounced("ada@gmail.com")
    preview(SCOPE)
    assert invalid() == {"ada@gmail.com"}
    assert not Ruling.objects.exists()


def test_a_repair_needs_a_reason() -> None:
    with pytest.raises(NoReason):
        repair(SCOPE, a_user("manager"), " ", NOW)


def commanded(*more: str, provider: str = "google") -> str:
    out = StringIO()
    times = ("--since", SCOPE.since.isoformat(), "--until", SCOPE.until.isoformat())
    call_command("repair", "--provider", provider, *times, *more, stdout=out)
    return out.getvalue()


def test_the_command_looks_and_then_does() -> None:
    bounced("ada@gmail.com")
    assert "1 addresses would be taken back" in commanded()
    assert invalid() == {"ada@gmail.com"}
    a_user("manager", email="boss@rebound.example")
    assert "1 addresses were" in commanded("--yes", "--by", "boss@rebound.example", "--why", "Gmail was wrong.")
    assert invalid() == set()


def test_the_command_says_what_is_wrong() -> None:
    a_user("sales", email="sam@rebound.example")
    with pytest.raises(CommandError, match="no provider"):
        commanded(provider="gogle")
    with pytest.raises(CommandError, match="nobody who may restore"):
        commanded("--yes", "--by", "sam@rebound.example", "--why", "I want to.")


# --- as a job ---------------------------------------------------------------------------------------


def a_large_one(monkeypatch: pytest.MonkeyPatch) -> Repair:
    """Seven addresses in chunks of three."""
    monkeypatch.setattr(repairing, "CHUNK", 3)
    bounced(*[f"p{number}@gmail.com" for number in range(7)])
    return start(SCOPE, a_user("manager"), "Gmail was wrong.", NOW)


def test_the_job_takes_it_chunk_by_chunk_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = a_large_one(monkeypatch)
    seen: list[tuple[int, int, int]] = []
    repairing.work(begun.pk, lambda: NOW, lambda run: seen.append((run.restored, run.total, run.percent)))
    assert seen == [(3, 7, 42), (6, 7, 85), (7, 7, 100)]
    assert invalid() == set()


def test_killed_amid_it_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = a_large_one(monkeypatch)

    def kill(_: Repair) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repairing.work(begun.pk, lambda: NOW, kill)
    assert len(invalid()) == 4
    assert repairing.unfinished() == begun
    repairing.work(begun.pk, lambda: NOW)
    begun.refresh_from_db()
    assert (invalid(), begun.restored, begun.state) == (set(), 7, "done")
    assert (Ruling.objects.count(), repairing.unfinished()) == (7, None)


def test_its_undo_is_a_job_too_and_puts_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, boss = a_large_one(monkeypatch), a_user("manager")
    repairing.work(begun.pk, lambda: NOW)
    assert undo(begun, boss, NOW)
    assert invalid() == set()  # nothing happens in the request
    seen: list[int] = []
    repairing.work(begun.pk, lambda: NOW, lambda run: seen.append(run.undone))
    begun.refresh_from_db()
    assert (seen, len(invalid()), begun.state, begun.undone_by) == ([3, 6, 7], 7, "undone", boss)
    assert not undo(begun, boss, NOW)


def test_the_tick_starts_what_waits(redis: Any) -> None:
    bounced("ada@gmail.com")
    begun = start(SCOPE, a_user("manager"), "Gmail was wrong.", NOW)
    schedule.start_waiting(NOW)
    assert [(job.func_name, job.args) for job in schedule.queue("bulk").jobs] == [
        ("bounces.jobs.repair_job", [begun.pk])
    ]
