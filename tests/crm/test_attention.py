"""The dashboard begins with what needs attention: each matter with its number, a sentence, and a page that opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces.models import ReviewItem, SourceSeen
from bounces.questions import forget_count
from crm.attention import Matter
from crm.dashboard import look
from crm.models import WebhookDelivery, WebhookEndpoint
from tests.builders import (
    NOW,
    a_campaign,
    a_contact,
    a_daily_stat,
    a_paused_guard,
    a_source,
    a_user,
    an_address,
    an_import_run,
    an_open_incident,
)

pytestmark = pytest.mark.django_db


def a_failing_source() -> None:
    SourceSeen.objects.create(source=a_source("office"), last_error="The password was refused.", last_error_at=NOW)


def a_failing_webhook() -> None:
    endpoint = WebhookEndpoint.objects.create(
        name="CRM", url="https://crm.example/in", topics=["guard.paused"], sealed_secret="x"
    )
    now = timezone.now()
    WebhookDelivery.objects.create(
        endpoint=endpoint, message_id="m1", topic="guard.paused", payload={}, tries=2, due_at=now, created_at=now
    )


def a_question() -> None:
    forget_count()
    address = an_address(status="invalid")
    ReviewItem.objects.create(cause="asked", address=address, note="She called.", asked_by=a_user(), asked_at=NOW)


def a_campaign_over_the_line() -> None:
    a_daily_stat(timezone.now().date(), campaign=a_campaign("Spring"), attempted=100, bounced=3)


def a_campaign_paused_by_guard() -> None:
    a_campaign(key="spring", state="running")
    a_paused_guard("spring", "campaign")


EVERYBODY, MANAGERS, ADMINS = {"sales", "manager", "admin"}, {"manager", "admin"}, {"admin"}
# What makes a matter, its kind, and who is told.
MATTERS: list[tuple[Callable[[], object], str, set[str]]] = [
    (a_paused_guard, "guards", EVERYBODY),
    (a_campaign_paused_by_guard, "campaigns_paused", EVERYBODY),
    (an_open_incident, "incidents", EVERYBODY),
    (a_question, "review", MANAGERS),
    (a_failing_source, "sources", ADMINS),
    (a_failing_webhook, "webhooks", ADMINS),
    (lambda: an_import_run("held"), "imports", MANAGERS),
    (a_campaign_over_the_line, "campaigns_over", EVERYBODY),
]
KINDS = [kind for _, kind, _ in MATTERS]


def matter_of(kind: str, role: str) -> tuple[Client, Matter | None]:
    forget_count()
    user = a_user(role)
    client = Client()
    client.force_login(user)
    return client, next((each for each in look(user, timezone.now()).matters if each.kind == kind), None)


@pytest.mark.parametrize(("make", "kind", "told"), MATTERS, ids=KINDS)
def test_a_matter_is_shown_with_its_number_sentence_and_a_page_that_opens(make, kind, told):
    make()
    for role in ("sales", "manager", "admin"):
        client, matter = matter_of(kind, role)
        assert (matter is not None) == (role in told), role
        if matter is None:
            continue
        page = client.get(reverse("dashboard")).content.decode()
        assert matter.number == 1
        assert f"<strong>{matter.title}</strong>" in page
        assert matter.title.startswith("1 ")
        assert matter.sentence.endswith(".")
        assert client.get(matter.url.partition("#")[0]).status_code == 200, matter.url


def test_several_are_counted_in_one_line():
    names = [f"file {number}.csv" for number in range(5)]
    for name in names:
        an_import_run("held", name=name)
    _, matter = matter_of("imports", "admin")
    assert matter is not None
    assert (matter.number, matter.title) == (5, "5 imports held")
    assert matter.sentence.startswith("file 4.csv, file 3.csv, file 2.csv and 2 more ")


def test_the_block_comes_before_every_figure():
    a_contact()
    a_paused_guard()
    client = Client()
    client.force_login(a_user("manager"))
    page = client.get(reverse("dashboard")).content.decode()
    assert page.index('id="attention"') < page.index('id="answers"')


def test_nothing_to_do_is_said_in_one_line():
    a_contact()
    client = Client()
    client.force_login(a_user("manager"))
    assert "Nothing. No sender is paused" in client.get(reverse("dashboard")).content.decode()


def test_guards_of_one_cause_are_named_once():
    for dimension, key in (("sender", "ann@send.example"), ("sender_domain", "send.example")):
        a_paused_guard(key, dimension)
    _, matter = matter_of("guards", "manager")
    assert matter is not None
    assert matter.number == 2
    assert matter.sentence.startswith("Sending is paused for sending domain send.example. 5 of the last 219")
