"""Bounce rates by source: of the same facts as the other rates, counted by a worker, shown to who sees bounces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import lease
from bounces.models import DailyStat
from bounces.values import Event
from contacts import sources
from contacts.models import Contact, SourceCount
from tests.bounces.histories import complained, delivered, hard, recorded, soft, told
from tests.builders import NOW, a_bounce, a_contact, a_user, an_attempt
from tests.contacts.importing import done
from tests.tools import a_tool

pytestmark = pytest.mark.django_db


def counted(days: int = 30) -> dict[str, sources.Source]:
    count = SourceCount(days=days, rows=sources.count_sources(days, NOW))
    return {source.name: source for source in sources.sources_of(count)}


def test_each_source_has_the_facts_of_its_people() -> None:
    done("email\nada@example.org\nbob@example.org\n", name="fair.csv")
    a_contact("eve@example.org", source="API: CRM")
    delivered(3)()
    hard(2)()
    soft(1, recipient="eve@example.org")()
    recorded(told(Event.COMPLAINED, 1, recipient="eve@example.org"))()
    found = counted()
    fair, tool = found["fair.csv"], found["API: CRM"]
    assert (fair.contacts, fair.addresses, fair.standing.attempted, fair.standing.delivered) == (2, 2, 2, 1)
    assert (fair.standing.hard, fair.standing.soft, fair.standing.bounce_rate) == (1, 0, 0.5)
    assert (tool.standing.soft, tool.standing.complaints) == (1, 1)


def test_the_sources_together_count_what_reputation_counts() -> None:
    a_contact("ada@example.org", source="one")
    a_contact("eve@example.org", source="two")
    blocked = hard(4, fault="sender", reason="blocked")
    facts = (delivered(3), hard(2), soft(1), blocked, complained(1), delivered(40), delivered(29.5))
    for fact in (*facts, hard(29.2, recipient="eve@example.org"), soft(30.4, recipient="eve@example.org")):
        fact()
    for days in (7, 30, 90):
        first = NOW.date() - timedelta(days=days - 1)
        all_days = DailyStat.objects.filter(dimension="all", day__gte=first)
        for column in sources.FACTS:
            ours = sum(getattr(source.standing, column) for source in counted(days).values())
            assert ours == sum(all_days.values_list(column, flat=True)), (days, column)


def test_without_attempts_a_rate_is_unknown() -> None:
    a_contact("ada@example.org", source="fair.csv")
    a_bounce("ada@example.org")
    standing = counted()["fair.csv"].standing
    assert (standing.hard, standing.bounce_rate, standing.word) == (1, None, "unknown")


def test_an_address_counts_once_for_each_source_that_brought_it() -> None:
    for source in ("one", "one", "two"):
        a_contact("info@example.org", source=source)
    an_attempt("info@example.org", sent_at=NOW)
    found = counted()
    assert [(found[name].contacts, found[name].addresses) for name in ("one", "two")] == [(2, 1), (1, 1)]
    assert [found[name].standing.attempted for name in ("one", "two")] == [1, 1]


def test_deleted_contacts_count_for_nothing_and_those_without_address_as_contacts() -> None:
    a_contact("gone@example.org", source="old.csv", deleted_at=NOW)
    a_contact(None, last_name="Silent", source="list.csv")
    found = counted()
    assert list(found) == ["list.csv"]
    assert (found["list.csv"].contacts, found["list.csv"].addresses) == (1, 0)


def test_the_number_of_queries_does_not_grow(django_assert_num_queries) -> None:
    for number in range(20):
        a_contact(f"p{number}@example.org", source=f"file {number}")
    with django_assert_num_queries(4):  # a savepoint, its memory, the count
        assert len(sources.count_sources(30, NOW)) == 20


# --- where the source comes from ----------------------------------------------------------------------


def test_every_door_says_where_a_contact_comes_from(client: Client) -> None:
    done("email\nada@example.org\n", name="fair.csv")
    a_tool("contacts:write", role="sales").post("contacts/", {"addresses": [{"email": "bob@example.org"}]})
    client.force_login(a_user("sales"))
    client.post(reverse("contacts:new"), {"last_name": "Eve", "address-0": "eve@example.org", "primary": "0"})
    assert set(Contact.objects.values_list("source", flat=True)) == {"fair.csv", "API: A tool", "By hand"}


def test_what_is_said_stands_and_an_update_changes_no_source() -> None:
    tool = a_tool("contacts:write", role="sales")
    tool.post("contacts/", {"addresses": [{"email": "bob@example.org"}], "source": "The fair"})
    tool.post("contacts/?upsert=true", {"addresses": [{"email": "bob@example.org"}], "source": "Again"})
    a_contact("ada@example.org")
    tool.post("contacts/?upsert=true", {"addresses": [{"email": "ada@example.org"}]})
    assert list(Contact.objects.order_by("pk").values_list("source", flat=True)) == ["The fair", ""]


# --- the page and its worker --------------------------------------------------------------------------


def page(client: Client, query: str = "") -> str:
    return str(client.get(reverse("contacts:sources") + query).content.decode())


def test_the_page_asks_for_a_count_and_shows_it(client: Client, run_jobs: Callable[[], None]) -> None:
    a_contact("ada@example.org", source="fair & more.csv")
    client.force_login(a_user("sales"))
    assert "Being counted" in page(client)
    run_jobs()
    shown = page(client)
    assert "source=fair%20%26%20more.csv" in shown
    assert "unknown" in shown
    assert "hx-get" not in shown
    assert "Being counted" in page(client, "?days=7")


def test_an_old_count_is_shown_while_a_new_one_is_made(client: Client) -> None:
    SourceCount.objects.create(days=30, rows=[["old.csv", 1, 1, *[0] * 7]], counted_at=timezone.now() - sources.FRESH)
    client.force_login(a_user("sales"))
    assert "old.csv" in page(client)
    assert "being counted anew" in page(client)
    assert sources.is_waiting(NOW)
    assert sources.work(timezone.now)
    assert not sources.is_waiting(NOW)


def test_one_worker_counts_at_a_time() -> None:
    sources.latest(30, NOW)
    held = lease.acquire(sources.LEASE, timedelta(seconds=30))
    assert held
    assert not sources.is_waiting(NOW)
    assert not sources.work(timezone.now)


def test_the_page_is_for_those_who_see_bounces(client: Client) -> None:
    assert client.get(reverse("contacts:sources")).status_code == 302
    client.force_login(a_user("sales"))
    assert client.get(reverse("contacts:sources")).status_code == 200
    client.force_login(a_user("sales", is_active=False))
    assert client.get(reverse("contacts:sources")).status_code == 302


def test_reputation_leads_there_and_back(client: Client) -> None:
    client.force_login(a_user("sales"))
    reputation = client.get(reverse("bounces:reputation"), {"days": "7"}).content.decode()
    assert f"{reverse('contacts:sources')}?days=7" in reputation
    assert f"{reverse('bounces:reputation')}?by=provider&amp;days=7" in page(client, "?days=7")
