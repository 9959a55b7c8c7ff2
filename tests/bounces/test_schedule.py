"""The tick: the queue only says that there is work; what work there is, the database knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import django_rq
import pytest
from django.conf import LazySettings
from django.contrib.admin import site
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import modelform_factory
from django.http import HttpRequest
from redis import Redis
from rq import SimpleWorker

from bounces import cleaning, lease, schedule, schedule_runs, tasks
from bounces.admin.running import ScheduleAdmin
from bounces.intake.upload import keep_upload
from bounces.models import Address, CleaningRun, Policy, Schedule, ScheduleRun
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_user

pytestmark = pytest.mark.django_db


def something_arrives() -> None:
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail()), a_user("manager"), NOW)


def waiting(name: str) -> int:
    return int(django_rq.get_queue(name).count)


def work(name: str) -> None:
    queue = django_rq.get_queue(name)
    SimpleWorker([queue], connection=queue.connection, serializer=queue.serializer).work(burst=True)


def test_nothing_to_do_queues_nothing(redis: Redis) -> None:
    schedule.tick(NOW)

    assert waiting("intake") == waiting("bulk") == 0


def test_what_waits_in_the_inbox_is_started_and_done(redis: Redis) -> None:
    something_arrives()

    schedule.tick(NOW)
    work("intake")

    assert Address.objects.get().status == "invalid"


def there_is_more(now: datetime) -> bool:
    return now == NOW


def test_work_of_other_applications_is_started_when_it_waits(redis: Redis, settings: LazySettings) -> None:
    settings.WAITING_WORK = [("bulk", f"{__name__}.there_is_more", "bounces.jobs.run_flow_job")]

    schedule.tick(NOW - timedelta(hours=1))
    before = waiting("bulk")
    schedule.tick(NOW)

    assert (before, waiting("bulk")) == (0, 1)


def test_a_worker_that_is_down_finds_one_job(redis: Redis) -> None:
    something_arrives()

    for _ in range(5):
        schedule.tick(NOW)

    assert waiting("intake") == 1


def test_a_wiped_queue_is_filled_again_by_the_next_tick(redis: Redis) -> None:
    something_arrives()
    schedule.tick(NOW)
    redis.flushdb()

    schedule.tick(NOW)

    assert waiting("intake") == 1


def test_a_cleaning_run_that_waits_goes_to_the_bulk_queue(redis: Redis) -> None:
    run = cleaning.start_run(via="page", now=NOW)

    schedule.tick(NOW)
    work("bulk")

    run.refresh_from_db()
    assert run.state == "done"


def test_a_schedule_begins_when_its_time_has_come_and_once(redis: Redis) -> None:
    nightly = Schedule.objects.get(name="Nightly cleaning")
    schedule.tick(NOW)
    nightly.refresh_from_db()
    assert nightly.next_run_at is not None
    assert not CleaningRun.objects.exists()

    due = nightly.next_run_at
    schedule.tick(due)
    schedule.tick(due)

    assert CleaningRun.objects.filter(via="schedule").count() == 1


def test_old_what_ifs_are_forgotten_by_the_clock(run_jobs: Callable[[], None]) -> None:
    draft = Policy.objects.create(hard_limit=2)
    Policy.objects.filter(pk=draft.pk).update(created_at=NOW - timedelta(days=3650))
    Schedule.objects.create(name="Forget", task="forget_what_ifs", cron="0 0 1 1 *", next_run_at=NOW)
    Schedule.objects.exclude(name="Forget").update(is_enabled=False)

    run_jobs()

    assert not Policy.objects.filter(version__isnull=True).exists()
    assert Schedule.objects.get(name="Forget").last_outcome == "Deleted 0 old simulations."


def test_a_schedule_that_is_due_while_a_run_goes_on_says_that_it_was_left_out(redis: Redis) -> None:
    Schedule.objects.update(next_run_at=NOW)
    cleaning.start_run(via="page", now=NOW)

    schedule.tick(NOW)

    assert "still going on" in Schedule.objects.get(task="clean_all").last_outcome


def test_a_disabled_schedule_does_not_begin(redis: Redis) -> None:
    Schedule.objects.update(is_enabled=False, next_run_at=NOW)

    schedule.tick(NOW + timedelta(days=2))

    assert not CleaningRun.objects.exists()


def test_the_next_time_is_read_from_the_five_fields() -> None:
    assert schedule.next_time("0 2 * * *", NOW) == NOW.replace(day=3, hour=2)


def test_a_schedule_that_fails_keeps_nothing_else_from_starting(redis: Redis) -> None:
    Schedule.objects.update(next_run_at=NOW, cron="0 0 30 2 *")
    something_arrives()

    schedule.tick(NOW)

    assert waiting("intake") == 1
    assert Schedule.objects.get(name="Nightly cleaning").last_outcome.startswith("Failed: ")


def test_after_a_failure_the_queue_is_left_alone_for_a_while(redis: Redis) -> None:
    django_rq.get_queue("intake").enqueue("math.sqrt", "no number", failure_ttl=schedule.FAILURES_KEPT)
    work("intake")
    something_arrives()

    schedule.tick(NOW)

    assert waiting("intake") == 0


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(ValidationError, match="no such day"):
        Schedule(name="x", task="clean_all", cron="0 0 30 2 *").full_clean()


def test_nonsense_in_the_five_fields_is_refused() -> None:
    with pytest.raises(ValidationError, match="Five fields"):
        Schedule(name="x", task="clean_all", cron="every night").full_clean()


def test_an_edit_leaves_alone_what_the_scheduler_wrote_meanwhile() -> None:
    nightly = Schedule.objects.get(task="clean_all")
    form = modelform_factory(Schedule, fields=["name"])({"name": "Nightly"}, instance=nightly)
    assert form.is_valid()
    Schedule.objects.filter(pk=nightly.pk).update(last_outcome="Began.", next_run_at=NOW)

    ScheduleAdmin(Schedule, site).save_model(HttpRequest(), nightly, form, change=True)

    nightly.refresh_from_db()
    assert (nightly.name, nightly.last_outcome, nightly.next_run_at) == ("Nightly", "Began.", NOW)


# --- what the page says is what the job did


def nightly_pruning_is_due() -> Schedule:
    Schedule.objects.exclude(task="prune_inbox").update(is_enabled=False)
    Schedule.objects.filter(task="prune_inbox").update(next_run_at=NOW)
    return Schedule.objects.get(task="prune_inbox")


def said_of(pruning: Schedule) -> str:
    pruning.refresh_from_db()
    return pruning.last_outcome


def test_a_task_says_what_its_job_did_not_what_was_wished(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()

    schedule.tick(NOW)
    before = said_of(pruning)
    work("bulk")

    assert before.startswith("Waiting for a worker since")
    assert said_of(pruning).startswith("Deleted the raw bytes of 0 inbox items")
    run = pruning.runs.get()
    assert (run.tries, run.failed, run.finished_at is not None) == (1, False, True)


def test_a_start_that_the_queue_dropped_is_tried_at_the_next_tick(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()
    django_rq.get_queue("bulk").enqueue("math.sqrt", 4)

    schedule.tick(NOW)
    dropped = said_of(pruning)
    work("bulk")
    schedule.tick(NOW + timedelta(seconds=1))
    work("bulk")

    assert dropped == "Waiting for the queue."
    assert said_of(pruning).startswith("Deleted the raw bytes")


def test_a_start_that_was_wiped_from_the_queue_is_tried_a_minute_later(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()
    schedule.tick(NOW)
    redis.flushdb()

    schedule.tick(NOW + timedelta(seconds=59))
    within_the_minute = waiting("bulk")
    schedule.tick(NOW + timedelta(seconds=61))
    work("bulk")

    assert within_the_minute == 0
    assert said_of(pruning).startswith("Deleted the raw bytes")


def killed_amid(pruning: Schedule) -> ScheduleRun:
    """As its job leaves it: begun, not finished; its lease has run out."""
    schedule.tick(NOW)
    django_rq.get_queue("bulk").empty()
    run = pruning.runs.get()
    ScheduleRun.objects.filter(pk=run.pk).update(started_at=NOW, tries=1)
    return run


def test_a_start_whose_job_was_killed_is_begun_again(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()
    run = killed_amid(pruning)

    schedule.tick(NOW + timedelta(seconds=61))
    between = said_of(pruning)
    work("bulk")

    run.refresh_from_db()
    assert between.startswith("Stopped before it finished; queued again")
    assert (run.tries, run.failed) == (2, False)
    assert said_of(pruning).startswith("Deleted the raw bytes")


def test_a_start_that_goes_on_is_not_queued_beside_itself(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()
    killed_amid(pruning)
    held = lease.acquire(schedule_runs.lease_name(pruning.pk), timedelta(minutes=1))

    schedule.tick(NOW + timedelta(minutes=5))

    assert (held is not None, waiting("bulk")) == (True, 0)


def test_a_task_that_always_stops_its_worker_is_given_up_and_says_so(redis: Redis) -> None:
    pruning = nightly_pruning_is_due()
    run = killed_amid(pruning)
    ScheduleRun.objects.filter(pk=run.pk).update(tries=schedule_runs.MOST_TRIES)

    schedule.tick(NOW + timedelta(seconds=61))
    work("bulk")

    assert said_of(pruning) == "Failed: it stopped 5 times before it finished."


def fail(clock: object) -> str:
    raise ValueError("the disk is full")


def test_a_task_that_fails_says_so_and_runs_again_at_its_next_time(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruning = nightly_pruning_is_due()
    monkeypatch.setitem(tasks.TASKS, "prune_inbox", tasks.Task(fail))

    schedule.tick(NOW)
    work("bulk")

    assert said_of(pruning) == "Failed: ValueError: the disk is full"
    assert pruning.next_run_at is not None
    assert (pruning.next_run_at > NOW, pruning.runs.get().failed) == (True, True)


def test_only_the_newest_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_runs, "KEPT", 2)
    pruning = Schedule.objects.get(task="prune_inbox")
    for _ in range(4):
        pruning.runs.create(task="prune_inbox", due_at=NOW, started_at=NOW, finished_at=NOW)

    assert (schedule_runs.prune(), pruning.runs.count()) == (2, 2)
