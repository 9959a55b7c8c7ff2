"""What people are asked of bounces: those that no rule understands, and those without proof."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bounces import questions, review
from bounces.models import Address, Bounce, DailyStat, InboundItem, ReviewItem
from bounces.review import NotAllowed
from bounces.values import Event, Trust
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.bounces.histories import told
from tests.bounces.reviewing import decide, not_understood, run, tell
from tests.bounces.test_proof import arrive
from tests.builders import NOW, a_user

pytestmark = pytest.mark.django_db


def counted() -> dict[str, int]:
    return {
        name: sum(DailyStat.objects.filter(dimension="all").values_list(name, flat=True)) for name in ("hard", "soft")
    }


# --- not understood ---------------------------------------------------------------------------------


def test_what_was_said_alike_is_one_question() -> None:
    not_understood("ada@b.example")
    not_understood("grace@b.example")
    not_understood("bob@b.example", "Completely different words")

    assert [(group.number, group.key) for group in questions.unknown_groups()] == [
        (2, "554 <address> frobnicated at #"),
        (1, "completely different words"),
    ]


def test_discarded_bounces_count_nowhere_and_come_back_with_undo() -> None:
    not_understood("ada@b.example")
    before = counted()
    (group,) = questions.unknown_groups()

    decide("unknown", group.key, "discard")
    discarded = (Bounce.objects.get().standing, len(questions.unknown_groups()))
    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)

    assert discarded == ("discarded", 0)
    assert (Bounce.objects.get().standing, len(questions.unknown_groups()), counted()) == ("counted", 1, before)


def test_statuses_follow_what_is_discarded_and_what_is_taken_back() -> None:
    for days in (20, 10, 1):
        not_understood("ada@b.example", days=days)
    statuses = [Address.objects.get().status]

    decide("unknown", questions.unknown_groups()[0].key, "discard")
    run()
    statuses.append(Address.objects.get().status)
    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()
    statuses.append(Address.objects.get().status)

    assert statuses == ["invalid", "unverified", "invalid"]


def test_what_was_looked_at_is_asked_again_only_for_newer_bounces() -> None:
    not_understood("ada@b.example")
    decide("unknown", questions.unknown_groups()[0].key, "keep")
    seen = len(questions.unknown_groups())

    newer = not_understood("grace@b.example")
    Bounce.objects.filter(pk=newer.pk).update(recorded_at=timezone.now() + timedelta(minutes=1))

    assert (seen, [group.number for group in questions.unknown_groups()]) == (0, [1])


def test_single_bounces_of_a_group_are_discarded_alone() -> None:
    first, second = not_understood("ada@b.example"), not_understood("grace@b.example")
    (group,) = questions.unknown_groups()

    review.decide("unknown", [group.key], "discard", a_user("manager"), "I looked.", NOW, only=[first.pk])

    assert list(questions.unknown(group.key).values_list("pk", flat=True)) == [second.pk]


def test_leaving_as_it_is_goes_for_a_whole_group() -> None:
    bounce = not_understood("ada@b.example")
    (group,) = questions.unknown_groups()

    with pytest.raises(NotAllowed, match="whole group"):
        review.decide("unknown", [group.key], "keep", a_user("manager"), "I looked.", NOW, only=[bounce.pk])


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("550 5.7.1 <ada@b.example> refused", "550 5.7.1 grace@c.example refused", True),
        ("554 message 4Bxyz12 from mx1.a.example refused", "554 message 9QQab77 from mx2.a.example refused", True),
        ("550 5.7.1 refused", "554 5.7.1 refused", False),
        ("450 4.2.1 later", "450 4.7.1 later", False),
        ("at 2026-11-02 refused", "at 2026-10-30 refused", True),
        ("refused for policy", "refused for content", False),
    ],
)
def test_alike_is_what_differs_in_names_and_numbers_alone(one: str, other: str, is_alike: bool) -> None:
    not_understood("ada@b.example", one)
    not_understood("grace@b.example", other)

    assert (len(questions.unknown_groups()) == 1) is is_alike


# --- without proof ----------------------------------------------------------------------------------


def test_a_report_without_proof_waits_by_its_source_and_what_it_lacks() -> None:
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()

    assert [group.parts for group in questions.unproved_groups()] == [("door:token", "bounced", "no_token")]


def test_what_is_counted_makes_the_address_invalid() -> None:
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()

    decide("unproved", questions.unproved_groups()[0].key, "count")
    run()

    assert (Address.objects.get(email=ADA).status, questions.unproved_groups()) == ("invalid", [])


def test_what_is_discarded_changes_nothing_and_comes_back_with_undo() -> None:
    item = arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "discard")
    run()
    gone = (InboundItem.objects.get(pk=item.pk).state, questions.unproved_groups())

    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()

    assert gone == ("ignored", [])
    assert (InboundItem.objects.get(pk=item.pk).state, len(questions.unproved_groups())) == ("unverified", 1)


def test_proof_that_came_while_a_report_was_discarded_is_found_with_undo() -> None:
    arrive(a_bounce_mail(), Trust.MATCH)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "discard")
    tell(told(Event.SENT, 1, recipient=ADA, message_id="one@rebound.example"))
    still = Address.objects.get(email=ADA).status

    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()

    assert (still, Address.objects.get(email=ADA).status) == ("unverified", "invalid")


def test_what_was_discarded_elsewhere_stays_discarded() -> None:
    item = arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "discard")
    InboundItem.objects.filter(pk=item.pk).update(finished_at=NOW + timedelta(hours=1))

    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)

    assert InboundItem.objects.get(pk=item.pk).state == "ignored"


def test_bounces_that_were_counted_count_no_more_when_that_is_taken_back() -> None:
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "count")
    run()

    assert review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()

    assert (Address.objects.get(email=ADA).status, counted()) == ("unverified", {"hard": 0, "soft": 0})
    assert not review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)


def test_what_was_counted_and_not_yet_read_waits_for_proof_again() -> None:
    item = arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "count")

    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()

    item.refresh_from_db()
    assert (item.state, item.trust, item.released_by) == ("unverified", Trust.TOKEN, None)
    assert len(questions.unproved_groups()) == 1


def test_a_bounce_of_which_something_else_tells_too_stays_counted() -> None:
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    decide("unproved", questions.unproved_groups()[0].key, "count")
    run()
    Bounce.objects.get().evidence.create(
        source="test", trust=Trust.TRUSTED, reader="event", kind="hard", fault="recipient", occurred_at=NOW
    )

    review.undo(ReviewItem.objects.get(), a_user("manager"), NOW)
    run()

    assert Address.objects.get(email=ADA).status == "invalid"
