"""Lists page by key: nothing twice, nothing lost, whatever the order and wherever values are empty."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from bounces.models import Address
from bounces.paging import capped_count, page_of

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 5, 3, 12, 0, 0, 123456, tzinfo=UTC)


def seven_addresses() -> None:
    """Two share a date, two have none."""
    days = [0, 1, 1, 2, 3, None, None]
    Address.objects.bulk_create(
        Address(
            email=f"p{number}@a.example",
            domain="a.example",
            last_bounce_at=None if day is None else DAY + timedelta(days=day),
        )
        for number, day in enumerate(days)
    )


def walk(order: list[str], direction: str = "next_cursor", start: dict | None = None) -> list[list[str]]:
    pages, cursor = [], start or {}
    while True:
        page = page_of(Address.objects.all(), order, size=3, **cursor)
        pages.append([str(address) for address in page.items])
        if not (following := getattr(page, direction)):
            return pages
        cursor = {"after" if direction == "next_cursor" else "before": following}


ORDERS = [["id"], ["-id"], ["last_bounce_at", "id"], ["-last_bounce_at", "-id"], ["-last_bounce_at", "id"]]


@pytest.mark.parametrize("order", ORDERS)
def test_walking_forward_shows_every_row_once_in_order(order):
    seven_addresses()
    expected = [str(address) for address in Address.objects.order_by(*order)]
    assert [email for page in walk(order) for email in page] == expected


@pytest.mark.parametrize("order", ORDERS)
def test_walking_back_shows_the_same_pages(order):
    seven_addresses()
    expected = [str(address) for address in Address.objects.order_by(*order)]
    second = page_of(
        Address.objects.all(), order, size=3, after=page_of(Address.objects.all(), order, size=3).next_cursor
    )
    third = page_of(Address.objects.all(), order, size=3, after=second.next_cursor)
    back = walk(order, "previous_cursor", {"before": third.previous_cursor})
    assert [email for page in reversed(back) for email in page] == expected[:6]


def test_with_a_question_mark_empty_values_come_last_going_down_too():
    seven_addresses()
    order = ["-last_bounce_at?", "-id"]
    expected = [str(one) for one in Address.objects.order_by(F("last_bounce_at").desc(nulls_last=True), "-id")]
    forward = walk(order)
    assert [email for page in forward for email in page] == expected
    second = page_of(
        Address.objects.all(), order, size=3, after=page_of(Address.objects.all(), order, size=3).next_cursor
    )
    third = page_of(Address.objects.all(), order, size=3, after=second.next_cursor)
    assert walk(order, "previous_cursor", {"before": third.previous_cursor})[::-1] == forward[:2]


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_behind():
    seven_addresses()
    first = page_of(Address.objects.all(), ["id"], size=4)
    last = page_of(Address.objects.all(), ["id"], size=4, after=first.next_cursor)
    assert (first.previous_cursor, last.next_cursor) == ("", "")
    assert page_of(Address.objects.all(), ["id"], size=4, before=last.previous_cursor) == first


def test_an_empty_list_is_one_empty_page():
    page = page_of(Address.objects.all(), ["id"])
    assert (page.items, page.has_neighbours) == ([], False)


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzFd", "WyJ4IiwgMV0", "WyJcdTAwMDAiLDFd", "[" * 3000])
def test_a_cursor_made_up_by_hand_gives_the_first_page(cursor):
    seven_addresses()
    first = page_of(Address.objects.all(), ["last_bounce_at", "id"], size=3)
    assert page_of(Address.objects.all(), ["last_bounce_at", "id"], size=3, after=cursor).items == first.items


@pytest.mark.parametrize("order", ["id", "email", "last_bounce_at"])
@pytest.mark.parametrize("value", ["1e400", "-1e400", "NaN", "1e300", "9" * 400, '"\\ud800"', "[1]"])
def test_a_value_that_no_column_holds_gives_a_page(order, value):
    seven_addresses()
    cursor = base64.urlsafe_b64encode(f"[{value},1]".encode()).decode()
    for neighbour in ("after", "before"):
        page_of(Address.objects.all(), [order, "-id"], size=3, **{neighbour: cursor})


def test_counts_stop_at_their_cap_and_say_so():
    seven_addresses()
    assert str(capped_count(Address.objects.all(), cap=5)) == "5+"
    assert str(capped_count(Address.objects.all(), cap=7)) == "7"
