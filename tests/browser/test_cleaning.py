"""A manager looks at a preview of a cleaning run, applies it, and watches it to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from bounces.cleaning import start_run, unfinished, work
from bounces.models import Address, CleaningRun, Policy
from bounces.policy_versions import make_version
from contacts.models import ImportRow
from tests.browser.conftest import shoot
from tests.builders import a_bounce, a_contact, a_user, an_address, an_import_run


@pytest.fixture
def manager(sign_in: Callable[[str], Page]) -> Page:
    return sign_in(a_user("manager").email)


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
    expect(manager.locator("#run-progress")).to_contain_text("Paused until somebody")
    manager.get_by_role("button", name="Resume").click()
    do_the_workers_work()
    expect(manager.locator(".page-subtitle")).to_contain_text("Done")
    expect(manager.locator("canvas[data-chart=run-shares]")).to_be_visible()

    manager.get_by_role("checkbox", name="Tick bob@b.example").check()
    manager.get_by_label("Reason for undoing these changes").fill("He wrote to me yesterday")
    manager.get_by_role("button", name="Undo", exact=True).click()
    expect(manager.locator("main")).to_contain_text("1 of 2 changes undone")
    assert Address.objects.get(email="bob@b.example").status == "unverified"

    manager.get_by_role("link", name="Undo this run").click()
    expect(manager.locator("main")).to_contain_text("1 address to undo")
    manager.get_by_label("Why").fill("Their server was broken")
    manager.get_by_role("button", name="Undo the run").click()
    do_the_workers_work()

    expect(manager.locator("main")).to_contain_text("2 of 2 changes undone")
    expect(manager.locator("main")).to_contain_text("Their server was broken")
    assert Address.objects.get(email="ada@b.example").status == "unverified"


def test_the_start_page_counts_the_addresses_of_a_domain(manager):
    a_bounce("ada@b.example")
    a_bounce("bob@c.example")
    manager.goto("/cleaning/new/")
    expect(manager.locator("#scope")).to_contain_text("2 addresses")
    manager.get_by_label("Only those at one domain").fill("b.example")
    expect(manager.locator("#scope")).to_contain_text("1 address ")


def test_the_start_page_counts_the_addresses_of_an_import(manager):
    imported = an_import_run(written={"new": 1})
    contact = a_contact("ada@b.example")
    a_bounce("bob@c.example")
    ImportRow.objects.create(run_id=imported.pk, number=2, verdict="new", contact_id=contact.pk)
    manager.goto(imported.get_absolute_url())
    manager.get_by_role("link", name="Clean these addresses").click()
    expect(manager.locator("#scope")).to_contain_text("1 address ")
    shoot(manager, "cleaning-1-start")

    manager.get_by_role("button", name="Start").click()
    do_the_workers_work()

    expect(manager.locator("h1")).to_contain_text(f"Import {imported.pk}: people.csv")


def test_what_a_looser_policy_made_better_is_taken_back_and_says_so(manager):
    dead = a_bounce(an_address("ada@b.example", last_delivered_at=timezone.now() - timedelta(days=90))).address
    for days in (3, 1):
        a_bounce("bob@c.example", kind="soft", reason="mailboxfull", occurred_at=timezone.now() - timedelta(days=days))
    work(start_run(via="page", now=timezone.now()).pk, timezone.now)
    make_version({**Policy.active().numbers, "hard_limit": 3, "risk_count": 9}, by=a_user("admin"), note="looser")
    run = start_run(via="policy", now=timezone.now())
    do_the_workers_work()
    manager.goto(f"/cleaning/{run.pk}/")
    shoot(manager, "cleaning-2-report")

    manager.get_by_role("link", name="Undo this run").click()
    expect(manager.locator("main")).to_contain_text("2 addresses to undo")
    shoot(manager, "cleaning-3-undo")
    manager.get_by_label("Why").fill("We cannot afford these")
    manager.get_by_role("button", name="Undo the run").click()
    do_the_workers_work()
    expect(manager.locator("main")).to_contain_text("2 of 2 changes undone")
    shoot(manager, "cleaning-4-undone")

    manager.goto(f"/addresses/{dead.pk}/")
    expect(manager.locator("main")).to_contain_text("a person kept it so")
    expect(manager.locator("main")).to_contain_text("We cannot afford these")
    shoot(manager, "cleaning-5-address")


def test_a_run_says_which_run_goes_on_by_the_next_policy(manager):
    a_bounce("ada@b.example")
    run = start_run(via="page", now=timezone.now())
    CleaningRun.objects.filter(pk=run.pk).update(state="evaluating")
    make_version({**Policy.active().numbers, "hard_limit": 3}, by=a_user("admin"), note="looser")
    do_the_workers_work()
    manager.goto(f"/cleaning/{run.pk}/")
    expect(manager.locator("main")).to_contain_text("Policy version 2 came into force")
    shoot(manager, "cleaning-6-handed-over")

    manager.get_by_role("link", name=f"Show run {run.pk + 1}").click()

    expect(manager.locator("#run-progress")).to_contain_text("Waiting for a worker")
