"""Whether any worker of a queue lives. In: a queue's name. Out: yes or no.

Redis knows the workers: each says every few seconds that it lives, and is forgotten within about a minute where it does
not. A Redis that does not answer has no workers that could be reached.
"""

from __future__ import annotations

import django_rq
from redis.exceptions import RedisError
from rq import Worker


def has_worker(name: str) -> bool:
    """Whether a living worker takes jobs of the queue."""
    try:
        return bool(Worker.all(queue=django_rq.get_queue(name)))
    except RedisError:
        return False
