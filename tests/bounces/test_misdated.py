"""Facts dated in the future or before 1990: kept and flagged, counted from when they arrived, and in nobody's way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from bounces import process
from bounces.intake.upload import keep_upload
from bounces.models import Address, Bounce, Complaint, Evidence
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
