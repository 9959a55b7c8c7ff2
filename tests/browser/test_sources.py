"""Somebody asks which lists bounce: the count comes while they look, and leads to the people."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone
from playwright.sync_api import Page, expect

from bounces.models import Attempt
from contacts import sources
from tests.browser.conftest import PHONE, shoot
from tests.builders import a_bounce, a_contact, a_user, an_attempt


def test_which_lists_bounce(sign_in: Callable[[str], Page]):
    now = timezone.now()
    for number in range(60):
        contact = a_contact(f"p{number}@fair.example", first_name="Visitor", source="Messe Köln 2026, Halle 8.xlsx")
        an_attempt(f"p{number}@fair.example", sent_at=now, delivered_at=now)
        a_contact(f"q{number}@web.example", source="API: Website")
        an_attempt(f"q{number}@web.example", sent_at=now, delivered_at=now)
    Attempt.objects.filter(address__email__in=["p1@fair.example", "p2@fair.example"]).update(
        bounced_at=now, delivered_at=None
    )
    a_bounce("p1@fair.example", occurred_at=now)
    a_bounce("p2@fair.example", occurred_at=now)
    a_contact("new@list.example", source="bought-list.csv")
    a_contact(None, last_name="Nobody")
    page = sign_in(a_user("sales", name="Sam Sales").email)
    page.goto("/reputation/")
    page.get_by_role("link", name="Sources").click()
    expect(page.locator("#sources")).to_contain_text("Being counted")

    sources.work(timezone.now)

    row = page.get_by_role("row", name="Messe Köln 2026")
    expect(row).to_contain_text("Stop")
    expect(row).to_contain_text("3.33 %")
    expect(page.get_by_role("row", name="API: Website")).to_contain_text("Healthy")
    expect(page.get_by_role("row", name="bought-list.csv")).to_contain_text("unknown")
    shoot(page, "sources")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="Messe Köln").click()
    expect(page.locator("main")).to_contain_text("60 contacts")
    assert contact.source in page.locator(".chip").first.inner_text()
