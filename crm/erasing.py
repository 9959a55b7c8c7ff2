"""What sessions and the queue keep of an erased person. Called by `bounces/erasure.py` through `ERASURE_RECEIVERS`.

In: the person's traces. Out: sessions without the values that name them (nobody is signed out), no job whose error
names them. Redis is no part of the transaction: it is cleared once that is committed.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import django_rq
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from rq.job import Job
from rq.registry import BaseRegistry

from bounces.traces import Traces

SIGN_IN = "_auth_"  # what Django remembers of the sign-in: ids and hashes


def forget(traces: Traces) -> None:
    forget_sessions(traces)
    transaction.on_commit(partial(forget_jobs, traces))


def forget_sessions(traces: Traces) -> None:
    for row in Session.objects.iterator():
        data = row.get_decoded()
        kept = {
            key: value for key, value in data.items() if key.startswith(SIGN_IN) or not is_about(key, value, traces)
        }
        if kept != data:
            row.session_data = SessionStore().encode(kept)
            row.save(update_fields=["session_data"])


def is_about(key: str, value: Any, traces: Traces) -> bool:
    return traces.occurs_in(key) or traces.occurs_in(json.dumps(value, ensure_ascii=False, default=str))


def forget_jobs(traces: Traces) -> None:
    """Jobs that ended: what they had to do stands in the database, and what they said goes."""
    for name in settings.RQ_QUEUES:
        queue = django_rq.get_queue(name)
        for registry in (queue.failed_job_registry, queue.finished_job_registry):
            for job_id in registry.get_job_ids():
                _forget_job(queue.fetch_job(job_id), registry, traces)


def _forget_job(job: Job | None, registry: BaseRegistry, traces: Traces) -> None:
    if job is None:
        return
    said = [job.description, str(job.args), str(job.kwargs), str(job.meta)]
    for result in job.results():
        said += [result.exc_string, str(result.return_value)]
    if any(traces.occurs_in(text) for text in said if text):
        registry.remove(job, delete_job=True)
