"""The scheduler sleeps until PostgreSQL says that work was committed, and looks now and then all the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import django_rq
import psycopg
import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from redis import Redis

from bounces import cleaning, lease, outbox, process
from bounces.intake.upload import keep_upload
from bounces.models import Dirty, Incident
from bounces.wake import Ear
from contacts.models import Export, MergeRun
from contacts.models.sources import SourceCount
from crm.mail.models import OutgoingEmail
from crm.management.commands import scheduler
from crm.models import WebhookDelivery, WebhookEndpoint
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_user, an_address, an_import_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    ear.open()
    assert ear.hears
    yield ear
    ear.close()


def something_arrives() -> None:
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail()), a_user("manager"), NOW)


def a_delivery() -> None:
    endpoint = WebhookEndpoint.objects.create(
        name="x", url="https://x.example", topics=["guard.paused"], sealed_secret="s"
    )
    WebhookDelivery.objects.create(
        endpoint=endpoint, message_id="1", topic="test", payload={}, due_at=NOW, created_at=NOW
    )


WORK: dict[str, Callable[[], object]] = {
    "inbox": something_arrives,
    "news": lambda: Dirty.objects.create(address_id=an_address().pk),
    "outbox": lambda: outbox.announce("noted", {}, NOW),
    "cleaning": lambda: cleaning.start_run(via="page", now=NOW),
    "crm.webhooks.sending.is_due": a_delivery,
    "crm.mail.sending.is_due": lambda: OutgoingEmail.objects.create(kind="x", occasion="1", due_at=NOW, created_at=NOW),
    "contacts.importing.runs.is_waiting": lambda: an_import_run(state="staging"),
    "contacts.exporting.runs.is_waiting": lambda: Export.objects.create(
        subject="contacts", created_at=NOW, by=a_user()
    ),
    "contacts.duplicates.runs.is_waiting": lambda: MergeRun.objects.create(
        by=a_user(), reason="Certain.", last_pair_id=0, created_at=NOW
    ),
    "contacts.sources.is_waiting": lambda: SourceCount.objects.create(days=30, asked_at=NOW),
}


def test_every_kind_of_work_is_known_here(settings: LazySettings) -> None:
    assert {name for _, name, _ in settings.WAITING_WORK} - set(WORK) == set()


@pytest.mark.parametrize("kind", WORK)
def test_work_that_is_committed_wakes_the_scheduler(kind: str, ear: Ear) -> None:
    WORK[kind]()

    assert ear.wait(1)


def test_what_a_person_decides_about_an_incident_wakes_it(ear: Ear) -> None:
    Incident.objects.update(state="dismissed")

    assert ear.wait(1)


def test_what_is_rolled_back_wakes_nobody(ear: Ear) -> None:
    with transaction.atomic():
        an_import_run()
        transaction.set_rollback(True)

    assert not ear.wait(0.2)


def test_while_the_flow_runs_it_looks_for_itself(ear: Ear) -> None:
    """A notification makes the commits of a database wait for each other."""
    lease.acquire(process.LEASE, timedelta(seconds=30))

    something_arrives()

    assert not ear.wait(0.2)


def test_of_those_that_insert_side_by_side_one_notifies(ear: Ear) -> None:
    """Commits that notify wait for each other: a hundred requests at once would lose the commit that they share."""
    insert = "INSERT INTO bounces_dirty (address_id) VALUES (%s)"
    pk = an_address().pk
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as first:
        first.execute(insert, [pk])
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as second:
            second.execute(insert, [pk])
        assert not ear.wait(0.2)  # the second is committed, and leaves it to the first
    assert ear.wait(1)


def test_one_that_lost_its_connection_listens_anew(ear: Ear) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    with pytest.raises(scheduler.OUTAGES):
        wait_for_ever(ear)
    ear.open()

    something_arrives()

    assert ear.wait(1)


def wait_for_ever(ear: Ear) -> None:
    while True:
        ear.wait(1)


def test_a_signal_ends_the_wait(ear: Ear) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    ear.stop_on_signals()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    began = time.monotonic()
    assert ear.wait(30)

    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])
    assert (ear.is_stopped, time.monotonic() - began < 10) == (True, True)


@pytest.fixture
def sleeping_scheduler(redis: Redis) -> Iterator[Ear]:
    """At rest: it would look again in ten seconds."""
    ear = Ear()

    def work() -> None:
        scheduler.run(ear)
        ear.close()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    yield ear
    ear.is_stopped = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('rebound_work', '')")
    thread.join(30)


def test_what_arrives_at_rest_is_started_at_once(sleeping_scheduler: Ear) -> None:
    something_arrives()
    began = time.monotonic()
    while not django_rq.get_queue("intake").count and time.monotonic() < began + 5:
        time.sleep(0.01)

    assert time.monotonic() - began < 2  # a few hundredths on a machine that does nothing else


def test_where_nothing_is_heard_it_looks_four_times_a_second(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pool that shares connections."""
    ear = Ear()
    looks: list[float] = []
    monkeypatch.setattr(Ear, "_probe", lambda _: False)

    def look() -> bool:
        looks.append(time.monotonic())
        ear.is_stopped = len(looks) == 4
        return False

    monkeypatch.setattr(scheduler, "_tick", look)
    scheduler.run(ear)
    ear.close()

    assert looks[-1] - looks[0] < 5


def test_at_rest_it_still_looks_now_and_then(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "REST", 0.3)
    monkeypatch.setattr(scheduler, "AWAKE", 0.0)
    ear = Ear()
    looks: list[float] = []

    def look() -> bool:
        looks.append(time.monotonic())
        ear.is_stopped = len(looks) == 3
        return False

    monkeypatch.setattr(scheduler, "_tick", look)
    scheduler.run(ear)
    ear.close()

    assert 0.5 < looks[-1] - looks[0] < 5
