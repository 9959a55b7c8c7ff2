"""How gunicorn serves Rebound. In: its own command line (--bind). Out: worker processes with threads.

The requests are logged by django-structlog, so gunicorn keeps no access log of its own.
"""

import gc
import os
import signal
from pathlib import Path
from typing import Any

from crm.up.processes import die_with_parent

worker_class = "crm.web_worker.Worker"  # gthread, with errors that a client of the API can read
preload_app = True  # the workers share what is loaded
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
timeout = 120  # seconds; an upload of 500 MB over a slow line goes on for longer, but its thread lives
graceful_timeout = 4  # `up` gives the web six
keepalive = 5
errorlog = "-"
accesslog = None
loglevel = "warning"
control_socket_disable = True  # nobody steers it from outside
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- heartbeats belong in memory, not on a busy disk


def post_fork(server: Any, worker: Any) -> None:  # noqa: ARG001 -- gunicorn's signature
    die_with_parent(signal.SIGKILL)


def when_ready(server: Any) -> None:  # noqa: ARG001 -- gunicorn's signature
    """Before the first fork: the URLs and all they import are loaded, and the collector leaves that alone."""
    from django.db import connections
    from django.urls import get_resolver

    _ = get_resolver().reverse_dict
    connections.close_all()
    gc.collect()
    gc.freeze()
