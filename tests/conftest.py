"""What every test may use: this run's own PostgreSQL and Valkey, and a worker that runs what is queued.

The servers start with the first test that needs a database and stop with the session, on Ctrl-C too; the
kernel stops them should pytest be killed. With DATABASE_URL and REDIS_URL set, those are used instead.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import django_rq
import pytest
from django.conf import settings
from django.test import TransactionTestCase
from django.utils import timezone
from pytest_django import DjangoDbBlocker
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from crm.up import places, private
from tests.first_state import FirstState


def pytest_addoption(parser: pytest.Parser) -> None:
    said = "run long tests in full, not only the part that takes a minute"
    parser.addoption("--all", action="store_true", dest="run_all", help=said)


@pytest.fixture(scope="session")
def run_all(pytestconfig: pytest.Config) -> bool:
    """True with --all: a test that walks a large space walks all of it, else the part that takes a minute."""
    return bool(pytestconfig.getoption("run_all"))


@pytest.fixture(scope="session")
def private_servers() -> Iterator[None]:
    wanted = private.wanted(settings)
    if not wanted:
        yield
        return
    here = places.prepare(wanted.var)
    # Locked: a command that a test starts shares these servers. Else it takes them for a killed run's and ends them.
    with places.locked(here, "the tests"), private.serving(wanted, here, durable=False):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(private_servers: None, django_db_modify_db_settings: None) -> None:
    """pytest-django asks for this before it makes the test database: the moment to start the servers."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Each test that commits is followed by the database as it was migrated, where Django would only empty it."""
    with django_db_blocker.unblock():
        first_state = FirstState.keep()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", staticmethod(first_state.give_back))
        yield


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A private server goes with its folder: there is no database to drop, and no connection to wait for."""
    return bool(private.wanted(settings))


@pytest.fixture
def redis(private_servers: None) -> Iterator[Redis]:
    """An empty Redis."""
    connection = django_rq.get_connection("intake")
    connection.flushdb()
    yield connection
    connection.flushdb()


class WorkerInProcess(SimpleWorker):
    """Works here and now; Ctrl-C stays pytest's."""

    def _install_signal_handlers(self) -> None:
        pass


@pytest.fixture
def run_jobs(redis: Redis) -> Callable[[], None]:
    """`run_jobs()`: one tick of the scheduler, then a worker until nothing is queued. A failed job fails the test."""

    def run() -> None:
        from bounces import schedule

        schedule.tick(timezone.now())
        queues = [django_rq.get_queue(name) for name in settings.RQ_QUEUES]
        worker = WorkerInProcess(queues, connection=redis, serializer=JSONSerializer)
        worker.work(burst=True, logging_level="WARNING")
        for queue in queues:
            for job_id in queue.failed_job_registry.get_job_ids():
                job = queue.fetch_job(job_id)
                pytest.fail(str(job and job.exc_info))

    return run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that the end of a run waits for none of it.

    Tests marked `full` run only with --all. They are deselected, not skipped: a skip says that a program is missing.
    """
    if not config.getoption("run_all"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: item.get_closest_marker("services") is None)


def pytest_collection_finish() -> None:
    """What is imported stays: the garbage collector need not look at it again, a fourth of what migrating costs."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A suite that did not run is said last and loudly: green must not hide it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    terminalreporter.section("NOT EVERYTHING RAN", sep="!", red=True, bold=True)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} tests SKIPPED: {reason}", red=True, bold=True)
