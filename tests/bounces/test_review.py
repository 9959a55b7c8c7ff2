"""The review queue: what the facts leave open, what people decide of it, and that it can be taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bounces import process, questions, review, rulings
from bounces.models import Address, Bounce, DailyStat, InboundItem, Repair, ReviewItem, Ruling
from bounces.recording import record
from bounces.repair import Scope, outlook, preview, start, work
from bounces.review import NotAllowed
from bounces.rulings import NoReason
from bounces.values import Event, Fault, Judgement, Kind, Trust
from tests.bounces.arriving import ADA, a_bounce_mail
from tests.bounces.histories import told
from tests.bounces.test_incidents import delivery, refusal
from tests.bounces.test_proof import arrive
from tests.builders import NOW, a_contact, a_user, an_address, days_ago

pytestmark = pytest.mark.django_db


def run(now: datetime = NOW) -> None:
    process.run_flow(lambda: now)


def tell(*several: Any) -> None:
    with transaction.atomic():
        record(list(several))
    run()


def counted() -> dict[str, int]:
    return {
        name: sum(DailyStat.objects.filter(dimension="all").values_list(name, flat=True)) for name in ("hard", "soft")
    }


def decide(cause: str, key: Any, decision: str, now: datetime = NOW) -> int:
    return review.decide(cause, [str(key)], decision, a_user("manager"), "I looked.", now)


# --- asked ------------------------------------------------------------------------------------------


def an_invalid_address() -> Address:
    tell(refusal("ada@gmail.com", days_ago(3)))
    return Address.objects.get(email="ada@gmail.com")


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


# --- not understood ---------------------------------------------------------------------------------


UNDECIDED = Judgement(Kind.SOFT, Fault.UNKNOWN, "onhold", False, "default")


def not_understood(email: str, said: str = "", days: float = 1) -> Bounce:
    """Recorded as it comes in, so that the daily counts know of it."""
    words = said or f"554 <{email}> frobnicated at 12:{len(email)}"
    tell(told(Event.BOUNCED, days, UNDECIDED, recipient=email, diagnostic=words))
    return Bounce.objects.latest("pk")


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


def test_many_conflicts_are_decided_by_the_same_few_statements(django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        email = f"ada{number}@gmail.com"
        tell(refusal(email, days_ago(3)), delivery(email, days_ago(1)))
    keys = [str(pk) for pk in questions.conflicts().values_list("pk", flat=True)]
    manager = a_user("manager")

    with django_assert_max_num_queries(16):
        assert review.decide("conflict", keys, "restore", manager, "They live.", NOW) == 12

    assert set(Address.objects.values_list("status", flat=True)) == {"valid"}
    assert ReviewItem.objects.filter(decision="restore").count() == 12


def test_many_wishes_are_granted_by_the_same_few_statements(django_assert_max_num_queries: Any) -> None:
    tell(*[refusal(f"ada{number}@gmail.com", days_ago(3)) for number in range(12)])
    sales, manager = a_user(), a_user("manager")
    asks = [review.ask_restore(address, sales, "She called.", NOW) for address in Address.objects.all()]

    with django_assert_max_num_queries(16):
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


# --- the pages --------------------------------------------------------------------------------------


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(a_user(role))
    return client


def test_sales_ask_and_see_what_became_of_it() -> None:
    address = an_invalid_address()
    sales = signed_in("sales")
    sales.post(reverse("bounces:ask_restore", args=[address.pk]), {"reason": "She called."})
    waits = sales.get(reverse("bounces:review")).content.decode()

    manager = signed_in("manager")
    item = ReviewItem.objects.get()
    manager.post(
        reverse("bounces:review_decide"),
        {"cause": "asked", "asked": item.pk, "decision": "refuse", "reason": "She left."},
    )

    assert "Waits for a manager" in waits
    assert "She left." in sales.get(reverse("bounces:review")).content.decode()


def test_sales_decide_nothing() -> None:
    address = an_invalid_address()
    item = review.ask_restore(address, a_user(), "She called.", NOW)
    repair = start(Scope("google", days_ago(11), days_ago(9)), a_user("manager"), "Gmail was wrong.", NOW)
    sales = signed_in("sales")
    deeds = [
        sales.post(
            reverse("bounces:review_decide"), {"cause": "asked", "asked": item.pk, "decision": "restore", "reason": "x"}
        ),
        sales.post(reverse("bounces:review_undo", args=[item.pk])),
        sales.get(reverse("bounces:review_group", args=["unknown"])),
        sales.get(reverse("bounces:repair")),
        sales.get(reverse("bounces:repair_run", args=[repair.pk])),
        sales.get(reverse("bounces:repair_progress", args=[repair.pk])),
        sales.post(reverse("bounces:repair_undo", args=[repair.pk])),
    ]

    assert [response.status_code for response in deeds] == [403] * 7
    assert not Ruling.objects.exists()


def test_a_manager_sees_all_four_causes_and_decides_in_bulk() -> None:
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1)))
    review.ask_restore(Address.objects.get(), a_user(), "She called.", NOW)
    not_understood("grace@b.example")
    not_understood("bob@b.example", "Other words")
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    manager = signed_in("manager")
    page = manager.get(reverse("bounces:review")).content.decode()

    keys = [group.key for group in questions.unknown_groups()]
    data = {"cause": "unknown", "unknown": keys, "decision": "discard", "reason": "Tests."}
    answer = manager.post(reverse("bounces:review_decide"), data, follow=True).content.decode()

    for title in ("Asked to restore", "seem to live", "rule understood", "Not proved"):
        assert title in page
    assert ("Decided: 2 in all" in answer, ReviewItem.objects.filter(decision="discard").count()) == (True, 2)


def test_a_group_opens_to_what_is_in_it() -> None:
    bounce = not_understood("grace@b.example")
    arrive(a_bounce_mail(), Trust.TOKEN)
    run()
    manager = signed_in("manager")
    pages = [
        manager.get(reverse("bounces:review_group", args=[cause]), {"key": groups[0].key}).content.decode()
        for cause, groups in (("unknown", questions.unknown_groups()), ("unproved", questions.unproved_groups()))
    ]

    assert reverse("bounces:bounce", args=[bounce.pk]) in pages[0]
    assert reverse("bounces:item", args=[InboundItem.objects.get().pk]) in pages[1]


def test_deciding_without_a_choice_or_a_reason_says_so() -> None:
    manager = signed_in("manager")
    url = reverse("bounces:review_decide")
    nothing = manager.post(url, {"cause": "unknown", "decision": "keep", "reason": "x"}, follow=True).content.decode()
    bare = manager.post(url, {"cause": "unknown", "unknown": "a", "decision": "keep"}, follow=True).content.decode()

    assert ("Tick what you want" in nothing, "Say why" in bare) == (True, True)


def test_the_queue_asks_no_more_queries_for_more_questions(django_assert_max_num_queries) -> None:
    for number in range(8):
        tell(refusal(f"p{number}@gmail.com", days_ago(3)), delivery(f"p{number}@gmail.com", days_ago(1)))
        review.ask_restore(Address.objects.get(email=f"p{number}@gmail.com"), a_user(), "She called.", NOW)
        not_understood(f"q{number}@b.example", f"words {'x' * number}")
    manager = signed_in("manager")
    manager.get(reverse("bounces:review"))

    with django_assert_max_num_queries(22):
        assert manager.get(reverse("bounces:review")).status_code == 200


# --- repair -----------------------------------------------------------------------------------------


def test_a_repair_is_looked_at_done_and_taken_back_on_its_page() -> None:
    tell(refusal("ada@gmail.com", days_ago(10)), refusal("bob@gmail.com", days_ago(10)))
    manager = signed_in("manager")
    scope = {"provider": "google", "since": "2026-10-22T00:00", "until": "2026-10-24T00:00", "reason": ""}

    looked = manager.get(reverse("bounces:repair"), scope).content.decode()
    before = set(Address.objects.values_list("status", flat=True))
    page = manager.post(reverse("bounces:repair"), {**scope, "why": "Gmail was wrong."}, follow=True).content.decode()
    done = Repair.objects.get()
    work(done.pk, lambda: NOW)
    after = set(Address.objects.values_list("status", flat=True))
    progress = manager.get(reverse("bounces:repair_progress", args=[done.pk]))
    manager.post(reverse("bounces:repair_undo", args=[done.pk]))
    work(done.pk, lambda: NOW)

    assert "2 addresses would be judged again" in looked
    assert ("0 of 2 addresses judged again" in page, progress["HX-Refresh"]) == (True, "true")
    assert (before, after) == ({"invalid"}, {"unverified"})
    assert set(Address.objects.values_list("status", flat=True)) == {"invalid"}


def test_a_repair_without_a_reason_or_with_a_wrong_span_is_refused() -> None:
    tell(refusal("ada@gmail.com", days_ago(10)))
    manager = signed_in("manager")
    scope = {"provider": "google", "since": "2026-10-22T00:00", "until": "2026-10-24T00:00"}

    bare = manager.post(reverse("bounces:repair"), scope).content.decode()
    wrong = manager.get(reverse("bounces:repair"), {**scope, "until": "2026-10-01T00:00"}).content.decode()

    assert ("Say why" in bare, "lies before the beginning" in wrong) == (True, True)
    assert an_address("ada@gmail.com").status == "invalid"


def test_a_repair_says_what_each_would_become_and_changes_nothing_by_looking() -> None:
    tell(delivery("ada@gmail.com", days_ago(30)), refusal("ada@gmail.com", days_ago(10)))
    tell(refusal("bob@gmail.com", days_ago(10)))
    scope = Scope("google", days_ago(11), days_ago(9))
    found = preview(scope)

    becomes = outlook(found, a_user("manager"), NOW)

    assert {each.email: becomes[each.address_id] for each in found} == {
        "ada@gmail.com": "valid",
        "bob@gmail.com": "unverified",
    }
    assert (Ruling.objects.count(), set(Address.objects.values_list("status", flat=True))) == (0, {"invalid"})


# --- where else it is seen --------------------------------------------------------------------------


def test_an_address_and_its_contact_tell_what_became_of_asking() -> None:
    contact = a_contact("ada@gmail.com")
    address = an_invalid_address()
    sales = signed_in("sales")
    sales.post(reverse("bounces:ask_restore", args=[address.pk]), {"reason": "She called."})
    urls = [reverse("bounces:address", args=[address.pk]), contact.get_absolute_url()]
    waiting = [sales.get(url).content.decode() for url in urls]

    decide("asked", ReviewItem.objects.get().pk, "refuse")
    answered = [sales.get(url).content.decode() for url in urls]

    ask_url = reverse("bounces:ask_restore", args=[address.pk])
    assert [("Waits for a manager" in page, ask_url in page) for page in waiting] == [(True, False)] * 2
    assert [("I looked." in page, ask_url in page) for page in answered] == [(True, True)] * 2


def test_a_second_one_who_asks_is_told_that_somebody_did() -> None:
    address = an_invalid_address()
    review.ask_restore(address, a_user(name="Sam"), "She called.", NOW)

    page = signed_in("sales").get(reverse("bounces:ask_restore", args=[address.pk]), follow=True).content.decode()

    assert "Sam asked for it already" in page


def test_the_navigation_asks_for_a_number_where_somebody_decides() -> None:
    url = reverse("bounces:review_count")
    cache.clear()
    not_understood("ada@b.example")
    manager, sales = signed_in("manager"), signed_in("sales")

    assert (url in manager.get("/").content.decode(), url in sales.get("/").content.decode()) == (True, False)
    assert ("1</span>" in manager.get(url).content.decode(), sales.get(url).status_code) == (True, 403)


def test_the_dashboard_says_what_waits_to_those_who_decide() -> None:
    cache.clear()
    not_understood("ada@b.example")
    a_contact()

    assert "Waits for you" in signed_in("manager").get("/").content.decode()
    assert "Waits for you" not in signed_in("sales").get("/").content.decode()


def test_a_cause_that_is_none_is_not_found() -> None:
    assert signed_in("manager").get(reverse("bounces:review_group", args=["nothing"])).status_code == 404


def test_a_large_group_comes_page_by_page() -> None:
    with transaction.atomic():
        record(
            [
                told(Event.BOUNCED, 1, UNDECIDED, recipient=f"p{number}@b.example", diagnostic="Frobnicated")
                for number in range(60)
            ]
        )
    manager = signed_in("manager")
    url = reverse("bounces:review_group", args=["unknown"])
    first = manager.get(url, {"key": "frobnicated"})
    second = manager.get(url, {"key": "frobnicated", "after": first.context["page"].next_cursor})

    assert [len(response.context["page"].items) for response in (first, second)] == [50, 10]


def test_all_that_is_open_of_a_cause_has_a_page_of_its_own() -> None:
    tell(refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1)))
    review.ask_restore(Address.objects.get(), a_user(), "She called.", NOW)
    manager = signed_in("manager")
    pages = [manager.get(reverse("bounces:review_group", args=[cause])) for cause in ("asked", "conflict")]

    assert all("ada@" in page.content.decode() for page in pages)
