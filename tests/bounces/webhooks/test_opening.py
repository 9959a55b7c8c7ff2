"""What one request of a provider holds is recorded with it, in one step; whatever happens, each event once."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from bounces import inbox, lease, lists, process
from bounces.intake.webhooks import opening, samples
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.splitting import split
from bounces.models import Address, Bounce, Evidence, InboundItem, IntakeSource, RawChunk
from tests.bounces.webhooks.posting import a_post, a_provider_source

pytestmark = pytest.mark.django_db
SITE = "http://rebound.example"


@pytest.fixture(autouse=True)
def _where_it_runs(settings: LazySettings) -> None:
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["*"]


@pytest.fixture
def source() -> IntakeSource:
    return a_provider_source("sendgrid")


def bounces_of(*names: str) -> list[dict[str, Any]]:
    return [{**samples.sendgrid(f"{name}@b.example", timezone.now())[0], "sg_event_id": name} for name in names]


def post(client: Client, source: IntakeSource, *names: str) -> None:
    assert a_post(source, SITE, said=bounces_of(*names)).send(client) == 200


def drain_once() -> None:
    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None
    process.drain_batch(held, timezone.now())
    lease.release(held)


def run_flow() -> None:
    assert process.run_flow(timezone.now)


def recorded() -> tuple[list[str], list[str], list[str]]:
    return (
        sorted(Address.objects.values_list("email", flat=True)),
        sorted(InboundItem.objects.values_list("state", flat=True)),
        sorted(Address.objects.values_list("status", flat=True)),
    )


THREE = ["ann@b.example", "bob@b.example", "eve@b.example"]


def test_its_events_are_recorded_in_the_step_that_opens_it(client: Client, source: IntakeSource) -> None:
    post(client, source, "ann", "bob", "eve")

    drain_once()

    assert (recorded()[0], lists.count_inbox()["pending"], Bounce.objects.count()) == (THREE, 0, 3)


def test_each_of_them_keeps_its_bytes_and_says_what_became_of_it(client: Client, source: IntakeSource) -> None:
    post(client, source, "ann", "bob")
    run_flow()

    children = InboundItem.objects.filter(form="event")
    assert {child.why for child in children} == {
        "1 bounce (the mailbox does not exist): ann@b.example",
        "1 bounce (the mailbox does not exist): bob@b.example",
    }
    assert all(b"@b.example" in bytes(RawChunk.objects.get(item_id=child.pk).body) for child in children)
    assert set(Evidence.objects.values_list("inbound_item_id", flat=True)) == {child.pk for child in children}


def test_the_same_event_in_two_requests_of_one_batch_is_one(client: Client, source: IntakeSource) -> None:
    post(client, source, "ann", "bob")
    post(client, source, "bob", "eve")
    run_flow()

    whys = list(InboundItem.objects.filter(form="events").order_by("pk").values_list("why", flat=True))
    assert (recorded()[0], Evidence.objects.count()) == (THREE, 3)
    assert whys == ["2 events.", "2 events, 1 of them here before."]


def test_more_than_are_recorded_together_wait_for_their_turn(
    client: Client, source: IntakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "TOGETHER", 2)
    post(client, source, "ann", "bob", "eve")

    drain_once()
    assert lists.count_inbox()["pending"] == 3
    run_flow()

    assert recorded() == (THREE, ["done"] * 4, ["invalid"] * 3)


def test_an_event_that_cannot_be_recorded_spoils_no_other_of_its_request(
    client: Client, source: IntakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_house = process.told_of

    def fails_for_bob(item: Any, reading: Any, rules: Any) -> Any:
        if reading.reports[0].recipient == "bob@b.example":
            raise ArithmeticError
        return of_the_house(item, reading, rules)

    monkeypatch.setattr(process, "told_of", fails_for_bob)
    post(client, source, "ann", "bob", "eve")
    run_flow()

    counts = lists.count_inbox()
    assert (counts["done"], counts["quarantined"], sum(counts.values())) == (2, 1, 3)
    assert recorded()[0] == ["ann@b.example", "eve@b.example"]


def test_a_request_that_was_finished_meanwhile_is_not_opened_again(client: Client, source: IntakeSource) -> None:
    post(client, source, "ann")
    first = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert first is not None
    taken = inbox.take(first)
    lease.release(first)
    run_flow()
    held = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert held is not None

    process.settle_requests(taken, held, timezone.now())

    assert (Evidence.objects.count(), InboundItem.objects.count()) == (1, 2)


@pytest.mark.parametrize("body", [b"[{},{},{},{},{},{}]", b'{"events": [[],[],[],[],[],[]]}'])
def test_a_list_without_end_is_taken_apart_no_further_than_it_is_read(body: bytes) -> None:
    assert len(split(Arrival(body), most=3)) == 4


def test_a_holder_that_was_presumed_dead_opens_nothing(client: Client, source: IntakeSource) -> None:
    post(client, source, "ann")
    stale = lease.acquire(process.LEASE, process.LEASE_LASTS)
    assert stale is not None
    lease.release(stale)
    assert lease.acquire(process.LEASE, process.LEASE_LASTS) is not None

    with pytest.raises(lease.LeaseLost):
        process.drain_batch(stale, timezone.now())

    assert (InboundItem.objects.count(), Bounce.objects.count()) == (1, 0)
