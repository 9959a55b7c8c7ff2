"""So many requests a minute for each key (of sessions: for each user). In: a request. Out: yes, or 429.

The counts are in Redis, one number a key and minute, so that all web processes count together. They are worth
nothing: when Redis is away, hung or full, requests pass uncounted (invariant I9) and the log says so.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crm.models import ApiKey

MINUTE = 60
PATIENCE = 0.25  # seconds that a request waits for Redis
PAUSE = 5.0  # seconds for which nobody asks Redis again after it failed

log = structlog.get_logger(__name__)
_paused_until = 0.0


class KeyThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: Any) -> bool:  # noqa: ARG002 -- DRF's signature
        if not request.user.is_authenticated:
            return True
        who = f"key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"
        return count(who, int(time.time()) // MINUTE) <= settings.API_RATE

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE


def count(who: str, minute: int) -> int:
    """How many requests this is in this minute; 0 where Redis does not say."""
    global _paused_until  # one pause for the whole process
    if time.monotonic() < _paused_until:
        return 0
    name = f"rebound:api:{who}:{minute}"
    try:
        with connection().pipeline(transaction=False) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, 2 * MINUTE)
            return int(pipeline.execute()[0])
    except RedisError as error:
        _paused_until = time.monotonic() + PAUSE
        log.warning("api_requests_uncounted", error=str(error))
        return 0


@cache
def connection() -> Redis:
    """Its own, impatient one: the queue's waits and tries again."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )
