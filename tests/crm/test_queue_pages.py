"""The pages of the queue: jobs come and go while people look, so none of them fails for what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django_rq
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from redis import Redis
from rq.job import Job, JobStatus
from rq.registry import DeferredJobRegistry, FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry

from tests.builders import a_user
from tests.filling import url_patterns

GONE = "0b0b0b0b-0000-0000-0000-000000000000"
ODD_IDS = [GONE, "a:b", "é"]
PLACES = {"queue_index": 0, "scheduler_index": 0, "connection_index": 0}
NAMES = sorted(
    (name, tuple(pattern.pattern.converters)) for name, _, pattern in url_patterns() if name.startswith("django_rq:")
)


@pytest.fixture
def admin(db: None, redis: Redis) -> Client:
    client = Client()
    client.force_login(a_user("admin"))
    return client


def urls(name: str, kinds: tuple[str, ...], job_id: str, index: int = 0) -> str:
    given = {kind: index if kind in PLACES else job_id for kind in kinds}
    return reverse(name, kwargs=given)


def a_job(status: JobStatus | None = None) -> Job:
    queue = django_rq.get_queue(next(iter(settings.RQ_QUEUES)))
    job = queue.enqueue("bounces.jobs.run_flow_job")
    if status is None:
        return job
    queue.remove(job)
    job.set_status(status)
    registries: dict[JobStatus, Any] = {
        JobStatus.FAILED: FailedJobRegistry,
        JobStatus.FINISHED: FinishedJobRegistry,
        JobStatus.DEFERRED: DeferredJobRegistry,
        JobStatus.STARTED: StartedJobRegistry,
    }
    redis_key = registries[status](queue=queue).key
    queue.connection.zadd(redis_key, {job.id: 4_000_000_000})
    return job


STATES = [None, JobStatus.FAILED, JobStatus.FINISHED, JobStatus.DEFERRED, JobStatus.STARTED]


def visits(client: Client, url: str, job_id: str) -> Iterator[tuple[str, int]]:
    yield "GET", client.get(url).status_code
    for data in (
        {},
        {"action": "delete", "_selected_action": [job_id]},
        *({"action": action, "job_ids": [job_id]} for action in ("delete", "requeue", "stop")),
    ):
        yield f"POST {data}", client.post(url, data).status_code


@pytest.mark.parametrize(("name", "kinds"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_that_is_gone_fails_no_page(admin: Client, name: str, kinds: tuple[str, ...]) -> None:
    for job_id in ODD_IDS:
        url = urls(name, kinds, job_id)

        assert [(how, status) for how, status in visits(admin, url, job_id) if status >= 500] == [], job_id


@pytest.mark.parametrize(("name", "kinds"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_queue_that_is_not_there_fails_no_page(admin: Client, name: str, kinds: tuple[str, ...]) -> None:
    url = urls(name, kinds, GONE, 99)

    assert [(how, status) for how, status in visits(admin, url, GONE) if status >= 500] == []


@pytest.mark.parametrize(("name", "kinds"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_in_any_state_has_its_pages_also_once_its_data_is_gone(
    admin: Client, redis: Redis, name: str, kinds: tuple[str, ...]
) -> None:
    for state in STATES:
        job = a_job(state)
        url = urls(name, kinds, job.id)
        assert admin.get(url).status_code < 500

        redis.delete(job.key)  # it expired; the list of its queue still names it
        assert [admin.get(url).status_code < 500, admin.post(url).status_code < 500] == [True, True], state


def test_whoever_looks_at_a_job_that_is_gone_is_told_so(admin: Client) -> None:
    answer = admin.get(reverse("django_rq:delete_job", args=[0, GONE]), follow=True)

    assert answer.redirect_chain == [(reverse("django_rq:jobs", args=[0]), 302)]
    assert "no longer in the queue" in answer.content.decode()
