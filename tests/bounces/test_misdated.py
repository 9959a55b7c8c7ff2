"""Facts dated in the future or before 1990: kept and flagged, counted from when they arrived, and in nobody's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import permutations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from bounces import process
from bounces.intake.event_shape import read_event
from bounces.intake.events import keep_events
from bounces.intake.exported.layout import layout_of
from bounces.intake.exported.lines import read_line
from bounces.intake.exported.table import Line
from bounces.intake.upload import keep_upload
from bounces.intake.webhooks.arrival import Arrival
from bounces.intake.webhooks.opening import read_all
from bounces.intake.webhooks.providers import PROVIDERS
from bounces.intake.webhooks.samples import EVENTS, JSON, signed_mandrill
from bounces.models import Address, Bounce, Complaint, Evidence, InboundItem
from bounces.recording import record
from bounces.values import Event
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.histories import HARD, ago, delivered, hard, lived, replied, soft, told
from tests.builders import NOW, a_user
from tests.tools import a_tool

pytestmark = pytest.mark.django_db

IMPOSSIBLE = {
    "in five years": NOW + timedelta(days=5 * 365),
    "tomorrow": NOW + timedelta(days=1),
    "before 1990": datetime(1989, 12, 31, 23, 59, tzinfo=UTC),
    "in the year one": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "at the end of the calendar": datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))),
}


def write(at: datetime, event: Event = Event.BOUNCED) -> None:
    judgement = HARD if event == Event.BOUNCED else None
    with transaction.atomic():
        record([told(event, 0, judgement, occurred_at=at, message_id="m@rebound.example")])


def days_from_now(at: datetime) -> float:
    return (NOW - at) / timedelta(days=1)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_it_counts_from_when_it_arrived_and_keeps_what_it_claimed(name: str) -> None:
    write(IMPOSSIBLE[name])

    evidence = Evidence.objects.get()
    assert Bounce.objects.get().occurred_at == NOW
    assert evidence.occurred_at == NOW
    assert evidence.claimed_at is not None
    assert evidence.claimed_at.year == IMPOSSIBLE[name].year


@pytest.mark.parametrize("at", [NOW, ago(3), NOW + timedelta(minutes=4), datetime(1990, 1, 1, tzinfo=UTC)])
def test_a_date_that_may_be_is_not_flagged(at: datetime) -> None:
    write(at)

    assert Evidence.objects.get().claimed_at is None
    assert Bounce.objects.get().occurred_at == min(at, NOW)


@pytest.mark.parametrize("name", ["in five years", "before 1990"])
def test_it_never_reorders_the_rest(name: str) -> None:
    """A reply of the far future would outrank every bounce to come; one of 1980 would be none."""
    misdated = replied(days_from_now(IMPOSSIBLE[name]))
    found = set()
    for order in permutations([delivered(20), soft(15), misdated, soft(2)]):
        with transaction.atomic():
            address = lived(order)
            found.add((address.status, address.status_rule, address.last_reply_at))
            transaction.set_rollback(True)

    assert found == {("valid", "alive", NOW)}


def test_a_hard_bounce_of_tomorrow_is_one_of_today() -> None:
    lived([hard(-1)])
    address = Address.objects.get()

    assert (address.status, address.last_bounce_at) == ("invalid", NOW)


def test_a_second_channel_with_a_believable_date_decides() -> None:
    write(NOW + timedelta(days=400))
    write(ago(2))

    bounce = Bounce.objects.get()
    assert bounce.occurred_at == ago(2)
    assert bounce.evidence.filter(claimed_at__isnull=False).count() == 1


def test_a_complaint_is_flagged_too() -> None:
    write(IMPOSSIBLE["before 1990"], Event.COMPLAINED)

    complaint = Complaint.objects.get()
    assert (complaint.occurred_at, complaint.claimed_at) == (NOW, IMPOSSIBLE["before 1990"])


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(a_user("manager"))
    return client


def test_a_mail_with_an_impossible_date_says_so_on_the_pages_of_its_bounce_and_its_address(page: Client) -> None:
    body = a_bounce_mail(at=datetime(2031, 5, 3, tzinfo=UTC))
    keep_upload(SimpleUploadedFile("bounce.eml", body), a_user("manager"), NOW)
    assert process.run_flow(lambda: NOW)
    bounce = Bounce.objects.get()

    of_bounce = page.get(reverse("bounces:bounce", args=[bounce.pk])).content.decode()
    of_address = page.get(reverse("bounces:address", args=[bounce.address_id])).content.decode()

    assert "It gives its date as 3 May 2031, which cannot be; what counts is when it arrived." in of_bounce
    assert "its own date cannot be" in of_address


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_pages_show_any_date(page: Client, name: str, settings: pytest.FixtureRequest) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"
    write(IMPOSSIBLE[name])
    write(IMPOSSIBLE[name], Event.COMPLAINED)
    bounce = Bounce.objects.get()

    assert "which cannot be" in page.get(reverse("bounces:bounce", args=[bounce.pk])).content.decode()
    assert "which cannot be" in page.get(reverse("bounces:address", args=[bounce.address_id])).content.decode()
    assert a_tool().get(f"bounces/{bounce.pk}/").json()["evidence"][0]["claimed_at"]


def test_what_is_dated_well_says_nothing(page: Client) -> None:
    write(ago(1))
    bounce = Bounce.objects.get()

    assert "cannot be" not in page.get(reverse("bounces:bounce", args=[bounce.pk])).content.decode()
    assert "cannot be" not in page.get(reverse("bounces:address", args=[bounce.address_id])).content.decode()


# --- at every door


AT_DOORS = {name: IMPOSSIBLE[name] for name in ("in five years", "before 1990")}
AT_DOORS["in 2099"] = datetime(2099, 12, 31, 12, 0, tzinfo=UTC)


def by_webhook(slug: str, at: datetime) -> None:
    """As the worker opens a request; its signature and age were looked at by the door."""
    said = EVENTS[slug]("ada@example.org", at)
    body, headers = signed_mandrill(said, "", "", at) if slug == "mandrill" else (json.dumps(said).encode(), JSON)
    (found,) = read_all(PROVIDERS[slug], Arrival(body=body, headers=headers, url=""), NOW)
    assert found.event, found.why
    keep_events([found.event], f"webhook:{slug}", None, NOW)


def by_api(at: datetime) -> None:
    event = {
        "event_id": "1", "event": "bounced", "recipient": "ada@example.org", "occurred_at": at.isoformat(),
        "smtp": {"code": 550, "enhanced": "5.1.1", "text": "No such user"},
    }  # fmt: skip
    clean, errors = read_event(event, NOW)
    assert not errors
    keep_events([clean], "api:1", None, NOW)


def by_mail(at: datetime) -> None:
    keep_upload(SimpleUploadedFile("bounce.eml", a_bounce_mail(at=at)), a_user("manager"), NOW)


def by_list(at: datetime) -> None:
    layout = layout_of(["email", "created", "reason", "status"])
    assert layout is not None
    cells = ("ada@example.org", at.isoformat(), "550 5.1.1 No such user", "5.1.1")
    read = read_line(layout, "bounces", Line(2, cells), NOW)
    assert read.event, read.why
    keep_events([read.event], "upload", None, NOW)


DOORS: dict[str, Callable[[datetime], None]] = {
    "the API": by_api, "a mail": by_mail, "a list of a provider": by_list,
    **{f"webhook of {slug}": partial(by_webhook, slug) for slug in EVENTS},
}  # fmt: skip


@pytest.mark.parametrize("when", AT_DOORS)
@pytest.mark.parametrize("door", DOORS)
def test_at_every_door_it_is_kept_with_its_claim_and_counts_from_its_arrival(door: str, when: str) -> None:
    DOORS[door](AT_DOORS[when])
    process.run_flow(lambda: NOW)

    evidence = Evidence.objects.get()
    assert (evidence.occurred_at, evidence.claimed_at and evidence.claimed_at.year) == (NOW, AT_DOORS[when].year)
    assert not InboundItem.objects.filter(state="quarantined").exists()
