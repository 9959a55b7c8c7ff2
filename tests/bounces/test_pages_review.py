"""The review's pages, and where else it is seen that something is asked."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.db import transaction
from django.urls import reverse

from bounces import questions, review
from bounces.models import Address, InboundItem, ReviewItem, Ruling
from bounces.recording import record
from bounces.repair import Scope, start
from bounces.values import Event, Trust
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.happening import delivery, refusal
from tests.bounces.histories import told
from tests.bounces.reviewing import UNDECIDED, an_invalid_address, decide, not_understood, run, signed_in, tell
from tests.bounces.test_proof import arrive
from tests.builders import NOW, a_contact, a_user, days_ago

pytestmark = pytest.mark.django_db


# --- the pages --------------------------------------------------------------------------------------


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
    caches["process"].clear()
    not_understood("ada@b.example")
    manager, sales = signed_in("manager"), signed_in("sales")

    assert (url in manager.get("/").content.decode(), url in sales.get("/").content.decode()) == (True, False)
    assert ("1</span>" in manager.get(url).content.decode(), sales.get(url).status_code) == (True, 403)


def test_the_dashboard_says_what_waits_to_those_who_decide() -> None:
    caches["process"].clear()
    not_understood("ada@b.example")
    a_contact()

    assert "to review</strong>" in signed_in("manager").get("/").content.decode()
    assert "to review</strong>" not in signed_in("sales").get("/").content.decode()


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
