"""The inbox: everything that arrived is counted, filtered, explained, read again or set aside."""

import pytest
from django.test import Client
from django.urls import reverse

from bounces.models import Address, Bounce
from bounces.process import run_flow
from tests.bounces.arriving import a_bounce_mail
from tests.builders import NOW, a_bounce, a_complaint, a_user, an_evidence, an_inbound_item

pytestmark = pytest.mark.django_db

INBOX = "/inbox/"


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(a_user("manager"))
    return client


def test_an_empty_inbox_says_what_to_do_next(manager):
    assert "Nothing has arrived yet" in manager.get(INBOX).content.decode()


def test_the_numbers_add_up_and_an_archive_counts_as_its_messages(manager):
    archive = an_inbound_item(form="zip", state="done")
    an_inbound_item(parent_id=archive.pk, state="done")
    an_inbound_item(parent_id=archive.pk, state="ignored", why="Not a report.")
    an_inbound_item(state="quarantined", why="Broken.", form="zip")
    an_inbound_item()
    context = manager.get(INBOX).context
    assert context["counts"] == {"pending": 1, "done": 1, "ignored": 1, "unverified": 0, "quarantined": 1}
    assert context["total"] == 4


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"state": "quarantined"}, {"bad.eml"}),
        ({"door": "api"}, {"event-1"}),
        ({"form": "event"}, {"event-1"}),
        ({"door": "upload"}, {"bad.eml", "good.eml"}),
    ],
)
def test_filters_narrow_the_inbox(manager, query, shown):
    an_inbound_item(name="bad.eml", state="quarantined", why="Broken.")
    an_inbound_item(name="good.eml", state="done")
    an_inbound_item(name="event-1", form="event", source="api:outreach")
    page = manager.get(INBOX, query).context["page"]
    assert {item.name for item in page.items} == shown


def test_the_inbox_takes_the_same_number_of_queries_however_full(manager, django_assert_max_num_queries):
    for _ in range(20):
        an_inbound_item()
    with django_assert_max_num_queries(4):
        manager.get(INBOX)


def test_an_item_shows_what_it_told(manager):
    item = an_inbound_item(state="done")
    an_evidence(a_bounce("ada@b.example"), inbound_item_id=item.pk)
    a_complaint("cross@b.example", inbound_item_id=item.pk)
    page = manager.get(reverse("bounces:item", args=[item.pk])).content.decode()
    assert "ada@b.example" in page
    assert "cross@b.example" in page


def test_an_archive_shows_its_messages_and_they_lead_back(manager):
    archive = an_inbound_item(form="mbox", state="done", name="all.mbox")
    child = an_inbound_item(parent_id=archive.pk, state="ignored", why="An automatic reply.", name="one.eml")
    assert "An automatic reply." in manager.get(reverse("bounces:item", args=[archive.pk])).content.decode()
    assert "all.mbox" in manager.get(reverse("bounces:item", args=[child.pk])).content.decode()


def test_an_item_takes_the_same_number_of_queries_however_much_it_told(manager, django_assert_max_num_queries):
    item = an_inbound_item(state="done")
    for _ in range(10):
        an_evidence(a_bounce(), inbound_item_id=item.pk)
    with django_assert_max_num_queries(8):
        manager.get(reverse("bounces:item", args=[item.pk]))


@pytest.mark.parametrize(
    ("source", "words"),
    [("mailgun:main", "Mailgun main"), ("azure:x", "Azure Communication Services x"), ("imap:box", "Mailbox box")],
)
def test_a_door_is_called_by_its_name(manager, source, words):
    item = an_inbound_item(source=source)
    assert words in manager.get(reverse("bounces:item", args=[item.pk])).content.decode()


def test_a_quarantined_item_is_read_again(manager):
    item = an_inbound_item(state="quarantined", why="Broken.")
    manager.post(reverse("bounces:retry", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == "pending"


def test_what_waits_already_cannot_be_read_again(manager):
    item = an_inbound_item()
    page = manager.post(reverse("bounces:retry", args=[item.pk]), follow=True).content.decode()
    assert "It cannot be read again" in page


def test_discarding_needs_a_reason_and_keeps_it(manager):
    item = an_inbound_item(state="quarantined", why="Broken.")
    url = reverse("bounces:discard", args=[item.pk])
    assert "Say why" in manager.post(url, {"reason": ""}).content.decode()
    manager.post(url, {"reason": "A newsletter."})
    item.refresh_from_db()
    assert item.state == "ignored"
    assert item.why.endswith("A newsletter.")


def test_what_was_recorded_cannot_be_discarded(manager):
    item = an_inbound_item(state="done")
    page = manager.post(reverse("bounces:discard", args=[item.pk]), {"reason": "No."}, follow=True).content.decode()
    assert "Only what is quarantined or unverified can be discarded." in page


def test_names_and_reasons_of_strangers_are_shown_as_text(manager):
    item = an_inbound_item(name="<script>x</script>", state="quarantined", why="<script>y</script>")
    for url in (INBOX, reverse("bounces:item", args=[item.pk])):
        page = manager.get(url).content.decode()
        assert "<script>x" not in page
        assert "<script>y" not in page


def test_an_unverified_item_is_released_with_a_reason_and_read_again(manager):
    item = an_inbound_item(a_bounce_mail(), trust="token", source="imap:bounces")
    assert run_flow(lambda: NOW)
    assert "Release…" in manager.get(f"{INBOX}{item.pk}/").content.decode()

    manager.post(reverse("bounces:release_item", args=[item.pk]), {"reason": "The postmaster sent it on."})
    assert run_flow(lambda: NOW)

    item.refresh_from_db()
    assert (item.state, Bounce.objects.get().standing, Address.objects.get().status) == ("done", "counted", "invalid")
    assert "The postmaster sent it on." in manager.get(f"{INBOX}{item.pk}/").content.decode()


def test_a_release_needs_a_reason_and_something_unverified(manager):
    item = an_inbound_item(state="done")
    manager.post(reverse("bounces:release_item", args=[item.pk]), {"reason": ""})
    manager.post(reverse("bounces:release_item", args=[item.pk]), {"reason": "Because."})
    item.refresh_from_db()
    assert (item.state, item.released_because) == ("done", "")


def test_sales_release_nothing():
    client = Client()
    client.force_login(a_user("sales"))
    item = an_inbound_item(state="unverified")
    assert client.post(reverse("bounces:release_item", args=[item.pk]), {"reason": "Because."}).status_code == 403
