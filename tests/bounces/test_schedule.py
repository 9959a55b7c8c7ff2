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

from bounces import cleaning, schedule
from bounces.admin.running import ScheduleAdmin
from bounces.intake.upload import keep_upload
from bounces.models import Address, CleaningRun, Policy, Schedule
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
    settings.WAITING_WORK = [("bulk", f"{__name__}.there_is_more", "bounces.jobs.learn_providers_job")]

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
    assert Schedule.objects.get(name="Forget").last_outcome == "Began forgetting old what-ifs."


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
