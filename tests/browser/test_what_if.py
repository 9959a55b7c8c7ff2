"""A manager tries other numbers of the policy and sees whom they would move; an admin puts them in force."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect

from bounces.cleaning import start_run, unfinished, work
from bounces.models import Address, Policy
from tests.builders import a_bounce, a_silence, a_user, an_address

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}


def do_the_workers_work() -> None:
    while run := unfinished():
        work(run.pk, timezone.now)


def some_addresses() -> None:
    """Three with a full mailbox, one dead, one fine; judged by the policy in force."""
    for name in ("ada", "bob", "eve"):
        a_bounce(
            f"{name}@clinic.example", kind="soft", reason="mailboxfull", smtp_code=452, enhanced_code="4.2.2",
            occurred_at=timezone.now() - timedelta(days=2),
        )  # fmt: skip
    a_bounce("gone@b.example", occurred_at=timezone.now() - timedelta(days=3))
    an_address("fine@b.example", last_delivered_at=timezone.now())
    a_silence("quiet@b.example")
    start_run(via="page", now=timezone.now())
    do_the_workers_work()


def look(page: Page, name: str) -> None:
    """Keeps a picture at both widths where REBOUND_PICTURES names a folder: for people, no test."""
    if folder := os.environ.get("REBOUND_PICTURES"):
        for width, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            page.wait_for_timeout(300)
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size(DESKTOP)


def has_no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_numbers_are_tried_seen_and_put_in_force(sign_in: Callable[[str], Page]) -> None:
    some_addresses()
    page = sign_in(a_user("admin").email)
    page.goto("/cleaning/")
    page.get_by_role("link", name="Simulate policy changes").click()
    look(page, "form")
    page.locator("[name=risk_count]").fill("99")
    page.get_by_role("button", name="Run simulation").click()
    expect(page.locator("main")).to_contain_text("99 bounce days do not fit into 30 days")
    look(page, "refused")

    page.locator("[name=risk_count]").fill("1")
    page.get_by_label("Mails without an answer").fill("6")
    page.get_by_role("button", name="Run simulation").click()
    expect(page.locator("#run-progress")).to_contain_text("Waiting for a worker")
    look(page, "waiting")
    do_the_workers_work()

    expect(page.locator("main")).to_contain_text("Nothing is changed")
    expect(page.locator("#rows")).to_contain_text("ada@clinic.example")
    expect(page.locator("canvas[data-chart=run-shares]")).to_be_visible()
    look(page, "found")
    page.set_viewport_size(PHONE)
    assert has_no_sideways_scroll(page)
    page.set_viewport_size(DESKTOP)
    assert Address.objects.filter(status="at_risk").count() == 0

    page.get_by_role("link", name="Put these numbers in force").click()
    look(page, "put-in-force")
    page.get_by_label("Why").fill("Clinics with full mailboxes waste our sends")
    page.get_by_role("button", name="Put in force and start the run").click()
    expect(page.locator("body")).to_contain_text("Policy version 2 is in force")
    do_the_workers_work()

    expect(page.locator(".page-subtitle")).to_contain_text("Done")
    look(page, "applied")
    assert Policy.active().risk_count == 1
    assert Address.objects.filter(status="at_risk").count() == 3

    page.get_by_role("link", name="Undo this run").click()
    page.get_by_label("Why").fill("Too strict for clinics")
    look(page, "undo")
    page.get_by_role("button", name="Undo the run").click()
    do_the_workers_work()
    expect(page.locator("main")).to_contain_text("3 of 3 changes undone")
    look(page, "undone")
    assert Address.objects.filter(status="at_risk").count() == 0


@pytest.mark.parametrize("path", ["/cleaning/what-if/", "/cleaning/"])
def test_the_pages_fit_a_phone(sign_in: Callable[[str], Page], path: str) -> None:
    page = sign_in(a_user("manager").email)
    page.set_viewport_size(PHONE)
    page.goto(path)

    assert has_no_sideways_scroll(page)


def test_a_what_if_is_cancelled_from_its_page(sign_in: Callable[[str], Page]) -> None:
    page = sign_in(a_user("manager").email)
    an_address("ada@b.example")
    page.goto("/cleaning/what-if/")
    page.get_by_label("Hard bounces", exact=True).fill("2")
    page.get_by_role("button", name="Run simulation").click()
    page.get_by_role("button", name="Cancel the run").click()

    expect(page.locator("main")).to_contain_text("Cancelled by")
