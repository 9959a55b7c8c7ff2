"""Emails to users: rows first, sent by a worker of their own, once each, whatever the mail server does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.mail import EmailMultiAlternatives, send_mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import crm.settings as product
from bounces import incidents, outbox
from bounces.models import Incident, Outbox
from crm import alarms
from crm.mail import delivery, sending
from crm.mail.models import OutgoingEmail
from tests.bounces.flowing import run
from tests.bounces.happening import an_incident
from tests.builders import NOW, a_user
from tests.crm.slow_server import serving
from tests.emails import send_emails

pytestmark = pytest.mark.django_db


def managers(number: int) -> list[str]:
    return sorted(a_user("manager", email=f"m{each:02}@rebound.example").email for each in range(number))


def queued() -> list[str]:
    """An incident that twelve managers hear of."""
    people = managers(12)
    an_incident()
    return people


def states() -> set[str]:
    return set(OutgoingEmail.objects.values_list("state", flat=True))


def test_the_flow_writes_a_row_for_each_manager_and_sends_nothing(settings: LazySettings) -> None:
    with serving(settings) as server:
        people = queued()

    assert (server.connections, mail.outbox) == (0, [])
    assert sorted(OutgoingEmail.objects.values_list("recipient__email", flat=True)) == people


def test_each_manager_gets_one_email(settings: LazySettings) -> None:
    with serving(settings) as server:
        people = queued()
        for _ in range(2):
            alarms.tell_of_incident({"incident_id": Incident.objects.get().pk})
        send_emails()
        send_emails(60)

    assert (server.recipients, states()) == (people, {"sent"})


def test_the_worker_brings_them_by_itself(run_jobs: Callable[[], None]) -> None:
    people = queued()
    run_jobs()

    began = [message for message in mail.outbox if message.subject.startswith("Held")]
    assert sorted(message.to[0] for message in began) == people


def test_a_server_that_takes_its_time_delays_no_bounce_and_mails_each_manager_once(
    settings: LazySettings, run_all: bool
) -> None:
    """Thirty seconds before it says that it has taken an email; three where the suite is in a hurry."""
    slow = 30.0 if run_all else 3.0
    with serving(settings, before={".": slow}) as server:
        before = time.monotonic()
        people = queued()
        waited = time.monotonic() - before
        send_emails()
        send_emails(60)

    assert waited < 30  # the flow's own work: twenty addresses that worked and bounced
    assert (server.recipients, states()) == (people, {"sent"})


def test_a_server_that_never_answers_is_tried_later_and_mails_each_manager_once(settings: LazySettings) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    with serving(settings, is_silent=True) as server:
        people = queued()
        assert send_emails() == 12
        assert send_emails() == 0  # all of them wait
        assert set(OutgoingEmail.objects.values_list("tries", "state")) == {(1, "waiting")}
        server.is_silent = False
        send_emails(minutes=2)
        send_emails(minutes=4)

    assert server.recipients == people


def test_what_the_server_took_without_a_reply_is_not_sent_again(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PATIENCE_FOR_REPLY", 0.2)
    with serving(settings, stays_silent_after_text=True) as server:
        people = queued()
        send_emails()
        send_emails(minutes=60)

    assert (server.recipients, states()) == (people, {"uncertain"})


def test_one_that_outlives_its_deadline_is_left_behind(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE", 0.2)
    with serving(settings, is_silent=True):
        queued()
        assert send_emails() == 12

    assert states() == {"uncertain"}


def test_a_worker_that_was_killed_leaves_its_email_to_the_next_under_the_same_message_id() -> None:
    managers(1)
    an_incident()
    first = sending.claim(timezone.now())

    assert send_emails(minutes=10) == 0
    assert send_emails(minutes=20) == 1
    assert first is not None
    assert mail.outbox[0].extra_headers["Message-ID"] == first.message.extra_headers["Message-ID"]


@pytest.mark.parametrize(("reply", "state"), [("550 5.1.1 no such user", "given_up"), ("451 later", "waiting")])
def test_a_permanent_refusal_ends_it_and_a_temporary_one_does_not(
    reply: str, state: str, settings: LazySettings
) -> None:
    with serving(settings, replies={"RCPT": reply}):
        managers(1)
        an_incident()
        send_emails()

    email = OutgoingEmail.objects.get()
    assert (email.state, email.answer) == (state, reply)


def test_who_is_no_manager_any_more_is_not_told() -> None:
    boss = a_user("manager", email="boss@rebound.example")
    an_incident()
    boss.role = "sales"
    boss.save()

    send_emails()

    assert (mail.outbox, states()) == ([], {"not_needed"})


def test_what_was_dismissed_meanwhile_is_not_told() -> None:
    managers(1)
    incidents.dismiss(an_incident(), a_user("admin"), "They are gone.", NOW)

    send_emails()

    assert (mail.outbox, states()) == ([], {"not_needed"})


# --- whatever Django or allauth sends


def test_no_setting_sends_an_email_from_a_request() -> None:
    assert product.EMAIL_BACKEND == "crm.mail.rows.Backend"
    assert product.EMAIL_TIMEOUT > 0


def test_a_password_reset_is_a_sealed_row_until_it_is_sent(client: Client, settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "crm.mail.rows.Backend"
    a_user("sales", email="sam@rebound.example")

    client.post(reverse("account_reset_password"), {"email": "sam@rebound.example"})

    email = OutgoingEmail.objects.get()
    assert (mail.outbox, email.recipient.email if email.recipient else "") == ([], "sam@rebound.example")
    assert "sam@rebound.example" not in email.sealed_message

    send_emails()

    email.refresh_from_db()
    assert (email.state, email.sealed_message) == ("sent", "")
    assert re.search(r"/password/reset/key/\S+", str(mail.outbox[0].body))


def test_an_email_arrives_as_it_was_written(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "crm.mail.rows.Backend"
    message = EmailMultiAlternatives(
        "Hello", "text", "a@rebound.example", ["b@c.example", "d@c.example"], reply_to=["e@c.example"]
    )
    message.attach_alternative("<p>text</p>", "text/html")
    message.send()

    send_emails()

    assert [sent.to for sent in mail.outbox] == [["b@c.example"], ["d@c.example"]]
    first = mail.outbox[0]
    assert isinstance(first, EmailMultiAlternatives)
    assert (first.subject, first.body, first.reply_to) == ("Hello", "text", ["e@c.example"])
    assert [(str(content), kind) for content, kind in first.alternatives] == [("<p>text</p>", "text/html")]


def test_what_ended_long_ago_is_forgotten(settings: LazySettings) -> None:
    settings.EMAIL_BACKEND = "crm.mail.rows.Backend"
    send_mail("Hello", "text", None, ["b@c.example"])
    send_emails()

    kept = sending.prune(timezone.now() + timedelta(days=29))

    assert (kept, sending.prune(timezone.now() + timedelta(days=31))) == (0, 1)


def test_an_admin_sends_again_what_is_uncertain(client: Client) -> None:
    managers(1)
    an_incident()
    OutgoingEmail.objects.update(state="uncertain", done_at=NOW)
    email = OutgoingEmail.objects.get()
    client.force_login(a_user("admin"))

    page = client.get(reverse("admin:crm_outgoingemail_changelist")).content.decode()
    client.post(reverse("admin:crm_outgoingemail_send_once_more", args=[email.pk]), {"_form_submitted": "on"})

    email.refresh_from_db()
    assert ("Uncertain" in page, email.state) == (True, "waiting")


# --- receivers


def test_a_receiver_that_fails_neither_undoes_nor_repeats_the_others(settings: LazySettings) -> None:
    settings.OUTBOX_RECEIVERS = {"noted": [f"{__name__}.{name}" for name in ("note_a", "fail_once", "note_b")]}
    notes.clear()
    outbox.announce("noted", {}, NOW)

    for _ in range(2):
        run()
    Outbox.objects.update(due_at=NOW)
    run()

    assert notes == ["a", "failed", "b", "told"]
    assert sorted(Outbox.objects.values_list("receiver", "tries")) == [("", 1), (f"{__name__}.fail_once", 2)]
    assert not Outbox.objects.filter(done_at__isnull=True).exists()


def test_a_try_is_counted_before_it_is_made_and_then_each_receiver_is_on_its_own(settings: LazySettings) -> None:
    settings.OUTBOX_RECEIVERS = {"noted": [f"{__name__}.note_a", f"{__name__}.note_b"]}
    notes.clear()
    outbox.announce("noted", {}, NOW)
    Outbox.objects.update(tries=1)  # a process that took it was killed amid its telling

    run()

    assert notes == ["a", "b"]
    assert sorted(Outbox.objects.values_list("receiver", "tries"))[1:] == [
        (f"{__name__}.note_a", 2),
        (f"{__name__}.note_b", 2),
    ]


notes: list[str] = []


def note_a(payload: object) -> None:
    notes.append("a")


def note_b(payload: object) -> None:
    notes.append("b")


def fail_once(payload: object) -> None:
    notes.append("told" if "failed" in notes else "failed")
    if notes[-1] == "failed":
        raise ValueError("not yet")
