"""A manager sees the banner, looks at the incident, confirms it, and tags whom to write to again once it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from bounces.models import Incident
from bounces.process import run_flow
from tests.bounces.happening import an_incident, delivery, happened
from tests.browser.conftest import shoot
from tests.builders import NOW, a_contact, a_user


@pytest.fixture
def incident() -> Incident:
    a_contact("p0003@gmail.com", first_name="Ada")
    happened([delivery(f"other{number}@gmail.com", NOW - timedelta(hours=2)) for number in range(60)])
    return an_incident(30)


def test_an_incident_is_confirmed_and_its_contacts_are_tagged(
    sign_in: Callable[[str], Page], incident: Incident
) -> None:
    page = sign_in(a_user("manager", name="Mia Manager").email)
    page.goto("/")
    attention = page.get_by_role("region", name="Needs attention")
    shoot(page, "incident-attention")
    attention.get_by_role("link", name="1 incident").click()
    expect(page.locator("main")).to_contain_text("p0003@gmail.com")
    shoot(page, "incident-open")
    page.get_by_label("Why").first.fill("Their status page says so")
    page.get_by_role("button", name="Confirm the incident").click()
    expect(page.locator("main")).to_contain_text("Their status page says so")

    run_flow(lambda: NOW + timedelta(hours=8))
    page.goto("/incidents/")
    shoot(page, "incidents")
    page.get_by_role("link", name="Google").click()
    expect(page.get_by_role("heading", name="What they missed")).to_be_visible()
    shoot(page, "incident-over")
    page.get_by_role("button", name="Tag their contacts").click()
    expect(page.locator("main")).to_contain_text("Ada")
    shoot(page, "incident-tagged")


def test_a_page_of_it_is_as_wide_as_a_phone(
    new_context: Callable[..., object], sign_in: Callable[[str], Page], incident: Incident
) -> None:
    page = sign_in(a_user("manager").email)
    page.set_viewport_size({"width": 390, "height": 844})
    for url in (f"/incidents/{incident.pk}/", "/incidents/", "/review/repair/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, url
