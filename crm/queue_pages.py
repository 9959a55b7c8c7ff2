"""The queue's dashboard (django-rq), whose pages fail for a job that ended while somebody looked.

In: the package's URL patterns. Out: the same, for staff as before, where a job that is gone leads back to its queue
with a sentence, and a queue or worker that is not there is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern
from django_rq import urls as django_rq_urls
from django_rq.queues import get_queue_by_index
from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.job import Job

View = Callable[..., HttpResponseBase]

IS_GONE = (NoSuchJobError, InvalidJobOperation, DeserializationError)
# No such queue; a job's or worker's name that cannot be one; a scheduler that Rebound does not use.
IS_NOT_THERE = (IndexError, ValueError, AssertionError, ImproperlyConfigured)
SAID = "This job is no longer in the queue: it has ended, or somebody deleted it."


def patterns() -> list[URLPattern]:
    """Without the way in by a token, which no setting gives out."""
    return [watched(each) for each in django_rq_urls.urlpatterns if "token" not in str(each.pattern)]


def watched(page: URLPattern) -> URLPattern:
    return URLPattern(page.pattern, forgiving(page.callback), page.default_args, page.name)


def forgiving(view: View) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method == "POST" and "job_ids" in request.POST and "queue_index" in kwargs:
                request.POST = only_present(request.POST, kwargs["queue_index"])
            return view(request, *args, **kwargs)
        except IS_GONE:
            messages.warning(request, SAID)
            return redirect("django_rq:jobs", kwargs.get("queue_index", 0))
        except IS_NOT_THERE as error:
            raise Http404("There is no such queue, job or worker.") from error

    return answer


def only_present(form: Any, queue_index: int) -> Any:
    """The form without jobs that are gone: else the first of them keeps the others from being dealt with."""
    queue = get_queue_by_index(queue_index)
    copy = form.copy()
    copy.setlist("job_ids", list(present(form.getlist("job_ids"), queue)))
    return copy


def present(job_ids: Iterable[str], queue: Any) -> Iterable[str]:
    for job_id in job_ids:
        try:
            if Job.exists(job_id, connection=queue.connection):
                yield job_id
        except ValueError:  # no id of a job
            continue
