"""Who reads mailboxes: the command, the scheduler, and those who wait for news."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bounces import lease
from bounces.intake import imap, mailboxes, watching
from bounces.intake.mailboxes import TROUBLE, read_source, try_source
from bounces.models import InboundItem, IntakeSource, Schedule
from tests.bounces.dovecot import needs_dovecot
from tests.bounces.imap.mailbox import AN_HOUR, a_source, some_mails

pytestmark = [needs_dovecot, pytest.mark.django_db]


def test_a_source_is_tried_without_touching_anything(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="delete")
    assert try_source(source) == f"Signed in as {user}: 3 mails in “INBOX”. The server tells of new ones at once."
    assert (server.count(user), InboundItem.objects.count()) == (3, 0)
    source.secrets = {"password": "wrong"}
    with pytest.raises(TROUBLE, match="refused the password"):
        try_source(source)


def test_the_command_reads_all_mailboxes_and_says_what_it_was(server, user, capsys):
    server.deliver(user, *some_mails(2))
    good, bad = a_source(server, user), a_source(server, user, password="wrong")
    IntakeSource.objects.create(name="off", kind="imap", trust="token", is_enabled=False)

    with pytest.raises(CommandError, match="Not every mailbox"):
        call_command("intake", "imap", "--once")

    said = capsys.readouterr().out
    assert f"{good.name}: 2 new, 0 here before, 0 too large." in said
    assert f"{bad.name}: 0 new, 0 here before, 0 too large. The server refused the password of {user}." in said
    assert "off" not in said


def test_the_scheduler_has_the_mailboxes_read(server, user, run_jobs):
    server.deliver(user, *some_mails(2))
    source = a_source(server, user)
    assert Schedule.objects.get(task="read_mailboxes").is_enabled
    Schedule.objects.filter(task="read_mailboxes").update(next_run_at=timezone.now())

    run_jobs()

    assert InboundItem.objects.filter(source=source.door).count() == 2
    said = Schedule.objects.get(task="read_mailboxes").last_outcome
    assert said == "Mailboxes read: 1. New emails: 2."


@pytest.mark.django_db(transaction=True)
def test_a_watched_mailbox_is_read_within_a_moment_and_another_reader_does_nothing(server, user):
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    stop = threading.Event()
    watcher = threading.Thread(target=watching.watch_all, args=(timezone.now, stop))
    watcher.start()
    try:
        wait_for(lambda: InboundItem.objects.count() == 1)
        server.deliver(user, *some_mails(1))
        wait_for(lambda: InboundItem.objects.count() == 2)
        assert read_source(source, timezone.now, AN_HOUR) is None
    finally:
        stop.set()
        watcher.join(15)
    assert lease.is_free(imap.lease_name(source.pk))


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_whose_reader_was_killed_is_read_soon_after_its_lease_ran_out(server, user, monkeypatch):
    """Each look at the taken lease is no failure: it makes the next one no later."""
    monkeypatch.setattr(watching, "LOOK_AGAIN", 0.1)
    monkeypatch.setattr(watching, "PAUSES", (0.1, 60.0, 60.0, 60.0))
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    lease.acquire(imap.lease_name(source.pk), timedelta(seconds=1.5))
    stop = threading.Event()
    watcher = threading.Thread(target=watching.watch_all, args=(timezone.now, stop))
    watcher.start()
    try:
        wait_for(lambda: InboundItem.objects.count() == 1)
    finally:
        stop.set()
        watcher.join(15)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_options_are_read_however_a_form_stored_them():
    source = IntakeSource(options={"host": ["imap.example.com"], "port": [993], "user": "ada"})
    assert mailboxes.mailbox_of(source).host == "imap.example.com"
    source.options = {"sign_in": "google", "user": "ada"}
    assert (mailboxes.mailbox_of(source).host, mailboxes.mailbox_of(source).port) == ("imap.gmail.com", 993)
