"""A manager decides a group of alike bounces in bulk, takes it back, and answers what a colleague asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import caches
from django.db import transaction
from playwright.sync_api import Page, expect

from bounces import process, repair, review
from bounces.models import Address, Bounce, Repair
from bounces.recording import record
from bounces.values import Event, Trust
from tests.bounces.arriving import a_bounce_mail
from tests.bounces.happening import delivery, refusal
from tests.bounces.histories import told
from tests.bounces.reviewing import UNDECIDED
from tests.bounces.test_proof import arrive
from tests.browser.conftest import shoot
from tests.builders import NOW, a_contact, a_user, days_ago


@pytest.fixture
def manager(sign_in: Callable[[str], Page]) -> Page:
    """Four questions wait, one of each cause."""
    caches["process"].clear()
    alike = [
        told(
            Event.BOUNCED,
            days,
            UNDECIDED,
            recipient=f"p{number}@b.example",
            diagnostic=f"554 <p{number}@b.example> frobnicated, ticket 4Bx{number}",
        )
        for number in range(12)
        for days in (20, 10, 1)
    ]
    with transaction.atomic():
        record([*alike, refusal("ada@gmail.com", days_ago(3)), delivery("ada@gmail.com", days_ago(1))])
        record([refusal("grace@gmail.com", days_ago(3))])
    arrive(a_bounce_mail(), Trust.TOKEN)
    process.run_flow(lambda: NOW)
    a_contact("grace@gmail.com")
    grace = Address.objects.get(email="grace@gmail.com")
    review.ask_restore(grace, a_user(name="Sam Sales"), "She called, and reads her mail there.", NOW)
    return sign_in(a_user("manager", name="Mia Manager").email)


def statuses() -> set[str]:
    process.run_flow(lambda: NOW)
    return set(Address.objects.filter(email__endswith="@b.example").values_list("status", flat=True))


def test_a_group_is_decided_in_bulk_and_taken_back(manager: Page) -> None:
    manager.goto("/review/")
    expect(manager.locator(".nav-count")).to_contain_text("4")
    shoot(manager, "queue")
    before = statuses()

    group = manager.locator("form", has=manager.get_by_role("heading", name="Nobody’s rule understood why"))
    group.get_by_role("checkbox", name="Tick all of these").check()
    group.get_by_label("Why").fill("Their gateway was broken that week")
    group.get_by_role("button", name="Discard").click()
    expect(manager.locator("main")).to_contain_text("Taken", ignore_case=True)
    expect(manager.locator(".toasts, main").first).to_be_visible()
    discarded = set(Bounce.objects.filter(rule="default").values_list("standing", flat=True))
    after = statuses()
    shoot(manager, "decided")

    manager.get_by_role("button", name="Undo", exact=True).click()
    expect(manager.get_by_role("heading", name="Nobody’s rule understood why")).to_be_visible()

    assert (before, discarded, after) == ({"invalid"}, {"discarded"}, {"unverified"})
    assert statuses() == {"invalid"}


def test_a_group_opens_and_one_of_it_is_decided_alone(manager: Page) -> None:
    manager.goto("/review/")
    manager.get_by_role("link", name="frobnicated").click()
    expect(manager.locator("main")).to_contain_text("about all 36 of this group")
    shoot(manager, "group")
    manager.get_by_role("checkbox", name="Tick the bounce of p3@b.example").first.check()
    manager.get_by_label("Why").fill("That one was ours")
    manager.get_by_role("button", name="Discard").click()
    expect(manager.locator("main")).to_contain_text("That one was ours")
    assert Bounce.objects.filter(standing="discarded").count() == 1


def test_who_asked_reads_what_became_of_it(manager: Page) -> None:
    manager.goto("/review/")
    asked = manager.locator("form", has=manager.get_by_role("heading", name="Asked to restore"))
    asked.get_by_role("checkbox", name="Tick grace@gmail.com").check()
    asked.get_by_label("Why").fill("Her company says that she left")
    asked.get_by_role("button", name="Refuse").click()
    expect(manager.locator("main")).to_contain_text("Her company says that she left")
    contact = Address.objects.get(email="grace@gmail.com").contact_addresses.get().contact
    manager.goto(contact.get_absolute_url())
    expect(manager.locator(".address-list")).to_contain_text("Refused")
    shoot(manager, "contact")
    manager.goto("/")
    expect(manager.locator("main")).to_contain_text("to review")
    shoot(manager, "dashboard")


def test_what_a_provider_did_is_looked_at_and_repaired(manager: Page) -> None:
    manager.goto("/review/repair/")
    manager.get_by_label("Provider").select_option("google")
    manager.get_by_label("From").fill("2026-10-29T00:00")
    manager.get_by_label("To", exact=True).fill("2026-10-31T12:00")
    manager.get_by_role("button", name="Look").click()
    expect(manager.locator("main")).to_contain_text("2 addresses would be judged again")
    shoot(manager, "repair")
    manager.get_by_label("Why").fill("Gmail was wrong")
    manager.get_by_role("button", name="Take back 2").click()
    expect(manager.locator("main")).to_contain_text("0 of 2 addresses re-evaluated")
    shoot(manager, "repair-begun")
    run = Repair.objects.get()
    repair.work(run.pk, lambda: NOW)
    expect(manager.locator("main")).to_contain_text("2 of 2 addresses re-evaluated")
    expect(manager.locator("header, main").first).to_be_visible()
    assert gmail() == {"valid", "unverified"}
    expect(manager.get_by_role("button", name="Take it back").first).to_be_visible()
    shoot(manager, "repair-done")

    manager.get_by_role("button", name="Take it back").first.click()
    manager.locator("dialog").get_by_role("button", name="Take it back").click()
    expect(manager.locator("main")).to_contain_text("0 of 2 undone")
    repair.work(run.pk, lambda: NOW)
    expect(manager.locator("main")).to_contain_text("2 of 2 undone")
    assert gmail() == {"invalid"}
    manager.goto("/review/repair/")
    shoot(manager, "repairs")


def gmail() -> set[str]:
    return set(Address.objects.filter(email__endswith="gmail.com").values_list("status", flat=True))
