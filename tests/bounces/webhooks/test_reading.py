"""What becomes of what providers say: nothing lost, nothing made worse than it is, no neighbour harmed."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client
from django.utils import timezone

from bounces import inbox, lists, process
from bounces.classification import classify
from bounces.intake.events import report_of
from bounces.intake.webhooks import normal, samples, sns
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.labels import load_labels
from bounces.intake.webhooks.normal import Found, smtp
from bounces.intake.webhooks.opening import read_all
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.models import Address, Bounce, Complaint, InboundItem, RawChunk, Suppression
from bounces.parsing.text import find_status
from bounces.values import Kind
from bounces.views.webhooks import stream_of
from tests.bounces.webhooks.posting import CERTIFICATE_URL, a_post, a_provider_source, amazon_certificate
from tests.builders import a_user

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
SITE = "http://rebound.example"
FORM = "application/x-www-form-urlencoded"
BAD = {"event": "bounce", "email": "no address", "timestamp": 1764057000, "sg_event_id": "bad"}


def read(slug: str, said: Any) -> list[Found]:
    text = json.dumps(said)
    form = Arrival(urlencode({"mandrill_events": text}).encode(), {"content-type": FORM})
    return read_all(PROVIDERS[slug], form if slug == "mandrill" else Arrival(text.encode(), samples.JSON), NOW)


def notified(event: dict[str, Any]) -> dict[str, Any]:
    mail = {"messageId": "i", "destination": ["ada@example.org"], "source": "ann@a.example", "headers": []}
    return {**samples.amazon_ses("x@y.example", NOW), "Message": json.dumps({"mail": mail, **event})}


# --- each provider's own


def test_an_inbound_mail_of_mandrill_spoils_no_bounce_after_it() -> None:
    read("mandrill", [{"event": "inbound", "ts": 1, "msg": {"raw_msg": "Subject: x\n\nx", "email": "a@b.example"}}])

    (found,) = read("mandrill", samples.mandrill("ada@example.org", NOW))

    assert found.event["event"] == "bounced"


def test_amazons_delay_is_a_deferral_of_each_recipient() -> None:
    delayed = [{"emailAddress": "ada@example.org", "status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 full"}]
    said = {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": delayed}}
    (found,) = read("amazon_ses", notified(said))

    assert (found.event["event"], found.event["recipient"]) == ("deferred", "ada@example.org")
    assert found.event["smtp"] == {"text": "452 4.2.2 full", "code": 452, "enhanced": "4.2.2"}


def test_who_leaves_all_topics_at_amazon_unsubscribed() -> None:
    subscription = {"newTopicPreferences": {"unsubscribeAll": True}}
    (found,) = read("amazon_ses", notified({"eventType": "Subscription", "subscription": subscription}))

    assert found.event["event"] == "unsubscribed"


def test_who_leaves_one_topic_at_amazon_did_not() -> None:
    subscription = {"newTopicPreferences": {"unsubscribeAll": False}}
    (found,) = read("amazon_ses", notified({"eventType": "Subscription", "subscription": subscription}))

    assert (found.event, found.is_broken) == ({}, False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"RecordType": "Bou', "it is cut off, or in another encoding"),
        (b'{"RecordType": "\xe9"}', "it is cut off, or in another encoding"),
        (b"[" * 100_000, "nested too deeply"),
        (b"3", "Not an event that this provider documents"),
    ],
)
def test_why_a_request_cannot_be_read_is_said_in_words(body: bytes, words: str) -> None:
    (found,) = read_all(PROVIDERS["postmark"], Arrival(body), NOW)

    assert (found.is_broken, words in found.why) == (True, True)


def test_that_a_subscription_at_amazon_was_ended_is_set_aside_for_somebody() -> None:
    said = {**samples.amazon_ses("bob@b.example", NOW), "Type": "UnsubscribeConfirmation", "Message": "You have chosen"}

    (found,) = read_all(PROVIDERS["amazon_ses"], Arrival(json.dumps(said).encode()), NOW)

    assert (found.event, found.is_broken, "ended the subscription" in found.why) == ({}, True, True)


def test_what_postal_holds_back_was_not_sent() -> None:
    said = samples.postal("ada@example.org", NOW)
    (found,) = read("postal", {**said, "payload": {**said["payload"], "status": "Held"}})

    assert found.event == {}


# --- the word of a provider, where it gives no other


WORDLESS: dict[str, dict[str, Any]] = {
    "brevo": {"reason": ""},
    "mailjet": {"comment": ""},
    "mandrill": {"msg": {"email": "ada@example.org", "bounce_description": "mailbox_full"}},
    "sendgrid": {"reason": "", "bounce_classification": "Invalid Address"},
}
JUDGED = {"brevo": "userunknown", "mailjet": "userunknown", "mandrill": "mailboxfull", "sendgrid": "userunknown"}


@pytest.mark.parametrize("slug", WORDLESS)
def test_a_providers_word_counts_where_it_gives_no_words_of_the_server(slug: str) -> None:
    said = samples.EVENTS[slug]("ada@example.org", NOW)
    event = {**(said[0] if isinstance(said, list) else said), **WORDLESS[slug]}

    assert judged(read(slug, [event] if isinstance(said, list) else event)) == JUDGED[slug]


def test_a_providers_word_does_not_count_against_what_the_server_said() -> None:
    event = {**samples.brevo("ada@example.org", NOW), "reason": "550 5.7.1 Your IP address is listed at a blocklist"}

    assert judged(read("brevo", event)) == "blocked"


def judged(found: list[Found]) -> str:
    (one,) = found
    return classify(report_of(json.dumps(one.event).encode()).reports[0]).reason


@pytest.mark.parametrize("slug", load_labels())
def test_every_label_is_of_a_provider_and_a_code_that_a_rule_knows(slug: str) -> None:
    reports = [
        report_of(json.dumps({**EVENT, "smtp": told}).encode()).reports[0]
        for label in load_labels()[slug].codes.values()
        for told in [smtp("" if find_status(label) else label, status=label)]
    ]

    assert slug in PROVIDERS
    assert "onhold" not in {classify(report).reason for report in reports}


EVENT = {"event_id": "1", "event": "bounced", "recipient": "a@b.example", "occurred_at": NOW.isoformat()}


def test_a_label_of_a_full_mailbox_is_never_hard() -> None:
    event = {**samples.mailjet("ada@example.org", NOW)[0], "comment": "", "error": "quota exceeded"}
    (found,) = read("mailjet", [event])

    assert classify(report_of(json.dumps(found.event).encode()).reports[0]).kind is Kind.SOFT


# --- many in one request


def test_none_of_many_events_is_left_out() -> None:
    events = [{**samples.sendgrid(f"a{n}@b.example", NOW)[0], "sg_event_id": str(n)} for n in range(10_050)]

    assert len(read("sendgrid", events)) == 10_050


def test_more_than_are_read_is_said_and_not_cut() -> None:
    (found,) = read("sendgrid", [1] * (normal.MOST_EVENTS + 1))

    assert (found.is_broken, "50,000" in found.why) == (True, True)


@pytest.mark.parametrize("slug", ["sendgrid", "sparkpost", "mailjet", "mandrill", "mailtrap", "unisender_go", "azure"])
def test_a_broken_event_keeps_its_bytes_and_its_neighbours_are_read(slug: str) -> None:
    good = samples.EVENTS[slug]("ada@example.org", NOW)

    found = read(slug, with_a_broken_one(slug, good))

    assert [bool(one.event) for one in found] == [True, False]
    assert b"spoilt" in found[1].raw


def with_a_broken_one(slug: str, good: Any) -> Any:
    if slug == "mailtrap":
        return {"events": [*good["events"], "spoilt"]}
    if slug == "unisender_go":
        (user,) = good["events_by_user"]
        spoilt = {"event_name": "transactional_email_status", "event_data": "spoilt"}
        return {**good, "events_by_user": [{**user, "events": [*user["events"], spoilt]}]}
    return [*good, "spoilt"]


# --- through the door


@pytest.fixture
def _site(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]
    certificates = {CERTIFICATE_URL: amazon_certificate("amazon")}
    monkeypatch.setattr(sns.check_sns, "__defaults__", (certificates.__getitem__,))
    sns.certificate_at.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("_site")
class TestThroughTheDoor:
    def test_a_complaint_that_is_taken_back_suppresses_nobody(self, client: Client) -> None:
        complaint = {"complaintFeedbackType": "not-spam", "complainedRecipients": [{"emailAddress": "ada@example.org"}]}
        now = timezone.now()
        said = {**notified({"eventType": "Complaint", "complaint": complaint}), "Timestamp": samples.iso(now)}

        a_post(a_provider_source("amazon_ses"), SITE, said=said).send(client)
        run_flow()

        assert (Complaint.objects.count(), Suppression.objects.count()) == (0, 0)

    def test_a_spoilt_event_is_quarantined_alone_and_all_are_counted(self, client: Client) -> None:
        self.post_good_and_bad(client)

        counts = lists.count_inbox()
        assert (counts["done"], counts["quarantined"], sum(counts.values())) == (1, 1, 2)
        assert Bounce.objects.get().address.email == "ada@example.org"

    def test_a_quarantined_event_is_read_again_from_its_own_bytes(self, client: Client) -> None:
        self.post_good_and_bad(client)
        bad = InboundItem.objects.get(state="quarantined")

        assert inbox.retry(bad, a_user("manager"))
        run_flow()

        bad.refresh_from_db()
        assert (bad.state, "recipient" in bad.why) == ("quarantined", True)
        assert lists.count_inbox()["quarantined"] == 1

    def test_what_is_understood_the_second_time_is_recorded(self, client: Client) -> None:
        self.post_good_and_bad(client)
        bad = InboundItem.objects.get(state="quarantined")
        mend(bad)

        inbox.retry(bad, a_user("manager"))
        run_flow()

        assert set(Address.objects.values_list("email", flat=True)) == {"ada@example.org", "bob@example.org"}

    def test_items_that_came_before_a_source_was_believed_less_keep_their_level(self, client: Client) -> None:
        source = a_provider_source("sendgrid")
        a_post(source, SITE, to="ada@example.org").send(client)
        source.trust = "match"
        source.save()
        other = [{**samples.sendgrid("bob@example.org", timezone.now())[0], "sg_event_id": "other"}]
        a_post(source, SITE, said=other).send(client)
        run_flow()

        children = InboundItem.objects.filter(form="event").order_by("pk")
        assert list(children.values_list("trust", "state")) == [("trusted", "done"), ("match", "unverified")]

    def test_amazons_message_is_taken_for_as_long_as_amazon_tries(self, client: Client) -> None:
        source, now = a_provider_source("amazon_ses"), timezone.now()

        statuses = [a_post(source, SITE, at=now - timedelta(minutes=age)).send(client) for age in (60, 70)]

        assert statuses == [200, 403]

    def test_mailguns_token_counts_once_and_for_nothing_else(self, client: Client) -> None:
        post = a_post(a_provider_source("mailgun"), SITE, to="ada@example.org")
        other = post.with_body(post.arrival.body.replace(b"ada@example.org", b"eve@example.org"))

        statuses = [each.send(client) for each in (post, other, post)]
        run_flow()

        assert statuses == [200, 403, 200]
        assert list(Address.objects.values_list("email", flat=True)) == ["ada@example.org"]

    def post_good_and_bad(self, client: Client) -> None:
        said = [*samples.sendgrid("ada@example.org", timezone.now()), BAD]
        assert a_post(a_provider_source("sendgrid"), SITE, said=said).send(client) == 200
        run_flow()


def mend(item: InboundItem) -> None:
    chunk = RawChunk.objects.get(item_id=item.pk)
    chunk.body = bytes(chunk.body).replace(b"no address", b"bob@example.org")
    chunk.save()


def run_flow() -> None:
    process.run_flow(timezone.now)


def test_a_body_in_chunks_is_read() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/in/t/",
        "wsgi.input": io.BytesIO(b"[1]"),
        "wsgi.input_terminated": True,
    }

    assert stream_of(WSGIRequest(environ)).read(10) == b"[1]"
