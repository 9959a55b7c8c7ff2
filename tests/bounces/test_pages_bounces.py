"""The list of bounces, one bounce explained, complaints, and the raw mail."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from bounces.classification import classify
from bounces.classification.ruleset import Table
from bounces.models import RawChunk
from bounces.templatetags.bounce_words import RULE_TABLES
from bounces.values import Event, Report
from tests.builders import NOW, a_bounce, a_complaint, a_user, an_attempt, an_evidence, an_inbound_item, days_ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales() -> Client:
    client = Client()
    client.force_login(a_user("sales"))
    return client


def text_of(client: Client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode()


LIST = "/bounces/"
HOSTILE = "<script>alert(1)</script>"


def test_an_empty_list_says_what_to_do_next(sales):
    assert "No bounces yet" in text_of(sales, LIST)


def test_a_row_says_whom_it_hit_why_and_whose_fault_it_was(sales):
    a_bounce("ada@b.example", reason="mailboxfull", kind="soft", enhanced_code="5.2.2")
    page = text_of(sales, LIST)
    for words in ("ada@b.example", "Soft", "The mailbox is full", "Recipient", "5.2.2"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"kind": "soft"}, {"soft@b.example", "spam@c.example"}),
        ({"fault": "sender"}, {"spam@c.example"}),
        ({"reason": "spamdetected"}, {"spam@c.example"}),
        ({"standing": "held"}, {"held@b.example"}),
        ({"domain": "c.example"}, {"spam@c.example"}),
        ({"q": "so"}, {"soft@b.example"}),
        ({"q": "@c.ex"}, {"spam@c.example"}),
        ({"until": "2026-10-20"}, {"old@b.example"}),
        ({"since": "2026-10-20", "until": "2026-11-02", "kind": "hard", "fault": "recipient"}, {"held@b.example"}),
    ],
)
def test_filters_narrow_the_list(sales, query, shown):
    a_bounce("soft@b.example", kind="soft", reason="mailboxfull")
    a_bounce("spam@c.example", kind="soft", fault="sender", reason="spamdetected")
    a_bounce("held@b.example", standing="held")
    a_bounce("old@b.example", occurred_at=days_ago(30))
    page = text_of(sales, LIST, **query)
    everyone = {"soft@b.example", "spam@c.example", "held@b.example", "old@b.example"}
    assert {email for email in everyone if f">{email}<" in page} == shown


def test_a_filter_that_makes_no_sense_is_named_and_left_out(sales):
    a_bounce("ada@b.example")
    page = text_of(sales, LIST, kind="purple", since="2026-05-02", until="2026-05-01")
    assert "purple is not one of the available choices" in page
    assert "“To” lies before “From” (2026-05-02)" in page


@pytest.mark.parametrize(
    "query",
    [{"since": "0001-01-01", "until": "9999-12-31"}, {"q": "%_\\"}, {"q": "\0"}, {"q": "x" * 300}, {"after": "W10"}],
)
def test_odd_filters_are_answered_too(sales, query):
    a_bounce("ada@b.example")
    assert sales.get(LIST, query).status_code == 200


def test_nothing_found_offers_to_clear_the_filters(sales):
    a_bounce("ada@b.example")
    assert "No bounce matches" in text_of(sales, LIST, q="nobody")


def test_the_strip_counts_the_bounces_of_the_list_by_fault(sales):
    a_bounce(fault="recipient")
    a_bounce(fault="sender", kind="soft")
    a_bounce(fault="sender", kind="soft")
    response = sales.get(LIST, {"kind": "soft"})
    assert response.context["faults"].by_fault == {"recipient": 0, "sender": 2, "infrastructure": 0, "unknown": 0}


def test_the_strip_leaves_deferrals_out_unless_they_are_asked_for(sales):
    a_bounce(fault="recipient")
    a_bounce(fault="infrastructure", kind="deferred")
    response = sales.get(LIST)
    assert response.context["faults"].by_fault["infrastructure"] == 0
    assert response.context["faults"].total == 1
    assert str(response.context["total"]) == "2"
    assert sales.get(LIST, {"kind": "deferred"}).context["faults"].by_fault["infrastructure"] == 1


def test_long_lists_have_a_next_page_that_begins_where_this_ends(sales):
    for minutes in range(60):
        a_bounce(f"p{minutes}@b.example", occurred_at=NOW - timedelta(minutes=minutes))
    first = sales.get(LIST).context["page"]
    page = sales.get(LIST, {"after": first.next_cursor}).context["page"]
    assert [bounce.address.email for bounce in page.items] == [f"p{number}@b.example" for number in range(50, 60)]


def test_a_list_takes_the_same_number_of_queries_however_long(sales, django_assert_max_num_queries):
    for _ in range(30):
        a_bounce()
    with django_assert_max_num_queries(5):  # session, user, bounces, their number, faults
        sales.get(LIST)


def test_a_bounce_explains_its_verdict(sales):
    judgement = classify(Report(Event.BOUNCED, "ada@b.example", status="5.1.1"))
    bounce = a_bounce("ada@b.example", rule=judgement.rule, remote_mta="mx.b.example")
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    for words in (
        "The mailbox does not exist",
        "A permanent failure: the mailbox does not exist.",
        "mx.b.example",
        judgement.rule,
        "RFC 3463",
    ):
        assert words in page


def test_greylisting_is_told_as_what_it_is(sales):
    bounce = a_bounce(kind="deferred", reason="blocked", fault="infrastructure", rule="greylisted")
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    assert "still being retried: the server asks every new sender to come back later (550 5.1.1)" in page
    assert "The server asks every new sender to come back later" in text_of(sales, LIST)
    assert "is blocked" not in page


def test_a_busy_mailbox_is_not_said_to_be_gone(sales):
    bounce = a_bounce(kind="soft", reason="onhold", rule="mailbox-busy", smtp_code=450, enhanced_code="")
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    assert "Soft bounce: the mailbox cannot take mail just now (450)" in page
    assert "does not exist" not in page


def test_a_rule_that_is_gone_is_still_named(sales):
    bounce = a_bounce(rule="rule-of-last-year")
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    assert "A rule that is no longer in use" in page
    assert "rule-of-last-year" in page


def test_every_table_of_rules_has_words():
    assert set(RULE_TABLES) == set(Table)


def test_a_bounce_shows_each_piece_of_evidence_and_its_raw_mail(sales):
    bounce = a_bounce()
    item = an_inbound_item()
    an_evidence(bounce, inbound_item_id=item.pk, source="upload")
    an_evidence(bounce, source="api:outreach", trust="unproved", diagnostic="said by the tool")
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    assert reverse("bounces:raw", args=[item.pk]) in page
    assert "API key outreach" in page
    assert "said by the tool" in page
    assert "Not proved to be about our mail." in page


def test_a_bounce_names_the_message_that_failed(sales):
    attempt = an_attempt("ada@b.example", campaign_key="spring", sender="sales@us.example", bounced_at=days_ago(1))
    bounce = a_bounce("ada@b.example", attempt_id=attempt.pk)
    page = text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))
    assert 'href="/contacts/?campaign=spring"' in page
    assert "sales@us.example" in page
    assert "Bounced" in page


def test_a_bounce_says_what_holds_for_the_address_now(sales):
    bounce = a_bounce("ada@b.example")
    response = sales.get(reverse("bounces:bounce", args=[bounce.pk]))
    assert response.context["verdict"].sentence in response.content.decode()


def test_a_bounce_takes_the_same_number_of_queries_whatever_its_evidence(sales, django_assert_max_num_queries):
    bounce = a_bounce("ada@b.example", attempt_id=an_attempt("ada@b.example").pk)
    for _ in range(10):
        an_evidence(bounce, inbound_item_id=an_inbound_item().pk)
    with django_assert_max_num_queries(7):
        sales.get(reverse("bounces:bounce", args=[bounce.pk]))


@pytest.mark.parametrize("field", ["diagnostic", "remote_mta", "rule", "reason", "enhanced_code"])
def test_what_strangers_wrote_is_shown_as_text(sales, field):
    bounce = a_bounce(**{field: HOSTILE})
    an_evidence(bounce, source=HOSTILE, reporting_mta=HOSTILE)
    for url in (reverse("bounces:bounce", args=[bounce.pk]), LIST):
        assert HOSTILE not in text_of(sales, url)
    assert "&lt;script&gt;" in text_of(sales, reverse("bounces:bounce", args=[bounce.pk]))


def test_complaints_have_a_list_of_their_own(sales):
    a_complaint("cross@b.example")
    assert "cross@b.example" in text_of(sales, reverse("bounces:complaints"))
    assert "No complaint matches" in text_of(sales, reverse("bounces:complaints"), q="nobody")


def test_without_complaints_the_list_says_so(sales):
    assert "No complaints" in text_of(sales, reverse("bounces:complaints"))


def raw_of(client: Client, body: bytes, query: str = ""):
    item = an_inbound_item(body, name='evil".html')
    an_evidence(inbound_item_id=item.pk)
    return client.get(reverse("bounces:raw", args=[item.pk]) + query)


def test_raw_mail_is_text_that_no_browser_runs(sales):
    response = raw_of(sales, HOSTILE.encode())
    assert response.content == HOSTILE.encode()
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_raw_mail_is_cut_after_a_megabyte_and_says_where_the_whole_is(sales):
    response = raw_of(sales, b"x" * 1_200_000)
    assert b"Cut here after 1 MB of 1,200,000 bytes" in response.content[1024 * 1024 :]
    assert b"?download=1" in response.content


def test_a_download_is_the_whole_as_a_file(sales):
    response = raw_of(sales, b"x" * 1_200_000, "?download=1")
    assert len(response.getvalue()) == 1_200_000
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")


def test_raw_of_what_was_refused_says_that_nothing_was_kept(sales):
    item = an_inbound_item(b"")
    item_url = reverse("bounces:raw", args=[item.pk])
    RawChunk.objects.filter(item_id=item.pk).delete()
    an_evidence(inbound_item_id=item.pk)
    assert b"refused before it was read" in sales.get(item_url).content
