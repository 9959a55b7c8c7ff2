"""A manager looks at a preview of a cleaning run, applies it, and watches it to its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from bounces.cleaning import start_run, unfinished, work
from bounces.models import Address
from tests.builders import PASSWORD, a_bounce, a_user, an_address


@pytest.fixture
def manager(sign_in: Callable[[str, str], Page]) -> Page:
    return sign_in(a_user("manager").email, PASSWORD)


def do_the_workers_work() -> None:
    run = unfinished()
    assert run is not None
    work(run.pk, timezone.now)


def test_a_preview_changes_nothing_until_it_is_applied(manager):
    a_bounce("ada@b.example")
    an_address("bob@b.example")
    run = start_run(via="page", now=timezone.now(), dry_run=True)
    manager.goto(f"/cleaning/{run.pk}/")
    expect(manager.locator("#run-progress")).to_contain_text("Waiting for a worker")

    do_the_workers_work()

    expect(manager.locator("main")).to_contain_text("Nothing is changed yet")
    expect(manager.locator("#rows")).to_contain_text("ada@b.example")
    expect(manager.locator("#rows")).to_contain_text("the mailbox does not exist")
    assert Address.objects.get(email="ada@b.example").status == "unverified"

    manager.get_by_role("button", name="Apply these changes").click()
    manager.get_by_role("button", name="Apply", exact=True).click()
    expect(manager.locator("#run-progress")).to_contain_text("Applying")

    do_the_workers_work()

    expect(manager.locator(".page-subtitle")).to_contain_text("Done")
    expect(manager.locator("#rows")).to_contain_text("Applied")
    assert Address.objects.get(email="ada@b.example").status == "invalid"


def test_a_run_is_cancelled_from_its_page(manager):
    run = start_run(via="page", now=timezone.now())
    manager.goto(f"/cleaning/{run.pk}/")
    manager.get_by_role("button", name="Cancel the run").click()
    expect(manager.locator("main")).to_contain_text("Cancelled by")


def test_a_run_is_paused_resumed_and_taken_back(manager):
    a_bounce("ada@b.example")
    a_bounce("bob@b.example")
    run = start_run(via="page", now=timezone.now())
    manager.goto(f"/cleaning/{run.pk}/")
    manager.get_by_role("button", name="Pause").click()
    expect(manager.locator("#run-progress")).to_contain_text("stands still")
    manager.get_by_role("button", name="Resume").click()
    do_the_workers_work()
    expect(manager.locator(".page-subtitle")).to_contain_text("Done")
    expect(manager.locator("canvas[data-chart=run-shares]")).to_be_visible()

    manager.get_by_role("checkbox", name="Tick bob@b.example").check()
    manager.get_by_label("Why they are taken back").fill("He wrote to me yesterday")
    manager.get_by_role("button", name="Take back").click()
    expect(manager.locator("main")).to_contain_text("1 of 2 changes taken back")
    assert Address.objects.get(email="bob@b.example").status == "unverified"

    manager.get_by_role("link", name="Undo this run").click()
    expect(manager.locator("main")).to_contain_text("1 address to take back")
    manager.get_by_label("Why").fill("Their server was broken")
    manager.get_by_role("button", name="Undo the run").click()
    do_the_workers_work()

    expect(manager.locator("main")).to_contain_text("2 of 2 changes taken back")
    expect(manager.locator("main")).to_contain_text("Their server was broken")
    assert Address.objects.get(email="ada@b.example").status == "unverified"


def test_the_start_page_counts_the_addresses_of_a_domain(manager):
    a_bounce("ada@b.example")
    a_bounce("bob@c.example")
    manager.goto("/cleaning/new/")
    expect(manager.locator("#scope")).to_contain_text("2 addresses")
    manager.get_by_label("Only those at one domain").fill("b.example")
    expect(manager.locator("#scope")).to_contain_text("1 address ")
