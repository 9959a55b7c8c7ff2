"""`manage.py crew`: the scheduler and a worker for each queue, forked from one process. What `up` runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections
from django.utils.module_loading import autodiscover_modules, import_string

from bounces.classification import read_and_judge
from bounces.providers import load_providers
from crm.management.commands import scheduler, worker
from crm.up import crew


class Command(BaseCommand):
    help = "Run the scheduler and a worker for each queue, forked from one process, until SIGTERM."

    def handle(self, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        load_all()
        works: dict[str, Callable[[], None]] = {"scheduler": scheduler.Command().handle}
        for queue in settings.RQ_QUEUES:
            works[queue] = functools.partial(worker.Command().handle, queues=[queue], burst=False)
        crew.run(works, self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


A_BOUNCE = b"""\
From: Mail Delivery Subsystem <mailer-daemon@mx.example.org>
To: bounces@rebound.example
Subject: Undelivered Mail Returned to Sender

<ada@example.org>: host mx.example.org said: 550 5.1.1 No such user here
"""


def load_all() -> None:
    """What jobs would load later, each process for itself, is loaded once; no connection is left open.

    To compile the rules of classification alone costs a job a tenth of a second of CPU.
    """
    autodiscover_modules("jobs")
    for name, is_waiting, job in settings.WAITING_WORK:  # noqa: B007 -- the queue's name is not needed
        import_string(is_waiting), import_string(job)
    for receivers in settings.OUTBOX_RECEIVERS.values():
        for receiver in receivers:
            import_string(receiver)
    import_string("bounces.schedule.tick")
    import_string("bounces.wake.Ear")
    read_and_judge(A_BOUNCE)
    load_providers()
    connections.close_all()
