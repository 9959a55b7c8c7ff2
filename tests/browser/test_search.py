"""The contacts' list in a browser: found without accents, sorted by name with the nameless last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESK, PHONE, shoot
from tests.builders import a_contact, a_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_contacts_are_found_without_accents_and_sorted_by_name(sign_in: Callable[[str], Page]) -> None:
    boss = a_user("admin")
    a_contact("zoe@xn--bcher-kva.example", first_name="Zoë", last_name="Özil", phone="+49301234", company="Bücher")
    a_contact("info@bucher.example", first_name="", last_name="")
    a_contact("abel@bucher.example", first_name="Ann", last_name="Abel")
    page = sign_in(boss.email)
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.goto("/contacts/?q=bucher&sort=name")
        names = page.locator("tbody tr").all_inner_texts()
        assert ["Abel" in names[0], "Özil" in names[1], "info@" in names[2]] == [True, True, True]
        shoot(page, "search")
    page.goto("/contacts/?q=030+12-34")
    assert page.locator("tbody tr").count() == 1
