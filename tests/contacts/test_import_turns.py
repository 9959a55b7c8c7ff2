"""Imports at the same time: none keeps the worker from others, and a file of far too many rows is refused at once."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_rq.workers import get_worker
from rq.serializers import JSONSerializer

from bounces import lease
from bounces.schedule import queue
from contacts.exporting import runs as exports
from contacts.exporting.jobs import export_job
from contacts.importing import applying, jobs, runs, staging, turns, undoing
from contacts.importing.reading import UnreadableFile
from contacts.importing.turns import place_of, waiting, work_in_turns
from contacts.models import Contact, Export, ImportChunk, ImportRun
from tests.builders import NOW, a_contact, a_user
from tests.contacts.doors import refused_by_the_admin, refused_by_the_api, refused_by_the_command, refused_by_the_page
from tests.contacts.importing import begun, done, previewed, state_hash, undone
from tests.tools import a_tool

pytestmark = pytest.mark.django_db


# --- too many rows --------------------------------------------------------------------------------

TINY = {
    "lines": b"email\n" + b"a\n" * 3000,
    "old lines": b"email\r" + b"a\r" * 3000,
    "lines of two": b"email\r\n" + b"a\r\n" * 3000,
    "wide letters": ("email\n" + "a\n" * 3000).encode("utf-16"),
    "objects in one line": b"[" + b'{"email":"a"},' * 3000 + b'{"email":"a"}]',
    "objects a line": b'{"email":"a"}\n' * 3000,
    "cards": b"BEGIN:VCARD\nEND:VCARD\n" * 3000,
}


@pytest.mark.parametrize("file", TINY)
def test_a_file_of_too_many_rows_is_refused_while_it_comes_in(file: str, settings: Any):
    settings.IMPORT_ROWS = 1000
    with pytest.raises(UnreadableFile, match="more than 1,000 rows"):
        runs.take_file([TINY[file]], "people", by=None, via="test", now=NOW)
    assert not ImportRun.objects.exists()
    assert not ImportChunk.objects.exists()


def test_ten_million_tiny_lines_are_refused_within_seconds_at_every_door(tmp_path: Path):
    boss, body = a_user("admin"), b"email\n" + b"a\n" * 10_000_000
    began = time.monotonic()
    told = {
        "page": refused_by_the_page(boss, "people.csv", body),
        "command": refused_by_the_command(boss, tmp_path / "people.csv", body),
        "api": refused_by_the_api(boss, "people.csv", body),
    }
    assert not ImportChunk.objects.exists()
    assert set(told.values()) == {"The file has more than 2,000,000 rows. Split it and import the parts."}
    assert "more than 100,000 rows. Bring it on the page" in refused_by_the_admin(boss, "people.csv", body)
    assert time.monotonic() - began < 30


def test_lines_within_a_cell_are_no_rows(settings: Any):
    settings.IMPORT_ROWS = 100
    note = "a line\n" * 100
    body = "email,title\n" + "".join(f'p{n}@x.example,"{note}"\n' for n in range(50))
    run = runs.take_file([body.encode()], "people.csv", by=None, via="test", now=NOW)
    assert run.headers == ["email", "title"]


def test_rows_are_counted_again_while_they_are_read(settings: Any):
    settings.IMPORT_ROWS = 100
    run = previewed("email\n" + "".join(f"p{n}@x.example\n" for n in range(101)))
    assert (run.state, run.error) == ("failed", "The file has more than 100 rows. Split it and import the parts.")
    assert not ImportChunk.objects.exists()


# --- turns ----------------------------------------------------------------------------------------


@pytest.fixture
def short_turns(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is one step, and a step a few rows."""
    settings.IMPORT_TURN = 0
    monkeypatch.setattr(staging, "CHUNK", 20)
    monkeypatch.setattr(undoing, "BATCH", 20)


def a_list(rows: int, name: str = "p") -> str:
    return "email,first_name,tags\n" + "".join(f"{name}{n}@x.example,N{n},fair\n" for n in range(rows))


def a_turn() -> bool:
    return work_in_turns(lambda: NOW, lambda: True)


def test_a_short_list_is_done_before_a_long_one_that_came_earlier(short_turns: None):
    long = begun(a_list(100))
    assert a_turn()
    short = begun(a_list(1, "q"))
    assert a_turn()
    short.refresh_from_db()
    while a_turn() and short.is_running:
        short.refresh_from_db()
    long.refresh_from_db()
    assert (short.state, long.state) == ("ready", "staging")
    assert 0 < long.total < 100


def test_long_lists_share(short_turns: None):
    first, second = begun(a_list(200)), begun(a_list(200, "q"))
    for _ in range(8):
        a_turn()
    first.refresh_from_db()
    second.refresh_from_db()
    assert min(first.total, second.total) > 0


def test_an_import_that_is_alone_keeps_the_worker(short_turns: None):
    run = begun(a_list(100))
    assert not work_in_turns(lambda: NOW, lambda: False)
    run.refresh_from_db()
    assert run.state == "ready"


def test_in_turns_the_same_comes_of_a_list_as_at_once(short_turns: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(applying, "BATCH", 20)
    boss = a_user("manager")
    a_contact("p3@x.example", first_name="Old", last_name="Person", owner=boss)
    before = state_hash(SERIALS)
    at_once = done(a_list(100), by=boss)
    whole, counts = state_of_contacts(), (at_once.counts, at_once.written)
    undone(at_once, boss)

    run = begun(a_list(100), by=boss)
    turns = 0
    while a_turn():
        turns += 1
    run.refresh_from_db()
    runs.confirm(run, boss, NOW)
    while a_turn():
        turns += 1
    run.refresh_from_db()
    assert turns > 10
    assert (state_of_contacts(), (run.counts, run.written), run.state) == (whole, counts, "done")

    runs.undo(run, boss, "a mistake", NOW)
    while a_turn():
        turns += 1
    run.refresh_from_db()
    assert (run.state, run.kept, state_hash(SERIALS)) == ("undone", 0, before)


SERIALS = ("contacts_tag",)


def state_of_contacts() -> list[Any]:
    contacts = Contact.objects.order_by("contact_addresses__address__email")
    return list(contacts.values_list("contact_addresses__address__email", "first_name", "tags__name"))


@pytest.mark.django_db(transaction=True)
def test_other_bulk_work_comes_in_between(short_turns: None, run_jobs: Any):
    boss, run = a_user("manager"), begun(a_list(200), at_once=True)
    exports.begin("contacts", "csv", {}, [], boss, NOW)
    queue("bulk").enqueue(jobs.import_job)
    queue("bulk").enqueue(export_job)
    run_jobs()
    run.refresh_from_db()
    export = Export.objects.get()
    assert (run.state, export.state) == ("done", "done")
    assert export.finished_at < run.finished_at


def test_the_page_and_the_api_say_how_many_are_ahead(client: Any, short_turns: None):
    boss = a_user("manager")
    client.force_login(boss)
    long, short = begun(a_list(100), by=boss), begun(a_list(1), by=boss)
    assert [place_of(short), place_of(long), list(waiting())] == [0, 1, [short, long]]
    page = client.get(reverse("contacts:import_run", args=[long.pk])).content.decode()
    assert "1 import is ahead" in " ".join(page.split())
    assert "ahead" not in client.get(reverse("contacts:import_progress", args=[short.pk])).content.decode()
    assert a_tool(user=boss).get(f"imports/{long.pk}/").json()["progress"]["ahead"] == 1


def test_a_killed_workers_turn_holds_nobodys_place():
    run, other = begun(a_list(1)), begun(a_list(1, "q"))
    ImportRun.objects.filter(pk=other.pk).update(is_in_turn=True)
    assert place_of(run) == 1
    while a_turn():
        pass
    assert not ImportRun.objects.filter(is_in_turn=True).exists()


def test_an_import_that_no_worker_can_carry_says_so(client: Client):
    manager = a_user("manager")
    client.force_login(manager)
    run = begun("email\nada@example.org\n", by=manager)
    assert "No worker is running" in client.get(run.get_absolute_url()).content.decode()
    assert "No worker is running" in client.get(f"{run.get_absolute_url()}progress/").content.decode()


def test_an_import_that_somebody_works_at_is_not_left_alone():
    run = begun("email\nada@example.org\n")
    held = lease.acquire(runs.LEASE, timedelta(seconds=60))
    assert held is not None
    assert not turns.is_left_alone(run)
    lease.release(held)
    assert turns.is_left_alone(run)


def test_an_import_is_not_left_alone_while_a_worker_of_its_queue_lives():
    run = begun("email\nada@example.org\n")
    for name, is_alone in (("intake", True), ("bulk", False)):
        worker = get_worker(name, serializer=JSONSerializer)
        worker.register_birth()
        try:
            assert turns.is_left_alone(run) is is_alone
        finally:
            worker.register_death()


def test_an_import_that_has_ended_is_not_left_alone():
    assert not turns.is_left_alone(done("email\nada@example.org\n"))
