"""No page has a serious accessibility fault: axe-core on every page, in both themes, as wide as a desk and a phone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import product
from typing import Any, Literal

import django_rq
import pytest
from allauth.account.models import EmailAddress
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, ViewportSize
from redis import Redis

from crm.demo.load import Size, load
from crm.models import User
from tests.browser.walk import (
    ANONYMOUS,
    NO_PAGES,
    Walked,
    add_rows_the_demo_lacks,
    is_forbidden_to_all,
    is_of_an_empty_table,
    walk,
)
from tests.builders import PASSWORD, a_user
from tests.crm.signin.trying import with_second_step

SIZES: tuple[ViewportSize, ...] = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
MONDAY = datetime(2026, 11, 2, 20, 0, tzinfo=UTC)
# What the default suite looks at, within a minute: the pages that people open most, and two of the admin's.
MOST_OPENED = (
    "dashboard", "contacts:list", "contacts:contact", "contacts:campaign", "bounces:list", "bounces:address",
    "bounces:suppressions", "bounces:reputation", "bounces:review", "admin:bounces_bounce_changelist",
    "admin:contacts_contact_change",
)  # fmt: skip
# What only somebody with a second step has.
SECOND_STEP = ("/accounts/2fa/", "/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/")
AT_REST = """() => Promise.race([
    Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null))).then(() => null),
    new Promise((done) => setTimeout(done, 1000)),  // what turns for ever
])"""
# Without `preload` axe fetches style sheets itself, some by a wrong path.
OPTIONS = {"resultTypes": ["violations"], "preload": False}
# By rule and a part of the selector: what stays, and why it does.
EXCEPTIONS: dict[tuple[str, str], str] = {}


@pytest.fixture
def boss(redis: Redis) -> User:
    """An admin, in a database with the demo and a row of each kind."""
    load(Size(60, 30), 7, MONDAY)
    user: User = a_user("admin")
    add_rows_the_demo_lacks(user)
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    django_rq.get_queue("intake").enqueue("bounces.jobs.nothing")
    return user


def client_of(user: User) -> Client:
    """Signed in a moment ago, by a password."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "email": user.email}]
    session.save()
    return client


def assert_every_route_is_a_page_that_is_walked_or_is_known_to_be_none(walked: Walked) -> None:
    assert len(walked.pages) > 250
    unknown = {
        name: answer
        for name, answer in walked.others.items()
        if answer not in ("200", "405") and not is_forbidden_to_all(name, answer) and not is_of_an_empty_table(name)
    }
    strangers = sorted(unknown.keys() - NO_PAGES.keys())
    assert not strangers, "\n".join(strangers)
    assert NO_PAGES.keys() & walked.pages.keys() == set()  # the tables name nothing that is walked
    assert set(MOST_OPENED) <= set(walked.pages)


def test_every_page_is_walked_and_none_has_a_serious_fault(
    boss: User, new_context: Callable[..., BrowserContext], site: str, run_all: bool
) -> None:
    client = client_of(boss)
    walked = walk(client)
    assert_every_route_is_a_page_that_is_walked_or_is_known_to_be_none(walked)
    pages = walked.pages
    paths = list(pages.values()) if run_all else [pages[name] for name in MOST_OPENED]
    context = new_context(reduced_motion="reduce")
    look = Looking(context.new_page())
    # The part that the default suite runs sees each theme at one width.
    combinations = list(product(SIZES, THEMES) if run_all else zip(SIZES, THEMES, strict=True))
    for path in ANONYMOUS if run_all else ANONYMOUS[:1]:
        look.at(path, combinations)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    for path in [*paths, "/nowhere/"]:
        look.at(path, combinations)
    if run_all:
        look.after_the_password("/accounts/2fa/totp/activate/")
        other = client_of(with_second_step(a_user("admin")))
        context.add_cookies([{"name": name, "value": other.cookies[name].value, "url": site}])
        for path in SECOND_STEP:
            look.at(path, combinations)
    assert not look.faults, "\n".join(look.faults)


class Looking:
    """One tab, and the faults that it has met."""

    def __init__(self, page: Page) -> None:
        self.page, self.axe, self.faults = page, Axe(), list[str]()

    def at(self, path: str, combinations: Iterable[tuple[ViewportSize, Theme]]) -> None:
        """Loaded anew for each: a theme that is changed in place takes some frames, which a busy machine draws late."""
        for size, theme in combinations:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.page.goto(path)
            self.page.wait_for_timeout(100)
            self.page.evaluate(AT_REST)  # the admin fades into its dark theme
            self._look(f"{path} {theme} {size['width']}")

    def after_the_password(self, path: str) -> None:
        self.at(path, [(SIZES[0], THEMES[0])])
        self.page.locator("main input[type=password], form input[type=password]").first.fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"**{path}")
        self._look(f"{path} after the password")

    def _look(self, where: str) -> None:
        for violation in self.axe.run(self.page, options=OPTIONS).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                self.faults += [said for node in violation["nodes"] if (said := say(where, violation, node))]


def say(where: str, violation: dict[str, Any], node: dict[str, Any]) -> str:
    target = str(node["target"])
    if any(rule == violation["id"] and part in target + node["html"] for rule, part in EXCEPTIONS):
        return ""
    why = [check["data"] for check in node["any"]][:1]
    return f"{where}: {violation['id']} ({violation['impact']}) at {target}: {node['html'][:200]} {why}"
