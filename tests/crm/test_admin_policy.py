"""The policy and the schedules in the admin: new versions, told in words, nonsense refused at its field."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from bounces.admin.running import explain_cron
from bounces.models import CleaningRun, Policy, Schedule
from tests.builders import a_cleaning_run
from tests.crm.admin_pages import url

pytestmark = pytest.mark.django_db


def numbers(**changed: Any) -> dict[str, Any]:
    return {**Policy.active().numbers, "note": "Stricter.", **changed}


def test_changing_the_policy_makes_a_new_version(signed_in, boss):
    old = Policy.active()
    signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=3))
    new = Policy.active()
    old.refresh_from_db()
    assert (new.version, new.risk_count, new.created_by) == (old.version + 1, 3, boss)
    assert (old.is_active, old.risk_count) == (False, 2)


def test_a_new_version_is_applied_by_a_run(signed_in, boss):
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(risk_count=3), follow=True)
    run = CleaningRun.objects.get()
    assert (run.started_by, run.dry_run, run.policy) == (boss, False, Policy.active())
    assert f"Cleaning run {run.pk} applies it" in page.content.decode()


def test_a_new_version_beside_a_run_says_that_it_is_not_applied_yet(signed_in):
    a_cleaning_run("applying")
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(risk_count=3), follow=True)
    assert "is still going on" in page.content.decode()
    assert Policy.active().risk_count == 3


def test_an_old_policy_cannot_be_changed(signed_in):
    old = Policy.active()
    signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=3))
    assert signed_in.post(url(Policy, "change", old.pk), numbers(risk_count=9)).status_code == 403
    assert signed_in.get(url(Policy, "add")).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hard_limit", 0), ("soft_row_days", 1), ("soft_row_span_days", 0), ("soft_window_count", 1),
        ("soft_window_days", 0), ("risk_count", 0), ("risk_window_days", 0), ("reply_grace_days", -1),
        ("hard_limit", "many"), ("risk_count", 31), ("risk_window_days", 99999),
    ],
)  # fmt: skip
def test_a_policy_of_nonsense_is_refused_at_its_field(signed_in, field, value):
    page = signed_in.post(url(Policy, "change", Policy.active().pk), numbers(**{field: value}))
    assert field in page.context["adminform"].form.errors
    assert Policy.objects.count() == 1


@pytest.mark.parametrize("field", ["hard_limit", "soft_row_span_days", "risk_count", "risk_window_days"])
def test_the_database_refuses_it_too(field):
    with pytest.raises(IntegrityError):
        Policy.objects.create(version=2, **{field: 0})


def test_a_schedule_says_in_words_when_it_runs(signed_in):
    schedule = Schedule.objects.get(task="clean_all")
    data = {"name": "Nightly cleaning", "task": "clean_all", "cron": "30 4 * * *", "is_enabled": "on"}
    signed_in.post(url(Schedule, "change", schedule.pk), data)
    schedule.refresh_from_db()
    assert (schedule.cron, schedule.next_run_at.hour, schedule.next_run_at.minute) == ("30 4 * * *", 4, 30)
    assert "Every day at 04:30 UTC." in signed_in.get(url(Schedule, "change", schedule.pk)).content.decode()


@pytest.mark.parametrize("cron", ["", "nonsense", "* * * *", "61 * * * *", "0 0 0 0 0 0 0"])
def test_a_schedule_of_nonsense_is_refused(signed_in, cron):
    data = {"name": "Nightly cleaning", "task": "clean_all", "cron": cron, "is_enabled": "on"}
    page = signed_in.post(url(Schedule, "change", Schedule.objects.get(task="clean_all").pk), data)
    assert "cron" in page.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 2 * * *", "Every day at 02:00 UTC."),
        ("5 14 * * 1", "Every Monday at 14:05 UTC."),
        ("0 0 1 * *", "Every month on day 1 at 00:00 UTC."),
        ("7 * * * *", "Every hour at minute 7."),
        ("*/5 * * * *", "Every 5 minutes."),
    ],
)
def test_cron_is_told_in_words(cron, words):
    assert explain_cron(cron) == words


@pytest.mark.parametrize("cron", ["0 2 * * mon-fri", "*/5 8-18 * * 1,3", "0 0 29 2 *", "0 0 * * 7"])
def test_any_other_cron_is_told_by_its_next_times(cron):
    assert explain_cron(cron)
