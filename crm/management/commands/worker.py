"""`manage.py worker QUEUE…`: an RQ worker that notices its dead colleagues, and whose work dies with it."""

from __future__ import annotations

import signal
import sys
from typing import Any

import django_rq
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django.utils.module_loading import autodiscover_modules
from django_rq.workers import get_worker
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from crm.up.processes import die_with_parent

# Measured: with these a killed worker's job comes back after 87 s; with RQ's defaults not at all in 760 s.
MAINTENANCE_INTERVAL = 30
WORKER_TTL = 45


class TiedWorker(Worker):
    """Its work horse dies with it: by default a killed worker's orphan runs on beside the retry."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)


class Command(BaseCommand):
    help = "Work on jobs of the named queues, until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", choices=sorted(django_rq.settings.QUEUES))
        parser.add_argument("--burst", action="store_true", help="end when the queues are empty")

    def handle(self, **options: Any) -> None:
        autodiscover_modules("jobs")  # imported once here, not again by the fork of each job
        try:
            worker = get_worker(
                *options["queues"],
                worker_class=TiedWorker,
                serializer=JSONSerializer,
                maintenance_interval=MAINTENANCE_INTERVAL,
                worker_ttl=WORKER_TTL,
            )
            connections.close_all()  # a forked job must not share ours
            worker.work(burst=options["burst"], with_scheduler=False, logging_level="WARNING")
        except RedisConnectionError as error:
            self.stderr.write(f"Redis does not answer: {error}")
            sys.exit(1)
