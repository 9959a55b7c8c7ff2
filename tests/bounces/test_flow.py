"""The whole flow: what each fact makes of an address, however often and in whatever order it is told."""

from __future__ import annotations

from typing import Any

import pytest

from bounces import suppressions, telling
from bounces.intake.events import keep_events, keep_mail
from bounces.models import Address, Bounce, Complaint, DailyStat, EventKey, InboundItem, Outbox, Suppression
from bounces.values import Event, MailKind, Reading, Report
from bounces.verdict import check
from tests.bounces.arriving import a_blocked_mail, a_bounce_mail, a_complaint_mail, an_out_of_office
from tests.bounces.flowing import event, ingested, run, totals, upload
from tests.bounces.mails import a_delivery_report, a_recipient
from tests.builders import NOW, a_contact, a_user

pytestmark = pytest.mark.django_db


def reported(*events: dict[str, Any]) -> None:
    keep_events(events, "api:1", None, NOW)
    run()


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
