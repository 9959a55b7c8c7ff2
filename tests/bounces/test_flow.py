"""The flow end to end: from a door to a status, on real PostgreSQL."""

from __future__ import annotations

import io
import mailbox
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import override_settings

from bounces import inbox, lease, process, suppressions, telling
from bounces.intake.events import keep_events, keep_mail
from bounces.intake.upload import keep_upload
from bounces.models import (
    Address,
    Bounce,
    Complaint,
    DailyStat,
    Dirty,
    EventKey,
    Evidence,
    InboundItem,
    Outbox,
    RawChunk,
    StatusChange,
    Suppression,
)
from bounces.values import Event, MailKind, Reading, Report
from bounces.verdict import check
from tests.bounces.arriving import a_blocked_mail, a_bounce_mail, a_complaint_mail, an_out_of_office
from tests.bounces.mails import a_delivery_report, a_recipient
from tests.builders import NOW, a_contact, a_user

pytestmark = pytest.mark.django_db

COUNTED = (Address, Bounce, Evidence, Complaint, Suppression, StatusChange, EventKey, InboundItem, DailyStat)


def upload(body: bytes, name: str = "bounce.eml") -> InboundItem:
    return keep_upload(SimpleUploadedFile(name, body), a_user("manager"), NOW)


def run() -> None:
    assert process.run_flow(lambda: NOW)


def ingested(body: bytes, name: str = "bounce.eml") -> InboundItem:
    item = upload(body, name)
    run()
    item.refresh_from_db()
    return item


def event(event_id: str = "e1", kind: str = "bounced", **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "event": kind,
        "recipient": "ada@example.org",
        "occurred_at": NOW.isoformat(),
        "message_id": "one@rebound.example",
        "campaign": "spring",
        "sender": "sales@rebound.example",
        **fields,
    }


def reported(*events: dict[str, Any]) -> None:
    keep_events(events, "api:1", None, NOW)
    run()


def totals() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in COUNTED}


def test_a_hard_bounce_makes_the_address_invalid() -> None:
    item = ingested(a_bounce_mail())

    address = Address.objects.get(email="ada@example.org")
    assert (address.status, address.status_rule) == ("invalid", "hard_bounce")
    assert (item.state, item.facts) == ("done", 1)


def test_the_check_answers_no_with_the_reason_of_the_page() -> None:
    ingested(a_bounce_mail())

    verdict = check(["Ada@Example.org"], NOW)["Ada@Example.org"]

    assert (verdict.answer, verdict.reason) == ("no", "userunknown")
    assert verdict.sentence == (
        "Invalid since 2 November 2026: the mailbox does not exist (550 5.1.1), "
        "said by mx.example.org on 2 November 2026."
    )


def test_an_out_of_office_changes_nobody() -> None:
    item = ingested(an_out_of_office())

    assert item.state == "ignored"
    assert "utomatic reply" in item.why
    assert not Address.objects.exists()


def test_a_block_changes_nobody() -> None:
    item = ingested(a_blocked_mail())

    address = Address.objects.get()
    assert (item.state, address.status) == ("done", "unverified")
    assert Bounce.objects.get().fault == "sender"


def test_a_complaint_suppresses_at_once() -> None:
    ingested(a_complaint_mail())

    assert Suppression.objects.get().reason == "complaint"
    assert check(["ada@example.org"], NOW)["ada@example.org"].reason == "complaint"


def test_a_lifted_complaint_told_again_by_another_door_does_not_overrule_the_person() -> None:
    ingested(a_complaint_mail())
    suppressions.lift(Suppression.objects.get(), a_user("manager"), "they asked us to", NOW)

    keep_mail(a_complaint_mail(), "again.eml", "api:1", None, NOW)
    run()

    assert not suppressions.active(NOW).exists()
    assert Complaint.objects.count() == 1


def test_a_report_of_failed_authentication_is_no_complaint() -> None:
    item = ingested(a_complaint_mail().replace(b"Feedback-Type: abuse", b"Feedback-Type: auth-failure"))

    assert item.state == "ignored"
    assert not Suppression.objects.exists()


def test_a_bounce_event_stays_one_whatever_feedback_type_its_tool_adds() -> None:
    reported(event(feedback_type="not-spam"))

    assert Bounce.objects.count() == 1
    assert InboundItem.objects.get().state == "done"


def test_a_complaint_event_that_takes_it_back_is_none() -> None:
    reported(event(kind="complained", feedback_type="not-spam"))

    assert InboundItem.objects.get().state == "ignored"


def test_recipients_that_are_not_recorded_are_named() -> None:
    reports = tuple(Report(event=Event.BOUNCED, recipient=name) for name in ("ada at home", None))
    left = telling.unrecorded(Reading(MailKind.BOUNCE, reports), [])

    assert left == " 2 recipients not recorded: “ada at home” and 1 more."


def test_recipients_of_whom_a_report_gives_no_address_are_counted() -> None:
    item = ingested(a_delivery_report(a_recipient("ada@example.org"), a_recipient("ada at home")))

    assert item.why.endswith("1 recipient not recorded: the report does not give their addresses.")


def test_recipients_beyond_the_most_that_are_recorded_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_RECIPIENTS", 1)
    item = ingested(a_delivery_report(*(a_recipient(f"a{n}@example.org") for n in range(8))))

    assert item.facts == 1
    assert "7 recipients not recorded: “a1@example.org”, " in item.why
    assert item.why.endswith(", “a5@example.org” and 2 more.")


def test_an_unsubscribe_suppresses_and_is_no_bounce() -> None:
    reported(event(kind="unsubscribed"))

    assert Suppression.objects.get().reason == "unsubscribe"
    assert not Bounce.objects.exists()


def test_the_same_file_twice_changes_nothing() -> None:
    ingested(a_bounce_mail())
    before = totals()

    ingested(a_bounce_mail())

    assert totals() == before


def test_the_same_event_twice_changes_nothing() -> None:
    reported(event(), event("e2", kind="delivered"))
    before = totals()

    reported(event(), event("e2", kind="delivered"))

    assert totals() == before


def test_one_failure_told_by_a_mail_and_by_a_tool_is_one_bounce() -> None:
    ingested(a_bounce_mail())
    reported(event(smtp={"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 User unknown"}))

    bounce = Bounce.objects.get()
    assert bounce.evidence.count() == 2
    assert {one.source for one in bounce.evidence.all()} == {"upload", "api:1"}


def test_better_evidence_gives_the_verdict_whatever_comes_first() -> None:
    vague = event(smtp={})
    ingested(a_bounce_mail())
    reported(vague)
    first = Bounce.objects.values("kind", "reason", "diagnostic").get()
    Bounce.objects.all().delete()
    EventKey.objects.all().delete()
    InboundItem.objects.all().delete()

    reported(vague)
    ingested(a_bounce_mail())

    assert Bounce.objects.values("kind", "reason", "diagnostic").get() == first
    assert first["reason"] == "userunknown"


def test_counts_of_a_day_move_with_the_verdict() -> None:
    reported(event(smtp={}))
    ingested(a_bounce_mail())

    stat = DailyStat.objects.get(dimension="campaign", key="spring")
    assert (stat.attempted, stat.bounced, stat.hard, stat.soft) == (1, 1, 1, 0)


def test_a_mail_of_an_unproved_source_changes_nobody() -> None:
    item = upload(a_bounce_mail())
    InboundItem.objects.filter(pk=item.pk).update(trust="unproved")

    run()

    item.refresh_from_db()
    assert item.state == "unverified"
    assert Address.objects.get().status == "unverified"
    assert Bounce.objects.get().standing == "unverified"
    assert not DailyStat.objects.exists()


def test_an_unproved_complaint_suppresses_nobody() -> None:
    item = upload(a_complaint_mail())
    InboundItem.objects.filter(pk=item.pk).update(trust="unproved")

    run()

    assert not Suppression.objects.exists()
    assert Complaint.objects.get().standing == "unverified"


def test_proof_that_comes_later_counts() -> None:
    forged = upload(a_bounce_mail())
    InboundItem.objects.filter(pk=forged.pk).update(trust="unproved")
    run()

    reported(event(smtp={"code": 550, "enhanced": "5.1.1", "text": "550 5.1.1 User unknown"}))

    assert Bounce.objects.get().standing == "counted"
    assert Address.objects.get().status == "invalid"


def test_a_contact_made_of_a_bounced_address_is_invalid_from_its_first_second() -> None:
    ingested(a_bounce_mail())

    contact = a_contact(email="ada@example.org")

    assert contact.contact_addresses.get().address.status == "invalid"


def test_a_status_change_stands_in_the_contacts_timeline() -> None:
    contact = a_contact(email="ada@example.org")

    ingested(a_bounce_mail())

    assert contact.activities.filter(kind="status_changed").count() == 1
    assert not Outbox.objects.filter(done_at__isnull=True).exists()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", "empty.eml"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 20, "photo.jpg"),
        (b"PK\x03\x04 not a zip at all", "broken.zip"),
        (b"Subject: =?utf-8?B?//////" + b"\xff" * 300 + b"\r\n\r\n\x00\x00", "broken.eml"),
        ("Subject: grüße\n\nschöne grüße".encode("latin-1"), "latin.eml"),
        (b"To:" + b"(" * 5000 + b"\n\nhello", "parens.eml"),
    ],
)
def test_any_file_at_all_ends_with_a_plain_reason(body: bytes, name: str) -> None:
    junk = upload(body, name)
    good = upload(a_bounce_mail())

    run()

    junk.refresh_from_db()
    good.refresh_from_db()
    assert junk.state in ("ignored", "quarantined")
    assert junk.why.endswith(".")
    assert good.state == "done"


@override_settings(MAIL_CAP=1000)
def test_a_mail_above_the_cap_is_refused_by_name_and_not_kept() -> None:
    item = upload(b"Subject: big\n\n" + b"x" * 2000, "big.eml")

    assert (item.state, item.name) == ("quarantined", "big.eml")
    assert "above the cap" in item.why
    assert not RawChunk.objects.exists()


def test_a_mailbox_file_becomes_its_messages(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for recipient in ("ada@example.org", "bob@example.org"):
        box.add(a_bounce_mail(recipient))
    box.close()

    item = ingested((tmp_path / "box").read_bytes(), "box.mbox")

    assert (item.state, item.facts) == ("done", 2)
    assert set(Address.objects.values_list("email", "status")) == {
        ("ada@example.org", "invalid"),
        ("bob@example.org", "invalid"),
    }


def test_an_archive_becomes_its_messages() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("new/1.eml", a_bounce_mail())
        archive.writestr("new/2.eml", an_out_of_office())

    item = ingested(packed.getvalue(), "maildir.zip")

    children = InboundItem.objects.filter(parent_id=item.pk)
    assert sorted(children.values_list("state", flat=True)) == ["done", "ignored"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_files_of_one_name_that_an_archive_refuses_are_counted_each_and_once() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for _ in range(3):
            archive.writestr("inner.zip", b"PK\x03\x04")

    item = ingested(packed.getvalue(), "maildir.zip")
    InboundItem.objects.filter(pk=item.pk).update(state="pending")  # as after a kill
    run()

    assert item.why == "3 messages, 3 refused."
    assert InboundItem.objects.filter(parent_id=item.pk, state="quarantined").count() == 3


def test_an_item_that_stops_its_reader_three_times_is_set_aside() -> None:
    poison = upload(a_bounce_mail())
    InboundItem.objects.filter(pk=poison.pk).update(tries=inbox.TRIES)
    good = upload(an_out_of_office())

    run()

    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("quarantined", "ignored")
    assert "stopped its reader 5 times" in poison.why


def test_a_good_item_outlives_four_readers_that_were_killed_in_a_row() -> None:
    """As where workers are killed as often as a dead one's lease runs out: the first in line is hit each time."""
    item = upload(a_bounce_mail())
    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None
    for _ in range(4):
        inbox.take(held)
    lease.release(held)

    run()

    item.refresh_from_db()
    assert item.state == "done"


def test_items_that_stopped_their_reader_are_taken_with_few_others_then_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "FEWER", 3)
    for number in range(8):
        upload(a_bounce_mail(message_id=f"{number}@rebound.example"))

    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None
    assert [len(inbox.take(held)) for _ in range(3)] == [8, 3, 1]


def test_one_that_cannot_be_recorded_spoils_no_other_of_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [upload(a_bounce_mail(f"{number}@b.example", message_id=f"{number}@a.example")) for number in range(9)]
    of_the_house = telling.told_of

    def fails_for_one(item: InboundItem, *rest: Any) -> Any:
        if item.pk == items[4].pk:
            raise ArithmeticError
        return of_the_house(item, *rest)

    monkeypatch.setattr(process, "told_of", fails_for_one)
    run()

    states = list(InboundItem.objects.order_by("pk").values_list("state", flat=True))
    assert (states, Bounce.objects.count()) == ([*["done"] * 4, "quarantined", *["done"] * 4], 8)


def test_who_was_replaced_meanwhile_sets_nothing_aside_and_takes_nothing() -> None:
    item = upload(a_bounce_mail())
    stale = lease.acquire(process.LEASE, timedelta(seconds=-1))
    lease.acquire(process.LEASE, timedelta(seconds=-1))
    assert stale is not None

    with pytest.raises(lease.LeaseLost):
        inbox.take(stale)
    with pytest.raises(lease.LeaseLost):
        inbox.end({item.pk: inbox.quarantined("Late.")}, stale, NOW)

    item.refresh_from_db()
    assert (item.state, item.tries) == ("pending", 0)


def test_what_has_ended_is_not_ended_again() -> None:
    item = ingested(a_bounce_mail())
    held = lease.acquire(process.LEASE, timedelta(minutes=1))
    assert held is not None

    inbox.end({item.pk: inbox.quarantined("Late.")}, held, NOW)

    item.refresh_from_db()
    assert item.state == "done"


def test_what_everything_became_adds_up() -> None:
    for body in (a_bounce_mail(), an_out_of_office(), a_complaint_mail(), b""):
        upload(body)

    run()

    counts = inbox.counts()
    assert sum(counts.values()) == InboundItem.objects.count() == 4
    assert counts["pending"] == 0


def test_a_retried_item_records_nothing_twice() -> None:
    item = ingested(a_bounce_mail())
    InboundItem.objects.filter(pk=item.pk).update(state="quarantined", why="Our own fault.", facts=0)
    before = totals()

    assert inbox.retry(item, "Boss")
    run()

    assert totals() == before


def test_an_item_that_gave_its_facts_is_not_read_again() -> None:
    item = ingested(a_bounce_mail())

    assert not inbox.retry(item, "Boss")
    item.refresh_from_db()
    assert (item.state, item.facts) == ("done", 1)


def test_while_another_process_holds_the_flow_nothing_is_done() -> None:
    upload(a_bounce_mail())
    held = lease.acquire(process.LEASE, timedelta(seconds=20))

    assert held is not None
    assert process.run_flow(lambda: NOW) is False
    assert inbox.is_waiting()


def test_a_holder_that_was_presumed_dead_writes_nothing() -> None:
    upload(a_bounce_mail())
    stale = lease.acquire(process.LEASE, timedelta(seconds=20))
    assert stale is not None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bounces_lease SET expires_at = now() - interval '1 hour'")
    assert lease.acquire(process.LEASE, timedelta(seconds=20)) is not None

    with pytest.raises(lease.LeaseLost):
        process.drain_batch(stale, NOW)

    assert not Bounce.objects.exists()


def test_nothing_stays_dirty() -> None:
    ingested(a_bounce_mail())

    assert not Dirty.objects.exists()
    assert not process.has_work(NOW)
