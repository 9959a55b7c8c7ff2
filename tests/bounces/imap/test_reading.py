"""Mailboxes, against a real Dovecot: nothing read twice, nothing moved before it is kept, nothing in the way."""

from __future__ import annotations

import imaplib
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bounces import lease, process
from bounces.intake import imap, imap_session
from bounces.intake.imap import batches
from bounces.intake.mailboxes import read_source
from bounces.models import Address, InboundItem, IntakeSource, MailboxPosition, RawChunk
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.bounces.dovecot import needs_dovecot
from tests.bounces.imap.mailbox import AN_HOUR, a_source, read, some_mails

pytestmark = [needs_dovecot, pytest.mark.django_db]


def test_a_bounce_in_a_mailbox_makes_the_address_invalid(server, user):
    server.deliver(user, a_bounce_mail())
    source = a_source(server, user)

    turn = read(source)
    process.run_flow(timezone.now)

    assert (turn.tally.new, turn.trouble) == (1, "")
    assert InboundItem.objects.get().source == f"imap:{source.name}"
    assert Address.objects.get(email=ADA).status == "invalid"
    assert (source.seen.received, source.seen.last_error) == (1, "")


def test_what_was_read_is_not_read_again_and_what_came_since_is(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    assert read(source).tally == imap.Tally()

    server.deliver(user, *some_mails(2))

    assert read(source).tally.new == 2
    assert MailboxPosition.objects.get().uid == 5
    assert server.count(user) == 5


def test_nothing_is_marked_as_seen(server, user):
    server.deliver(user, *some_mails(2))
    read(a_source(server, user))
    assert not [
        path for path in (server.folder / "mail" / user / "cur").glob("*") if "S" in path.name.partition(",")[2]
    ]


def test_what_is_done_is_moved_into_its_folder_which_is_made(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Bounces done")

    read(source)

    assert (server.count(user), server.count(user, "Bounces done")) == (0, 3)
    assert InboundItem.objects.count() == 3


def test_what_is_done_is_deleted_only_where_an_admin_says_so(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    assert server.count(user) == 3
    source.options["done"] = "delete"
    server.deliver(user, *some_mails(1))
    assert read(source).tally.new == 1
    assert server.count(user) == 0


def test_a_reader_that_dies_before_it_keeps_leaves_the_mail_where_it_is(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Done")
    monkeypatch.setattr(imap, "BATCH_MAILS", 1)
    monkeypatch.setattr(imap, "note_received", killed_after(2))
    with pytest.raises(KeyboardInterrupt):
        read(source)
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (2, 1, 1)

    monkeypatch.undo()

    assert read(source).tally.new == 2
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (0, 3, 3)


def test_what_was_kept_and_not_yet_moved_is_moved_the_next_time(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user, done="move", done_folder="Done")
    monkeypatch.setattr(imap_session.OpenFolder, "put_away", killed_after(1))
    with pytest.raises(KeyboardInterrupt):
        read(source)
    assert (server.count(user), InboundItem.objects.count()) == (3, 3)

    monkeypatch.undo()

    assert read(source).tally.new == 0
    assert (server.count(user), server.count(user, "Done"), InboundItem.objects.count()) == (0, 3, 3)


def killed_after(calls: int) -> Callable[..., None]:
    """Stands for something, and ends the process at that call."""
    left = iter(range(1, calls))

    def die(*args: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    return die


def test_a_folder_with_new_numbers_is_read_anew_and_nothing_is_kept_twice(server, user):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    read(source)
    server.forget_numbers(user)
    server.deliver(user, *some_mails(1))

    turn = read(source)

    assert (turn.tally.new, turn.tally.known) == (1, 3)
    assert InboundItem.objects.count() == 4


def test_another_mailbox_in_the_same_source_has_its_own_position(server, user):
    server.deliver(user, *some_mails(3))
    server.deliver(f"{user}b", *some_mails(2))
    source = a_source(server, user)
    read(source)
    source.options["user"] = f"{user}b"
    assert read(source).tally.new == 2


def test_a_mail_above_the_cap_is_named_left_alone_and_stops_nothing(server, user, settings):
    settings.MAIL_CAP = 10_000
    server.deliver(user, *some_mails(1), b"Subject: big\r\n\r\n" + b"x" * 20_000, *some_mails(1))
    source = a_source(server, user, done="move")

    turn = read(source)
    read(source)

    assert (turn.tally.new, turn.tally.refused) == (2, 1)
    refused = InboundItem.objects.get(state="quarantined")
    assert "left on the server" in refused.why
    assert not RawChunk.objects.filter(item_id=refused.pk).exists()
    assert server.count(user) == 1
    assert source.seen.refused == 1


def test_a_mail_that_the_server_cannot_give_out_is_named_and_stops_no_other(server, user, monkeypatch):
    server.deliver(user, *some_mails(5))
    source = a_source(server, user)
    fetch = imap_session.OpenFolder._fetch

    def broken_on_disk(opened: Any, uids: Any, parts: str) -> Any:
        if "BODY" in parts and 3 in uids:
            raise imap_session.NotGivenOut("The server did not give out the mails: NO Unable to retrieve message.")
        return fetch(opened, uids, parts)

    monkeypatch.setattr(imap_session.OpenFolder, "_fetch", broken_on_disk)
    turn = read(source)

    assert (turn.tally.new, turn.tally.refused, turn.trouble) == (4, 1, "")
    assert "does not give it out" in InboundItem.objects.get(state="quarantined").why
    assert read(source).tally == imap.Tally()


def test_a_mail_whose_size_the_server_gives_as_nothing_is_read(server, user, monkeypatch):
    server.deliver(user, *some_mails(2))
    monkeypatch.setattr(imap_session.OpenFolder, "sizes", lambda _, uids: dict.fromkeys(uids, 0))
    assert read(a_source(server, user)).tally.new == 2


def test_a_turn_ends_when_its_patience_does_and_the_next_goes_on(server, user, monkeypatch):
    monkeypatch.setattr(imap, "BATCH_MAILS", 10)
    server.deliver(user, *some_mails(25))
    source = a_source(server, user)
    first = read(source, timedelta())
    assert (first.tally.new, first.is_done) == (10, False)
    assert read(source).tally.new == 15


def test_a_backlog_stands_in_bounded_memory(server, user):
    server.deliver(user, *[b"Subject: %d\r\n\r\n" % n + b"x" * 40_000 + b"\r\n" for n in range(1500)])
    source = a_source(server, user)
    tracemalloc.start()
    turn = read(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert turn.tally.new == 1500
    assert peak < 60 * 1024 * 1024  # of 60 MB of mail, 8 at a time, some of them twice


def test_a_backlog_is_asked_for_in_answers_of_bounded_length(server, user, monkeypatch):
    """imaplib refuses lines above a million bytes: the numbers of 200,000 mails take more."""
    monkeypatch.setattr(imaplib, "_MAXLINE", 1000)
    monkeypatch.setattr(imap_session, "SPAN", 100)
    monkeypatch.setattr(imap_session, "UIDS_AT_ONCE", 50)
    server.deliver(user, *some_mails(350))
    source = a_source(server, user, done="move")
    assert read(source).tally.new == 350
    assert server.count(user) == 0


def test_batches_are_bounded_by_count_and_bytes(settings):
    settings.MAIL_CAP = imap.BATCH_BYTES
    sizes = {1: imap.BATCH_BYTES, 2: 5, 3: 5, 4: imap.BATCH_BYTES + 1, 5: imap.BATCH_BYTES - 10, 6: 1}
    assert list(batches(list(sizes), sizes)) == [[1], [2, 3, 4, 5], [6]]
    assert [len(batch) for batch in batches(range(450), {})] == [200, 200, 50]


def test_who_reads_already_is_not_disturbed(server, user):
    server.deliver(user, *some_mails(1))
    source = a_source(server, user)
    held = lease.acquire(imap.lease_name(source.pk), AN_HOUR)
    assert held is not None
    assert read_source(source, timezone.now, AN_HOUR) is None
    lease.release(held)
    assert read(source).tally.new == 1


def test_a_reader_that_was_presumed_dead_keeps_nothing(server, user, monkeypatch):
    server.deliver(user, *some_mails(3))
    source = a_source(server, user)
    fetch = imap_session.OpenFolder.bodies

    def slow(opened: Any, uids: Any) -> Any:
        take_over(source)
        return fetch(opened, uids)

    monkeypatch.setattr(imap_session.OpenFolder, "bodies", slow)
    assert read_source(source, timezone.now, AN_HOUR) is None
    assert InboundItem.objects.count() == 0


def take_over(source: IntakeSource) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE bounces_lease SET fence = fence + 1 WHERE name = %s", [imap.lease_name(source.pk)])
