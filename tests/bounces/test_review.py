"""What people are asked of an address: somebody wants it restored, or its facts contradict each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from bounces import questions, review, rulings
from bounces.models import Address, ReviewItem
from bounces.review import NotAllowed
from bounces.rulings import NoReason
from bounces.values import Event, Fault, Judgement, Kind
from tests.bounces.happening import delivery, refusal
from tests.bounces.histories import told
from tests.bounces.reviewing import an_invalid_address, decide, tell
from tests.builders import NOW, a_user, an_address, days_ago

pytestmark = pytest.mark.django_db


# --- asked ------------------------------------------------------------------------------------------


def test_what_is_asked_waits_once_until_a_manager_grants_it() -> None:
    address, sales = an_invalid_address(), a_user()
    items = {review.ask_restore(address, sales, "She called.", NOW).pk for _ in range(2)}

    (item,) = items
    decide("asked", item, "restore")

    address.refresh_from_db()
    assert (address.status, questions.asked().count()) == ("unverified", 0)


def test_what_works_is_not_asked_for() -> None:
    with pytest.raises(NotAllowed, match="nothing to restore"):
        review.ask_restore(an_address(status="valid"), a_user(), "She called.", NOW)


def test_what_is_refused_stays_as_it_is() -> None:
    address = an_invalid_address()
    item = review.ask_restore(address, a_user(), "She called.", NOW)

    decide("asked", item.pk, "refuse")

    address.refresh_from_db()
    item.refresh_from_db()
    assert (address.status, item.decision, item.reason) == ("invalid", "refuse", "I looked.")


def test_a_restore_that_is_taken_back_is_asked_again() -> None:
    address = an_invalid_address()
    item = review.ask_restore(address, a_user(), "She called.", NOW)
    decide("asked", item.pk, "restore")

    item.refresh_from_db()
    assert review.undo(item, a_user("manager"), NOW)

    address.refresh_from_db()
    assert (address.status, address.restored_at, questions.asked().count()) == ("invalid", None, 1)


def test_an_address_that_was_restored_elsewhere_is_no_question_any_more() -> None:
    address = an_invalid_address()
    review.ask_restore(address, a_user(), "She called.", NOW)

    rulings.restore(address, a_user("manager"), "I knew.", NOW)

    assert not questions.asked().exists()


def test_taking_a_restore_back_leaves_an_older_one() -> None:
    address, manager = an_invalid_address(), a_user("manager")
    rulings.restore(address, manager, "First.", days_ago(1))
    second = rulings.restore(address, manager, "Second.", NOW)

    rulings.take_back([second.pk], manager, NOW)

    address.refresh_from_db()
    assert (address.restored_at, address.status) == (days_ago(1), "unverified")


# --- conflicts --------------------------------------------------------------------------------------


def test_a_dead_address_that_takes_a_mail_again_is_asked_about() -> None:
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1)))

    assert [address.email for address in questions.conflicts()] == ["ada@gmail.com"]


def test_the_order_in_which_the_facts_came_makes_no_difference() -> None:
    tell(delivery("ada@gmail.com", days_ago(1)))
    tell(refusal("ada@gmail.com", days_ago(3)))

    assert [address.email for address in questions.conflicts()] == ["ada@gmail.com"]


def test_a_soft_bounce_after_the_delivery_hides_no_conflict() -> None:
    full = Judgement(Kind.SOFT, Fault.RECIPIENT, "mailboxfull", False, "test")
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(2)))
    tell(told(Event.BOUNCED, 1, full, recipient="ada@gmail.com"))

    assert questions.conflicts().count() == 1


@pytest.mark.parametrize("codes", [{"replycode": "450", "status": ""}, {"replycode": "", "status": "4.1.1"}])
def test_a_temporary_refusal_after_the_delivery_hides_no_conflict(codes: dict[str, str]) -> None:
    unknown = Judgement(Kind.HARD, Fault.RECIPIENT, "userunknown", False, "test")
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(2)))
    tell(told(Event.BOUNCED, 1, unknown, recipient="ada@gmail.com", **codes))

    assert questions.conflicts().count() == 1


def test_an_older_delivery_that_is_told_later_asks_nothing_again() -> None:
    tell(refusal("ada@gmail.com", days_ago(5)), delivery("ada@gmail.com", days_ago(1)))
    decide("conflict", Address.objects.get().pk, "keep")

    tell(delivery("ada@gmail.com", days_ago(2)))

    assert not questions.conflicts()


def test_a_reply_shortly_before_the_bounce_is_a_conflict() -> None:
    tell(told(Event.REPLIED, 5, recipient="ada@gmail.com"), refusal("ada@gmail.com", days_ago(3)))

    assert (Address.objects.get().status, questions.conflicts().count()) == ("at_risk", 1)


def test_a_delivery_before_the_bounce_is_no_conflict() -> None:
    tell(delivery("ada@gmail.com", days_ago(3)), refusal("ada@gmail.com", days_ago(1)))

    assert not questions.conflicts()


def test_what_was_left_as_it_is_is_asked_again_by_something_newer() -> None:
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1)))
    decide("conflict", Address.objects.get().pk, "keep")
    kept = questions.conflicts().count()

    tell(delivery("ada@gmail.com", NOW + timedelta(hours=1)))

    assert (kept, questions.conflicts().count()) == (0, 1)


def test_a_conflict_that_is_restored_is_valid_and_can_be_taken_back() -> None:
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1)))
    address = Address.objects.get()

    decide("conflict", address.pk, "restore")
    address.refresh_from_db()
    restored = address.status
    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)

    address.refresh_from_db()
    assert (restored, address.status, questions.conflicts().count()) == ("valid", "invalid", 1)


# --- without proof ----------------------------------------------------------------------------------


def test_many_conflicts_are_decided_by_the_same_few_statements(django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        email = f"ada{number}@gmail.com"
        tell(refusal(email, days_ago(3)), delivery(email, days_ago(1)))
    keys = [str(pk) for pk in questions.conflicts().values_list("pk", flat=True)]
    manager = a_user("manager")

    with django_assert_max_num_queries(18):
        assert review.decide("conflict", keys, "restore", manager, "They live.", NOW) == 12

    assert set(Address.objects.values_list("status", flat=True)) == {"valid"}
    assert ReviewItem.objects.filter(decision="restore").count() == 12


def test_many_wishes_are_granted_by_the_same_few_statements(django_assert_max_num_queries: Any) -> None:
    tell(*[refusal(f"ada{number}@gmail.com", days_ago(3)) for number in range(12)])
    sales, manager = a_user(), a_user("manager")
    asks = [review.ask_restore(address, sales, "She called.", NOW) for address in Address.objects.all()]

    with django_assert_max_num_queries(18):
        keys = [str(item.pk) for item in asks]
        assert review.decide("asked", keys, "restore", manager, "So be it.", NOW) == 12

    assert set(Address.objects.values_list("status", flat=True)) == {"unverified"}
    assert all(item.effects["rulings"] for item in ReviewItem.objects.all())


# --- nonsense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "decision"), [("asked", "count"), ("unknown", "restore"), ("nothing", "keep"), ("", "")]
)
def test_a_decision_that_is_none_is_refused(cause: str, decision: str) -> None:
    with pytest.raises(NotAllowed):
        decide(cause, "1", decision)


@pytest.mark.parametrize("cause", ["asked", "conflict", "unknown", "unproved"])
@pytest.mark.parametrize("key", ["", "0", "9" * 40, "a\x00b", "a|b|c"])
def test_what_is_not_open_cannot_be_decided(cause: str, key: str) -> None:
    with pytest.raises(NotAllowed):
        decide(cause, key, str(review.ALLOWED[review.Cause(cause)][1]))


def test_a_decision_needs_a_reason() -> None:
    with pytest.raises(NoReason):
        review.decide("conflict", ["1"], "keep", a_user("manager"), "  ", NOW)


def test_the_database_refuses_a_decision_by_nobody() -> None:
    with pytest.raises(IntegrityError):
        ReviewItem.objects.create(cause="unknown", decision="keep", reason="Because.")
